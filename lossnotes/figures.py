"""The look of every picture, and the few plots that several chapters share.

Every picture reads in grey (curves differ in dashes and in lightness, levels are labelled), on a
phone (lettering stays above ten pixels when the standard width shrinks to 350), and on dark paper:
backgrounds are transparent, and the book's stylesheet inverts lightness and keeps hue.
"""

from itertools import pairwise

import matplotlib as mpl
import numpy as np
from cycler import cycler
from sympy import lambdify

from lossnotes.portrait.loss import SHARE

INK, BLUE, RUST, GREY = "#1f1d1a", "#1b6ca8", "#c8641e", "#8b8780"

STYLE = {
    "figure.figsize": (5.6, 3.5),
    "figure.dpi": 100,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "figure.constrained_layout.use": True,
    "font.family": "STIXGeneral",
    "mathtext.fontset": "cm",
    "font.size": 13,
    "axes.labelsize": 13,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "legend.fontsize": 12,
    "text.color": INK,
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=[INK, BLUE, RUST, GREY], linestyle=["-", "--", "-.", ":"]),
    "lines.linewidth": 2.0,
    "lines.markersize": 6,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "contour.linewidth": 1.0,
}


def style():
    """Give every figure of a notebook the look of the book; call once, at the top.

    In a notebook, pictures come at twice the resolution and with the same bytes on every run.
    """
    mpl.rcParams.update(STYLE)
    try:
        from IPython import get_ipython
        from IPython.core.pylabtools import select_figure_formats
        from matplotlib_inline.config import InlineBackend
    except ImportError:
        return
    if shell := get_ipython():
        inline = InlineBackend.instance(parent=shell)
        inline.figure_formats = {"retina"}
        inline.print_figure_kwargs = {"bbox_inches": "tight", "metadata": {"Software": None}}
        select_figure_formats(shell, inline.figure_formats, **inline.print_figure_kwargs)


def contours_with_gradients(ax, f, gradient, reach=3.0, levels=None):
    """Labelled contours of a function of two scores, with its gradient as arrows.

    Parameters
    ----------
    ax : matplotlib Axes
    f : function of an array (..., 2) of scores, with result (...)
    gradient : function of an array (..., 2) of scores, with result (..., 2)
    reach : float > 0
        Both scores run from -reach to reach.
    levels : increasing sequence, optional
        Heights of the contours; by default the integers that occur.

    Raises
    ------
    ValueError
        If ``reach`` is not positive, or ``f`` or ``gradient`` answers with another shape.
    """
    if not reach > 0:
        raise ValueError(f"reach must be positive, not {reach}")
    fine = _square(np.linspace(-reach, reach, 241))
    height = _checked("f", f(fine), fine.shape[:-1])
    if levels is None:
        levels = np.arange(np.ceil(height.min()), np.floor(height.max()) + 1)
    contours = ax.contour(
        fine[..., 0], fine[..., 1], height, levels, colors=GREY, linestyles="solid"
    )

    coarse = _square(np.linspace(-0.84 * reach, 0.84 * reach, 7))
    arrows = _checked("gradient", gradient(coarse), coarse.shape)
    ax.quiver(
        *np.moveaxis(coarse, -1, 0), *np.moveaxis(arrows, -1, 0),
        color=BLUE, angles="xy", scale_units="xy", scale=4.2 / reach, width=0.008, pivot="mid",
    )  # fmt: skip
    # The numbers stand between two rows of arrows.
    row = np.linspace([-reach, -0.7 * reach], [0.94 * reach, -0.7 * reach], 400)
    _number(ax, contours, row, f(row))
    diagonal = np.linspace(-reach, reach, 401)
    for label in contours.labelTexts:  # no number is struck through
        across, up = label.get_position()
        near = np.hypot(diagonal - across, diagonal - up) < 0.1 * reach
        diagonal = np.where(near, np.nan, diagonal)
    ax.plot(diagonal, diagonal, color=INK, linestyle=":", linewidth=1)
    ax.set(xlabel="$s_1$", ylabel="$s_2$", aspect="equal")
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach))


