"""What strangers claim is refuted where it is false, and proved where it is true."""

import pytest

from lossnotes.derive import compare

from .strangers import FALSE, TRUE


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(claim, id=f"{kind}, {n}")
        for kind in FALSE
        for n, claim in enumerate(FALSE[kind])
    ],
)
def test_a_false_claim_is_refuted_and_its_witness_can_be_replayed(claim):
    verdict = compare(*claim)
    assert verdict.kind == "refuted"
    assert verdict.witness.check()


@pytest.mark.parametrize(
    "claim",
    [pytest.param(claim, id=f"{kind}, {n}") for kind in TRUE for n, claim in enumerate(TRUE[kind])],
)
def test_a_true_claim_is_proved_and_says_why(claim):
    verdict = compare(*claim)
    assert verdict.kind == "proved"
    assert verdict.why and all(isinstance(fact, str) for fact in verdict.why)
