"""What the data identify does not depend on how they are written down."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pylme

if TYPE_CHECKING:
    from pylme import Identifiability

#: Unstructured terms with an intercept: a shift of x is a change of basis within them.
FORMULAS = (
    "y ~ x * s + (x | g)",
    "y ~ x * s + (x * s | g)",
    "y ~ x + (x:s | g)",
    "y ~ x + (x + s | g) + (1 | h)",
    "y ~ g + (x | g)",
    "y ~ g * x + (x | g)",
    "y ~ x + (x | g) + (1 | row)",
    "y ~ x + (x + f | g / h)",
)


@cache
def _data() -> dict[str, Any]:
    rng = np.random.default_rng(11)
    g = rng.integers(12, size=120)
    return {
        "y": rng.normal(size=120),
        "x": rng.normal(size=120),
        "g": np.array([f"g{i:02}" for i in g]),
        "s": np.array([f"s{i % 2}" for i in g]),
        "h": np.array([f"h{i}" for i in rng.integers(4, size=120)]),
        "f": np.array([f"f{i}" for i in rng.integers(3, size=120)]),
        "row": np.array([f"r{i:03}" for i in range(120)]),
    }


def _found(formula: str, data: dict[str, Any]) -> Identifiability:
    return pylme.design(formula, data).identifiability()


@cache
def _reference(formula: str) -> Identifiability:
    return _found(formula, _data())


def _same(one: Identifiability, other: Identifiability) -> None:
    """The same rank, and the same parameters and reasons in each direction."""
    assert one.rank == other.rank
    assert [d.names for d in one.directions] == [d.names for d in other.directions]
    assert [d.reason for d in one.directions] == [d.reason for d in other.directions]


@pytest.mark.parametrize("formula", FORMULAS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    shift=st.sampled_from([0.0, 100.0, -2000.0, 1e6]),
    scale=st.sampled_from([1e-6, 0.1, 1.0, 1e3, 1e6]),
)
def test_shift_and_scale(formula: str, shift: float, scale: float) -> None:
    data = _data()
    moved = _found(formula, data | {"x": (data["x"] + shift) * scale})
    _same(moved, _reference(formula))


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("formula", ["y ~ x + (x || g)", "y ~ x + (0 + x | g) + (1 | g) + (x | h)"])
def test_scale_without_covariances(formula: str, scale: float) -> None:
    data = _data()
    _same(_found(formula, data | {"x": data["x"] * scale}), _reference(formula))


@pytest.mark.parametrize("formula", FORMULAS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**16))
def test_rows_permuted(formula: str, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(120)
    permuted = _found(formula, {name: values[order] for name, values in _data().items()})
    _same(permuted, _reference(formula))


@pytest.mark.parametrize("formula", FORMULAS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(names=st.permutations(range(12)))
def test_levels_renamed(formula: str, names: list[int]) -> None:
    data = _data()
    renamed = [f"g{names[int(text[1:])]:02}" for text in data["g"]]
    _same(_found(formula, data | {"g": renamed}), _reference(formula))


@pytest.mark.parametrize("formula", FORMULAS)
def test_weights_of_one_size(formula: str) -> None:
    weighted = pylme.design(formula, _data(), weights=np.full(120, 4.0)).identifiability()
    assert weighted.rank == _reference(formula).rank


@pytest.mark.parametrize("shift", [0.0, 2000.0, 1e6])
def test_a_year_and_its_square(shift: float) -> None:
    sleepstudy = pylme.datasets.load("sleepstudy")
    sleepstudy["year"] = sleepstudy["Days"] + shift
    found = pylme.design("Reaction ~ Days + (year + I(year^2) | Subject)", sleepstudy)
    assert found.identifiability().rank == 6


@pytest.mark.parametrize("shift", [0.0, 2000.0, 1e5])
def test_a_year_without_covariances(shift: float) -> None:
    # Here a shift makes another model, whose two variances look the more alike the larger it is.
    sleepstudy = pylme.datasets.load("sleepstudy")
    sleepstudy["year"] = sleepstudy["Days"] + shift
    found = pylme.design("Reaction ~ Days + (year || Subject)", sleepstudy).identifiability()
    assert found.rank == 2
