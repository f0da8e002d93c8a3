"""Intervals cover what they promise, and tests keep their size, in simulated sets."""

from __future__ import annotations

import pytest

from .cases import CASES
from .measured import SETS, Measured


@pytest.mark.simulation
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_as_expected(name):
    for measured in CASES[name](SETS):
        assert measured.kept, str(measured)


@pytest.mark.parametrize(("share", "kept"), [(0.942, True), (0.94, False), (0.96, False)])
def test_three_monte_carlo_errors(share, kept):
    """Of 5,000 sets at 95 % they are 0.0092."""
    found = Measured(
        design="", what="", share=share, sets=5000, low=0.95, high=0.95, expected=""
    )  # fmt: skip
    assert found.kept == kept
