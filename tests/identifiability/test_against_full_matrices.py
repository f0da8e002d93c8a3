"""Rank and directions are those of the matrices written out in full, whatever the model."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pylme
from pylme.errors import PylmeError, RankDeficiencyWarning
from tests.identifiability.oracle import agrees

#: Left sides of bars: f and t vary within the groups g, and c, d and z do not.
EFFECTS = (
    "1", "x", "0 + x", "f", "0 + f", "c", "x + c", "x * c", "x:c", "f + x", "x + I(2 * x)", "z",
    "x + z", "f * c", "t", "0 + t", "x + w", "d", "I(0 * x)", "dummy(c, 'c1'):x",
)  # fmt: skip
GROUPS = ("g", "h", "g:h", "g/h", "row", "same")
FIXED = ("1", "x", "f", "x * f", "c", "g", "x + h", "0 + x", "0", "g * x")


def made(seed: int, n: int, levels: int) -> dict[str, Any]:
    """Columns of each kind: numbers, factors, some of them constant within the groups."""
    rng = np.random.default_rng(seed)
    g = rng.integers(levels, size=n)
    c = rng.integers(2, size=levels)
    return {
        "y": rng.normal(size=n),
        "w": rng.normal(size=n),
        "x": rng.integers(-3, 4, size=n) + 0.0 if seed % 2 else rng.normal(size=n),
        "z": np.round(rng.normal(size=levels), 2)[g],
        "f": [f"f{i}" for i in rng.integers(3, size=n)],
        "t": [f"t{i}" for i in rng.integers(2, size=n)],
        "c": [f"c{c[i]}" for i in g],
        "d": [f"d{i % 3}" for i in g],
        "g": [f"g{i}" for i in g],
        "same": [f"s{9 - i}" for i in g],
        "h": [f"h{i}" for i in rng.integers(3, size=n)],
        "row": [f"r{i}" for i in range(n)],
        "weights": rng.integers(1, 4, size=n) + 0.0,
    }


@st.composite
def formulas(draw: st.DrawFn) -> str:
    bar = st.builds(
        "({} {} {})".format,
        st.sampled_from(EFFECTS),
        st.sampled_from(["|", "|", "|", "||"]),
        st.sampled_from(GROUPS),
    )
    bars = draw(st.lists(bar, min_size=1, max_size=3))
    return f"y ~ {draw(st.sampled_from(FIXED))} + {' + '.join(bars)}"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    formula=formulas(),
    seed=st.integers(0, 2**16),
    n=st.integers(6, 30),
    levels=st.integers(2, 8),
    weights=st.sampled_from([None, None, "weights"]),
)
def test_equal(formula: str, seed: int, n: int, levels: int, weights: str | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankDeficiencyWarning)
        try:
            design = pylme.design(formula, made(seed, n, levels), weights=weights)
        except PylmeError:
            return  # a factor that happens to have one level
    agrees(design)


@pytest.mark.parametrize(
    ("data", "formula"),
    [
        ("sleepstudy", "Reaction ~ Days + (factor(Days) | Subject)"),
        ("sleepstudy", "Reaction ~ Subject * Days + (Days | Subject)"),
        ("sleepstudy", "Reaction ~ poly(Days, 2) + (poly(Days, 3) | Subject)"),
        ("sleepstudy", "Reaction ~ Days + (Days > 4 || Subject) + (1 | Days)"),
        ("cake", "angle ~ recipe * temperature + (recipe | replicate) + (1 | recipe:replicate)"),
        ("cake", "angle ~ 1 + (0 + recipe | replicate) + (0 + recipe | replicate:temperature)"),
        ("pastes", "strength ~ 1 + (1 | batch/cask)"),
        ("pastes", "strength ~ batch + (1 | batch:cask) + (1 | batch)"),
        ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample) + (1 | plate:sample)"),
    ],
)
def test_equal_on_the_data_that_ship(data: str, formula: str) -> None:
    agrees(pylme.design(formula, pylme.datasets.load(data)))
