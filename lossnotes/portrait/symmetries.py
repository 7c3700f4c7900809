"""Rows: what may be done to scores and classes without a change."""

from sympy import Derivative, Indexed, Integer, KroneckerDelta, Sum

from lossnotes.derive.symbols import Entry, K, c, one_hot
from lossnotes.portrait.table import Row


def shift(loss):
    """The same number added to every score."""
    moved = loss.with_scores(loss.s + c)
    checked = loss.claim(moved, "=", loss.value)
    if checked is None:
        return Row("unchanged by a shift", None, "no point was found at which both have values")
    says = "with the same number added to every score the loss is " + (
        "what it was" if checked else "another one"
    )
    return Row("unchanged by a shift", bool(checked), says, (checked,))


def gradient_sum(loss):
    """Whether the entries of the gradient sum to zero: where a shift changes nothing they do."""
    name = "gradient sums to zero"
    if unchanged := shift(loss):
        says = "the derivatives by all scores sum to the slope of the loss along a shift, zero"
        return Row(name, True, says, unchanged.claims)
    whole = loss.total(lambda n: Derivative(loss.value, loss.s[n]), "n")
    checked = loss.claim(whole, "=", 0)
    if checked is None:
        return Row(name, None, "no point was found at which the gradient has a value")
    says = (
        "the derivatives by all scores sum to zero"
        if checked
        else ("there are scores where the derivatives do not sum to zero")
    )
    return Row(name, bool(checked), says, (checked,))


def labels(loss):
    """Whether the losses of all labels have a constant sum, which makes uniform noise harmless."""
    name = "symmetric over labels"
    here = loss.total(loss.of)
    there = loss.total(lambda n: loss.with_scores(Integer(0), loss.of(n)))
    checked = loss.claim(here, "=", there)
    if checked is None:
        return Row(name, None, "the losses of all labels could not be summed")
    says = (
        "the losses of all labels sum to the same number everywhere, so that labels which are "
        "exchanged uniformly move no minimum of the mean loss, as long as most remain right"
        if checked
        else "the losses of all labels sum to another number here than for equal scores"
    )
    return Row(name, bool(checked), says, (checked,))


def renaming(loss):
    """Whether the loss knows the classes by their names."""
    name = "symmetric under renaming"
    classes = _named(loss)
    pairs = [(1, other) for other in classes if other != 1]
    claims = []
    for first, second in pairs:
        moved = loss.s + (loss.s[second] - loss.s[first]) * (one_hot(first) - one_hot(second))
        other = next(n for n in range(1, 4) if n not in (first, second))
        labels = [(second, first), (first, second)]
        if loss.classes == K or int(loss.classes) > 2:
            labels.append((other, other))
        for renamed, label in labels:
            swapped = loss.with_scores(moved, loss.of(Integer(renamed)))
            claims.append(loss.claim(swapped, "=", loss.of(Integer(label))))
    claims = tuple(found for found in claims if found is not None)
    if not claims:
        return Row(name, None, "no point was found at which both have values")
    names = " or ".join(f"{first} and {second}" for first, second in pairs)
    says = f"with the scores of classes {names} exchanged, and the label renamed, it is " + (
        "the same" if all(claims) else "another"
    )
    return Row(name, all(claims), says, claims)


def _named(loss):
    """Classes 1 and 2, and all that stand in the loss by their number."""
    indices = [x.args[1] for x in loss.value.atoms(Indexed, Entry)]
    indices += [x for part in loss.value.atoms(KroneckerDelta) for x in part.args]
    indices += [x for part in loss.value.atoms(Sum) for x in part.limits[0][1:]]
    return sorted({1, 2} | {int(x) for x in indices if x.is_Integer})
