"""Pictures that read in grey, on a phone and on dark paper, and come out the same on every run."""

import io
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from lossnotes import figures
from lossnotes.portrait import Portrait, read

STYLESHEET = Path(__file__).parents[1] / "book" / "_static" / "lossnotes.css"


@pytest.fixture
def ax():
    with mpl.rc_context(figures.STYLE):
        yield Figure().subplots()


def png(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=200, metadata={"Software": None})
    return buffer.getvalue()


def entropy(p):
    return -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=-1)


def lse(s):
    return np.log(np.exp(s).sum(-1))


def softmax(s):
    return np.exp(s - lse(s)[..., np.newaxis])


# Colours


def inverted(colour):
    """What ``invert(1) hue-rotate(180deg)`` makes of a colour, as the CSS standard has it."""
    grey = np.array([0.213, 0.715, 0.072])
    return np.clip((2 * np.outer(np.ones(3), grey) - np.eye(3)) @ (1 - np.array(colour)), 0, 1)


def luminance(colour):
    """The relative luminance of WCAG 2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def contrast(one, other):
    light, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


def paper(theme):
    light, dark = re.findall(r"--paper: (#\w+)", STYLESHEET.read_text())
    return to_rgb(dark if theme == "dark" else light)


def test_contrast_is_that_of_the_standard():
    assert contrast((1, 1, 1), (0, 0, 0)) == pytest.approx(21)
    assert contrast(to_rgb("#777777"), (1, 1, 1)) == pytest.approx(4.48, abs=0.005)


COLOURS = [figures.INK, figures.BLUE, figures.RUST, figures.GREY]


@pytest.mark.parametrize("colour", COLOURS)
def test_a_curve_stands_out_from_light_paper(colour):
    assert contrast(to_rgb(colour), paper("light")) >= 3


@pytest.mark.parametrize("colour", COLOURS)
def test_a_curve_stands_out_from_dark_paper_where_the_stylesheet_inverts_it(colour):
    assert "filter: invert(1) hue-rotate(180deg)" in STYLESHEET.read_text()
    assert contrast(inverted(to_rgb(colour)), paper("dark")) >= 3


def test_curves_differ_without_colour():
    cycle = list(figures.STYLE["axes.prop_cycle"])
    for one, other in combinations(cycle, 2):
        assert one["linestyle"] != other["linestyle"]
    assert [luminance(to_rgb(curve["color"])) for curve in cycle] == sorted(
        luminance(to_rgb(curve["color"])) for curve in cycle
    )


def test_lettering_stays_above_ten_pixels_on_a_phone(ax):
    figures.simplex(ax, entropy, [0.6, 1])
    sizes = [text.get_fontsize() for text in ax.texts]
    sizes += [
        size for key, size in figures.STYLE.items() if re.search(r"(font\.?|label)size$", key)
    ]
    dpi, (width, _) = figures.STYLE["figure.dpi"], figures.STYLE["figure.figsize"]
    assert len(sizes) > 5
    assert min(sizes) / 72 * dpi * 350 / (width * dpi) >= 10


# Contours with gradients


def test_contours_pass_through_the_points_of_their_height(ax):
    figures.contours_with_gradients(ax, lse, softmax, levels=[1])
    contour = ax.collections[0].get_paths()[0].vertices
    assert lse(contour) == pytest.approx(np.ones(len(contour)), abs=1e-3)


def test_arrows_are_the_gradients_at_their_feet(ax):
    figures.contours_with_gradients(ax, lse, softmax)
    arrows = next(c for c in ax.collections if hasattr(c, "U"))
    assert np.stack([arrows.U, arrows.V], -1) == pytest.approx(softmax(arrows.XY))


def test_the_diagonal_strikes_through_no_number(ax):
    figures.contours_with_gradients(ax, lambda s: s[..., 1] - s[..., 0], lambda s: 0 * s)
    (diagonal,) = ax.lines
    numbers = [text for text in ax.texts if text.get_text() == "0"]  # its contour is the diagonal
    for number in numbers:
        distance = np.hypot(*(diagonal.get_xydata() - number.get_position()).T)
        assert np.nanmin(distance) > 0.2
    assert numbers and np.isfinite(diagonal.get_ydata()).sum() > 300


def test_every_contour_that_crosses_the_row_of_numbers_has_its_number(ax):
    figures.contours_with_gradients(ax, lambda s: s.max(-1), softmax, levels=[-1, 0, 1])
    assert [text.get_text() for text in ax.texts] == ["−1", "0", "1"]


@pytest.mark.parametrize(
    ("f", "gradient", "reach", "named"),
    [
        (lse, softmax, 0, "reach"),
        (lse, softmax, float("nan"), "reach"),
        (softmax, softmax, 3, "f"),
        (lse, lse, 3, "gradient"),
    ],
)
def test_a_wrong_argument_of_contours_is_named(ax, f, gradient, reach, named):
    with pytest.raises(ValueError, match=rf"^{named} must"):
        figures.contours_with_gradients(ax, f, gradient, reach=reach)


# The triangle


def test_corners_of_the_triangle_have_unit_distance():
    corners = np.stack(figures.on_simplex(np.eye(3)), axis=-1)
    for one, other in combinations(corners, 2):
        assert np.linalg.norm(one - other) == pytest.approx(1)


def test_the_map_to_the_triangle_is_affine():
    p, q = np.array([0.5, 0.5, 0]), np.array([0.1, 0.2, 0.7])
    middle = np.array(figures.on_simplex((p + q) / 2))
    ends = np.array(figures.on_simplex(p)) + np.array(figures.on_simplex(q))
    assert middle == pytest.approx(ends / 2)


@pytest.mark.parametrize("p", [[0.5, 0.5], 1.0, [0.5, 0.4, 0.2], [1.2, -0.2, 0], [np.nan, 0, 1]])
def test_what_is_no_probability_vector_of_three_classes_is_refused(p):
    with pytest.raises(ValueError, match=r"^p must"):
        figures.on_simplex(p)


def test_every_level_on_the_triangle_has_its_number(ax):
    figures.simplex(ax, entropy, [0.4, 0.6, 0.8, 1])
    assert {"0.4", "0.6", "0.8", "1"} <= {text.get_text() for text in ax.texts}


def test_a_function_may_be_infinite_on_the_border_of_the_triangle(ax):
    def divergence(p):
        with np.errstate(divide="ignore"):
            return -np.log(3 * p).mean(-1)

    figures.simplex(ax, divergence, [0.1, 0.5, 1])
    assert {"0.1", "0.5", "1"} <= {text.get_text() for text in ax.texts}


def test_a_function_of_the_wrong_shape_is_refused(ax):
    with pytest.raises(ValueError, match=r"^f must answer with shape"):
        figures.simplex(ax, lambda p: p, [0.5])


# A network


def small():
    return [[[1.0, -1.0], [0.5, 2.0], [0.0, 1e-9]]], [[1, 2], [0.25, -0.004, 3]]


def test_a_network_shows_its_units_and_its_weights_with_at_most_two_decimals(ax):
    weights, units = small()
    figures.network(ax, weights, units, below=[[0.5, 0, -1]])
    shown = [text.get_text() for text in ax.texts]
    at_lines, in_circles, below = "1 −1 0.5 2 0 0", "1 2 0.25 0 3", "0.5 −1"
    assert shown == f"{at_lines} {in_circles} {below}".split()


def test_a_negative_weight_is_dashed_and_a_heavy_one_is_thick(ax):
    figures.network(ax, *small())
    lines = [line for line in ax.lines if len(line.get_xdata()) == 2]
    found = [(line.get_linestyle(), line.get_linewidth()) for line in lines]
    assert found[:4] == [("-", 1.5), ("--", 1.5), ("-", 1.0), ("-", 2.5)]


@pytest.mark.parametrize(
    "wrong", [{"units": [[1, 2], [3]]}, {"along": [[[1.0, 1.0]]]}, {"below": [[1.0]]}]
)
def test_a_network_whose_sizes_do_not_fit_is_refused(ax, wrong):
    weights, units = small()
    (name,) = wrong
    with pytest.raises(ValueError, match=f"^{name.replace('units', 'weights')} must have"):
        figures.network(ax, **{"weights": weights, "units": units} | wrong)


# Pulls


def drawn(loss):
    return Portrait(read(loss), ())


def test_a_pull_is_drawn_at_the_numbers_of_its_portrait(ax):
    focal = Portrait(
        read("-(1 - softmax(s)[y])**gamma*log(softmax(s)[y])", numbers={"gamma": 3}), ()
    )
    figures.pulls(ax, {"log loss": drawn("-log(softmax(s)[y])"), "focal loss": focal})
    flat, curve = (line.get_ydata() for line in ax.lines)
    p = ax.lines[1].get_xdata()
    assert flat == pytest.approx(np.ones_like(p))
    assert curve == pytest.approx((1 - p) ** 3 - 3 * p * (1 - p) ** 2 * np.log(p))
    assert [name.get_text() for name in ax.get_legend().get_texts()] == ["log loss", "focal loss"]


def test_a_loss_of_more_than_one_probability_has_no_pull(ax):
    with pytest.raises(ValueError, match=r"^margin depends on more"):
        figures.pulls(ax, {"margin": drawn("margin_loss(s, y)")})


# Bytes


def test_the_same_picture_has_the_same_bytes():
    pictures = []
    for _ in range(2):
        with mpl.rc_context(figures.STYLE):
            figure = Figure()
            left, right = figure.subplots(1, 2)
            figures.contours_with_gradients(left, lse, softmax)
            figures.simplex(right, entropy, [0.5, 1])
            pictures.append(png(figure))
    assert pictures[0] == pictures[1]


def test_another_picture_has_other_bytes(ax):
    empty = png(ax.figure)
    ax.plot([0, 1])
    assert png(ax.figure) != empty


def test_a_notebook_gets_crisp_pictures_without_traces_of_the_program():
    code = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import matplotlib
matplotlib.use("module://matplotlib_inline.backend_inline")
from matplotlib.figure import Figure
from lossnotes import figures
figures.style()
figure = Figure()
figure.subplots().plot([0, 1])
data, about = shell.display_formatter.format(figure)
png = data["image/png"]
import base64, io, PIL.Image
image = PIL.Image.open(io.BytesIO(base64.b64decode(png) if isinstance(png, str) else png))
assert image.width // 2 == about["image/png"]["width"], (image.width, about)
assert "Software" not in image.info, image.info
assert image.convert("RGBA").getpixel((0, 0))[3] == 0, "the background is not transparent"
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