def on_simplex(p):
    """Where a probability vector of three classes lies in the picture drawn by `simplex`.

    The corners of an equilateral triangle with unit sides stand for certainty: the first class
    lower left, the second lower right, the third on top. ``p`` has shape (..., 3); the result is
    the pair ``(x, y)``, each of shape (...).

    Raises
    ------
    ValueError
        If ``p`` does not end in three entries that are nonnegative and sum to one.
    """
    p = np.asarray(p, dtype=float)
    if p.shape[-1:] != (3,):
        raise ValueError(f"p must have shape (..., 3), not {p.shape}")
    if not (np.all(p >= 0) and np.allclose(p.sum(-1), 1)):
        raise ValueError("p must be nonnegative and sum to one over its last axis")
    return p[..., 1] + p[..., 2] / 2, p[..., 2] * np.sqrt(3) / 2


def simplex(ax, f, levels):
    """Labelled contours of a function on the triangle of probability vectors of three classes.

    Parameters
    ----------
    ax : matplotlib Axes
    f : function of an array (N, 3) of probability vectors, with result (N,)
        May be infinite on the border, where some probability is zero.
    levels : increasing sequence
        Heights of the contours, numbered in the picture.

    Raises
    ------
    ValueError
        If ``f`` answers with another shape.
    """
    n = 160
    i, j = np.mgrid[: n + 1, : n + 1]
    inside = i + j <= n
    p = np.stack([n - i - j, i, j], axis=-1)[inside] / n
    x, y = on_simplex(p)
    height = _checked("f", f(p), x.shape)
    height = np.where(np.isfinite(height), height, np.max(levels) + np.ptp(levels))
    shades = [(0, 0, 0, a) for a in np.linspace(0, 0.30, len(levels) + 1)]
    ax.tricontourf(x, y, height, [-np.inf, *levels, np.inf], colors=shades)
    contours = ax.tricontour(x, y, height, levels, colors=INK, linewidths=0.8)

    # The numbers stand on the way from the innermost extreme to the corner farthest from it.
    extremes = p[[height.argmin(), height.argmax()]]
    extreme = extremes[extremes.min(-1).argmax()]
    corner = np.eye(3)[2 - extreme[::-1].argmin()]
    way = extreme + np.linspace(0, 1, 400)[1:-1, np.newaxis] * (corner - extreme)
    _number(ax, contours, np.stack(on_simplex(way), axis=-1), f(way))

    corners = np.vstack([np.eye(3), np.eye(3)[0]])
    ax.plot(*on_simplex(corners), color=INK, linestyle="-", linewidth=1.2)
    for name, p, up in zip("123", np.eye(3), (False, False, True), strict=True):
        x, y = on_simplex(p)
        ax.text(
            x,
            y + (0.03 if up else -0.03),
            f"$p_{name} = 1$",
            ha="center",
            va="bottom" if up else "top",
        )
    ax.set(aspect="equal", xlim=(-0.12, 1.12))
    ax.axis("off")


