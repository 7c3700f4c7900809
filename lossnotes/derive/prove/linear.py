"""Linear arithmetic: whether some linear inequalities contradict one another.

Fourier's and Motzkin's elimination: of two inequalities that bound an unknown from either side, a
positive combination is free of it. What remains in the end are numbers.
"""

from sympy import expand

MOST = 120  # inequalities that are kept at a time


def contradict(inequalities):
    """Whether there are no numbers that fulfil all of the inequalities.

    Each is a pair (expression, strict): expression > 0 where strict, else >= 0. Whatever is not
    linear is an unknown of its own.
    """
    rows = []
    unknowns = {}
    for expression, strict in inequalities:
        row = _row(expand(expression), unknowns)
        if row is None:
            return False
        rows.append((row, strict))
    order = list(dict.fromkeys(unknown for row, _ in rows for unknown in row if unknown != 1))
    for unknown in order:
        above = [(row, strict) for row, strict in rows if row.get(unknown, 0) > 0]
        below = [(row, strict) for row, strict in rows if row.get(unknown, 0) < 0]
        rows = [(row, strict) for row, strict in rows if row.get(unknown, 0) == 0]
        for a, strict_a in above:
            for b, strict_b in below:
                rows.append((_combined(a, -b[unknown], b, a[unknown]), strict_a or strict_b))
        rows = list(
            {(frozenset(row.items()), strict): (row, strict) for row, strict in rows}.values()
        )
        if len(rows) > MOST:
            return False
    return any(row.get(1, 0) < 0 or (strict and row.get(1, 0) == 0) for row, strict in rows)


def _row(expression, unknowns):
    """The coefficients of an expression, those of its monomials in whatever is not a number."""
    row = {}
    for term in expression.as_ordered_terms() if expression.is_Add else [expression]:
        coefficient, rest = term.as_coeff_Mul()
        if not coefficient.is_Rational:
            return None
        if rest != 1:
            unknowns[rest] = True
        key = 1 if rest == 1 else rest
        row[key] = row.get(key, 0) + coefficient
    return {key: value for key, value in row.items() if value != 0}


def _combined(a, weight_a, b, weight_b):
    row = {key: weight_a * value for key, value in a.items()}
    for key, value in b.items():
        row[key] = row.get(key, 0) + weight_b * value
    return {key: value for key, value in row.items() if value != 0}
