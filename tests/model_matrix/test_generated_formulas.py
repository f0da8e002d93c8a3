"""Formulas drawn at random have lme4's matrices."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pylme
from pylme.errors import RankDeficiencyWarning
from tests.model_matrix.lformula import agree, lformula

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.needs_r

#: By data set: the response, what explains it, and what groups.
PARTS = {
    "cake": (
        "angle",
        ["recipe", "temperature", "temp", "I(temp^2)"],
        ["replicate", "recipe:replicate", "replicate/temperature", "recipe"],
    ),
    "verbagg": ("Anger", ["Gender", "btype", "situ", "mode", "r2"], ["id", "item", "item:mode"]),
    "cbpp": ("incidence", ["period", "size", "log(size)"], ["herd", "herd:period"]),
    "sleepstudy": (
        "Reaction",
        ["Days", "scale(Days)", "factor(Days > 4)", "ns(Days, 2)"],
        ["Subject", "Days"],
    ),
}


@cache
def _loaded(name: str) -> Any:
    data = pylme.datasets.load(name)
    return data.iloc[::8].reset_index(drop=True) if len(data) > 5000 else data


@st.composite
def _sums(draw: st.DrawFn, variables: Sequence[str]) -> str:
    """Up to three terms of the algebra, with or without an intercept."""
    one = st.sampled_from(variables)
    pair = st.builds("{}{}{}".format, one, st.sampled_from([":", " * ", " / "]), one)
    terms = draw(st.lists(one | pair, min_size=1, max_size=3))
    return draw(st.sampled_from(["", "0 + ", "1 + "])) + " + ".join(terms)


def _bars(variables: Sequence[str], group: str) -> st.SearchStrategy[str]:
    # lme4 1.1-31 stops on (1 || g).
    effects = _sums(variables)
    return (
        st.just(f"(1 | {group})")
        | effects.map(lambda text: f"({text} | {group})")
        | effects.map(lambda text: f"({text} || {group})")
    )


@st.composite
def _formulas(draw: st.DrawFn, name: str) -> str:
    response, variables, groups = PARTS[name]
    groups_drawn = draw(st.lists(st.sampled_from(groups), min_size=1, max_size=3))
    bars = [draw(_bars(variables[:3], group)) for group in groups_drawn]
    return f"{response} ~ {draw(_sums(variables))} + {' + '.join(bars)}"


@pytest.mark.parametrize("name", PARTS)
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_equal(name: str, data: st.DataObject) -> None:
    formula = data.draw(_formulas(name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankDeficiencyWarning)
        design = pylme.design(formula, _loaded(name))
    agree(design, lformula(formula, _loaded(name)), exact=False)
