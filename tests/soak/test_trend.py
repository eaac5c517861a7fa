"""The slope of a series and its interval: what grows is found, what does not is left alone."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soak.trend import FEWEST_BLOCKS, Trend, blocks, trend_of

MINUTES = [60.0 * number for number in range(20)]


def noisy(slope: float, noise: float, seed: int) -> list[float]:
    """A series with a slope an hour around 100."""
    chance = random.Random(seed)
    return [100 + slope * at / 3600 + chance.gauss(0, noise) for at in MINUTES]


def trend(values: list[float]) -> Trend:
    found = trend_of(MINUTES, values)
    assert found is not None
    return found


@given(st.floats(-500, 500), st.floats(0, 1e6))
def test_a_line_has_its_own_slope(slope: float, start: float):
    found = trend([start + slope * at / 3600 for at in MINUTES])
    assert found.slope == pytest.approx(slope, abs=1e-3)
    assert found.low <= found.slope <= found.high


@pytest.mark.parametrize("seed", range(10))
def test_a_slope_is_found_in_noise_and_noise_is_no_slope(seed: int):
    growing = trend(noisy(60.0, 2.0, seed))
    assert growing.grows(share=0.1, least=1.0)
    assert not trend(noisy(0.0, 2.0, seed)).grows(share=0.1, least=1.0)


def test_an_outlier_changes_little():
    values = noisy(0.0, 0.5, 1)
    values[-1] = 100_000.0
    assert not trend(values).grows(share=0.1, least=1.0)


@pytest.mark.parametrize(("share", "least", "grows"), [(0.5, 1.0, True), (0.7, 1.0, False), (0.1, 70.0, False)])
def test_growth_counts_beyond_the_tolerance(share: float, least: float, grows: bool):
    assert trend([100 + at / 60 for at in MINUTES]).grows(share, least) is grows


def test_the_interval_holds_the_slope_as_often_as_it_says():
    held = sum((one := trend(noisy(30.0, 5.0, seed))).low <= 30.0 <= one.high for seed in range(400))
    assert held >= 0.92 * 400


def test_too_few_values_have_no_trend():
    assert trend_of(MINUTES[: FEWEST_BLOCKS - 1], [1.0] * (FEWEST_BLOCKS - 1)) is None


def test_blocks_are_medians_of_a_minute():
    times, values = blocks([0.0, 5.0, 10.0, 61.0, 62.0, 200.0], [1.0, 50.0, 2.0, 7.0, 9.0, 4.0])
    assert times == [5.0, 61.5, 200.0]
    assert values == [2.0, 8.0, 4.0]
