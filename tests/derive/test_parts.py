"""The parts of an expression are those that SymPy finds, each once and in its order."""

import pytest
from sympy import IndexedBase, Sum, preorder_traversal

from lossnotes.derive.parts import parts, parts_of
from lossnotes.derive.symbols import K, i, log_loss, p, s, smooth, softmax, y

EXPRESSIONS = [
    K,
    log_loss(s, smooth(y, 0.1)),
    Sum(p[i] * softmax(s)[i], (i, 1, K)) ** 2 + p[y] / p[i],
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_every_part_is_found_once_in_the_order_in_which_it_stands(expression):
    assert parts(expression) == tuple(dict.fromkeys(preorder_traversal(expression)))


def test_parts_of_a_kind_are_those_of_all_expressions():
    assert parts_of(IndexedBase, s[1] + 1, p[y] * s[2]) == {s, p}
    assert parts_of((Sum, IndexedBase), K) == set()
