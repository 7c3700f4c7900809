"""What a stranger claims, and is false, is refuted, at a point where it can be computed again."""

import pytest

from lossnotes.derive import compare

from .strangers import FALSE


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
