"""R's round() is met bit for bit."""

from __future__ import annotations

import math

import pytest

from pylme.render.numbers import round_decimals
from tests.render.draws import number, seeded
from tests.render.rscript import as_r_number, rscript

ROUND = """
for (line in fields(given)) {
  x <- numbers(line[2L])
  writeLines(sprintf("%a", round(x, as.integer(line[1L]))), out)
}
"""
DECIMALS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 23, 30, 50, 100, 300, 310, 320, -1, -2, -5, -10)


@pytest.mark.needs_r
def test_equals_r(tmp_path):
    rng = seeded(3)
    numbers = [x for _ in range(10_000) if (x := number(rng)) is not None and not math.isnan(x)]
    cases = [(x, rng.choice(DECIMALS)) for x in numbers]
    lines = [f"{decimals};{as_r_number(x)}" for x, decimals in cases]
    expected = [float.fromhex(text) for text in rscript(ROUND, lines, tmp_path).splitlines()]
    got = [round_decimals(x, decimals) for x, decimals in cases]
    assert list(map(as_r_number, got)) == list(map(as_r_number, expected))


@pytest.mark.parametrize(
    ("x", "decimals", "expected"),
    [
        (0.15, 1, 0.1),
        (0.25, 1, 0.2),
        (0.35, 1, 0.3),
        (2.5, 0, 2.0),
        (-1.5, 0, -2.0),
        (1250, -2, 1200),
    ],
)
def test_examples_of_the_help_page_of_round(x, decimals, expected):
    assert round_decimals(x, decimals) == expected


@pytest.mark.parametrize("x", [math.inf, -math.inf, 0.0, 1e300])
def test_leaves_alone_what_has_no_decimals(x):
    assert round_decimals(x, 3) == x


def test_nan_stays_nan():
    assert math.isnan(round_decimals(math.nan, 2))


def test_vanishes_before_the_largest_power():
    assert round_decimals(1e308, -309) == 0.0
