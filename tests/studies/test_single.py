import numpy as np
from mpmath import mp, mpf

from lossnotes.studies import links
from lossnotes.studies.single import Single

NUMBERS = np.random.default_rng(0).normal(scale=8, size=(200, 4)).astype(np.float32)


def test_exponentials_are_rounded_correctly():
    found = np.exp(Single(NUMBERS))
    with mp.workprec(100):
        exact = [float(mp.exp(mpf(float(number)))) for number in NUMBERS.flat]
    assert np.array_equal(np.asarray(found).ravel(), np.array(exact, dtype=np.float32))


def test_everything_else_stays_in_single_precision():
    single = Single(NUMBERS)
    for found in (1 / single, NUMBERS + single, single.sum(axis=1), -single[:, :1]):
        assert isinstance(found, Single) and found.dtype == np.float32
    assert np.array_equal(single * NUMBERS, NUMBERS * NUMBERS)


def test_numbers_change_in_place_and_have_a_mean():
    single = Single(NUMBERS.copy())
    single += 1
    assert np.array_equal(single, NUMBERS + 1) and np.mean(single) == np.mean(NUMBERS + 1)
    assert np.array_equal(np.exp(single, out=single), np.exp(Single(NUMBERS + 1)))


def test_the_published_rule_takes_it():
    prediction, kept = links.published(Single(NUMBERS))
    assert prediction.dtype == np.float32 and kept.dtype == bool
    assert np.allclose(prediction, links.published(NUMBERS)[0], atol=0.01)
