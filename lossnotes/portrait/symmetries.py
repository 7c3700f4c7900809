"""Rows: what may be done to scores and classes without a change."""

from sympy import Derivative, Integer

from lossnotes.derive.symbols import K, c, one_hot
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
    first, second = loss.s[1], loss.s[2]
    swapped = loss.with_scores(
        loss.s + (second - first) * (one_hot(1) - one_hot(2)), loss.of(Integer(2))
    )
    checked = loss.claim(swapped, "=", loss.of(Integer(1)))
    third = loss.with_scores(
        loss.s + (second - first) * (one_hot(1) - one_hot(2)), loss.of(Integer(3))
    )
    claims = [checked]
    if loss.classes == K or int(loss.classes) > 2:
        claims.append(loss.claim(third, "=", loss.of(Integer(3))))
    claims = tuple(found for found in claims if found is not None)
    if not claims:
        return Row(name, None, "no point was found at which both have values")
    if all(claims):
        says = "with the scores of classes 1 and 2 exchanged, and the label renamed, it is the same"
    else:
        says = "with the scores of classes 1 and 2 exchanged, and the label renamed, it is another"
    return Row(name, all(claims), says, claims)