def network(ax, weights, units, along=None, below=None):
    """A network of affine layers: units are circles, weights are lines, negative ones dashed.

    Parameters
    ----------
    ax : matplotlib Axes
    weights : list of arrays (outputs, inputs)
        One for each layer, from the inputs on; a heavier weight is a thicker line.
    units : list of arrays
        The numbers in the circles of each column, one column more than there are layers.
    along : list like ``weights``, optional
        The numbers at the lines; by default the weights.
    below : list like ``units[1:]``, optional
        Numbers below the circles, say biases; zeros are left out.

    Raises
    ------
    ValueError
        If the sizes of neighbouring columns do not fit the weights between them.
    """
    sizes = [len(column) for column in units]
    needed = [(outputs, inputs) for inputs, outputs in pairwise(sizes)]
    along = weights if along is None else along
    for name, given in (("weights", weights), ("along", along)):
        shapes = [np.shape(layer) for layer in given]
        if shapes != needed:
            raise ValueError(f"{name} must have the shapes {needed}, not {shapes}")
    below = [np.zeros(size) for size in sizes[1:]] if below is None else below
    if [len(column) for column in below] != sizes[1:]:
        raise ValueError(f"below must have the sizes {sizes[1:]}, as the units have")
    rows = [size - 1 - 2 * np.arange(size) for size in sizes]
    turned = {"rotation_mode": "anchor", "transform_rotates_text": True}
    for column, layer in enumerate(weights):
        for (out, into), w in np.ndenumerate(layer):
            left, right = rows[column][into], rows[column + 1][out]
            color, dashes = (INK, "-") if w > 0 else (RUST, "--")
            line = {"color": color, "linestyle": dashes, "linewidth": 0.5 + abs(w)}
            ax.plot([column, column + 1], [left, right], **line)
            place = column + 0.24, 0.76 * left + 0.24 * right
            slope = np.rad2deg(np.arctan(right - left))
            _write(ax, place, along[column][out][into], va="bottom", rotation=slope, **turned)
    disc = {"markersize": 38, "color": "white", "markeredgecolor": INK}
    for column, numbers in enumerate(units):
        for row, number in zip(rows[column], numbers, strict=True):
            ax.plot(column, row, "o", **disc)
            _write(ax, (column, row), number)
    for column, numbers in enumerate(below, start=1):
        for row, number in zip(rows[column], numbers, strict=True):
            if number:
                _write(ax, (column, row - 0.72), number, color=BLUE)
    ax.set(xlim=(-0.2, len(weights) + 0.2), ylim=(-max(sizes), max(sizes) - 0.4))
    ax.axis("off")


def pulls(ax, portraits):
    """The pulls of several losses of ``p_y`` alone, as curves over ``p_y``, each with its name.

    The gradient of such a loss by the scores is ``pull(p_y) (p - e_y)``: a pull of zero at the left
    means that lost examples are forgotten, at the right that won ones are left alone.

    Parameters
    ----------
    ax : matplotlib Axes
    portraits : dict from names to `lossnotes.portrait.Portrait`
        Parameters of a loss have the values that its portrait was given.

    Raises
    ------
    ValueError
        If a loss depends on more than the probability of the label, or on the number of classes.
    """
    share = np.linspace(0.002, 0.998, 499)
    for name, portrait in portraits.items():
        loss = portrait.loss
        if loss.pull is None:
            raise ValueError(f"{name} depends on more than the probability of the label")
        pull = loss.fixed(loss.pull)
        unknown = [x for x in pull.free_symbols if x != SHARE]
        if unknown:
            raise ValueError(f"the pull of {name} depends on {unknown[0]}")
        curve = lambdify(SHARE, pull, "numpy")
        ax.plot(share, np.broadcast_to(curve(share), share.shape), label=name)
    ax.set(xlabel="probability of the label $p_y$", ylabel="pull", xlim=(0, 1))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)  # above every curve


def _write(ax, place, number, va="center", **look):
    """A number with at most two decimals, and no minus sign at zero."""
    text = f"{round(float(number), 2) + 0.0:g}".replace("-", "−")
    ax.text(*place, text, ha="center", va=va, **look)


def _square(axis):
    return np.stack(np.meshgrid(axis, axis), axis=-1)


def _number(ax, contours, path, heights):
    """Write its height on each contour, where the path of points (N, 2) first crosses it."""
    for level in contours.levels:
        crossings = np.flatnonzero(np.diff(heights > level))
        if crossings.size:
            place = path[crossings[0] : crossings[0] + 1]
            for label in ax.clabel(contours, [level], fmt="%g", fontsize=12, manual=place):
                label.set(rotation=0, color=INK, text=label.get_text().replace("-", "−"))


def _checked(name, values, shape):
    values = np.asarray(values, dtype=float)
    if values.shape != shape:
        raise ValueError(f"{name} must answer with shape {shape}, not {values.shape}")
    return values
