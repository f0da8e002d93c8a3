"""Documented models have the numbers that were published for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import pylme
from tests.campaign.registry import (
    Row,
    compared,
    markdown,
    numbers_of,
    published,
    published_numbers,
)

if TYPE_CHECKING:
    from pathlib import Path

#: Rows of the registry of mixedbench 1.0.10 (A. Kipnis, CC BY 4.0), which fitted by lme4 2.0.
MODELS = pd.DataFrame(
    [
        ("lme4", "R", "Dyestuff", "1", "Yield", "", "Yield ~ 1 + (1|Batch)"),
        ("lme4", "R", "Pastes", "1", "strength", "", "strength ~ (1|batch/cask)"),
        ("lme4", "E", "Penicillin", "1", "diameter", "", "diameter ~ (1|plate) + (1|sample)"),
    ],
    columns=["source", "tier", "object", "model_index", "response", "types", "formula"],
).assign(family="")
FITS = pd.DataFrame(
    [
        ("Dyestuff", "Batch", "30", "0.0", "1764.05", "2451.25", "0.0", "0.4185", "0.4185"),
        ("Pastes", "batch:cask", "60", "0.0", "8.4337", "0.678", "0.0", "0.937", "0.7831"),
        ("Pastes", "batch", "60", "0.0", "1.6573", "0.678", "0.0", "0.937", "0.1539"),
    ],
    columns=["object", "factor", "n_obs", "sigma2_fixed", "sigma2", "sigma2_residual",
             "r2_marginal", "r2_conditional", "icc_adjusted"],
).assign(
    source="lme4", model_index="1", tier="R", status="ok", seconds="0.1", family="gaussian",
    sigma2_distribution="",
)  # fmt: skip


@pytest.fixture
def listed(tmp_path: Path) -> pd.DataFrame:
    MODELS.to_csv(tmp_path / "registry.csv", index=False)
    FITS.to_csv(tmp_path / "fits.csv", index=False)
    return published(tmp_path, ["lme4"])


def test_the_numbers_are_those_of_the_fit(listed: pd.DataFrame) -> None:
    ours = pylme.lmer("strength ~ (1 | batch/cask)", pylme.datasets.load("pastes"), engine="numpy")
    given = published_numbers(listed[listed["object"] == "Pastes"])
    assert numbers_of(ours).differences(given) == {}
    other = replace(given, marginal=given.marginal + 0.01, residual=1.05 * given.residual)
    assert set(numbers_of(ours).differences(other)) == {"R² marginal", "residual variance"}
    inner, outer = frozenset({"cask"}), frozenset({"batch"})
    short = {inner: given.random[frozenset({"batch", "cask"})], outer: given.random[outer]}
    shares = {inner: given.icc[frozenset({"batch", "cask"})], outer: given.icc[outer]}
    assert numbers_of(ours).differences(replace(given, random=short, icc=shares)) == {}
    # A factor that one side does not have is a difference.
    alone = replace(given, random={}, icc={})
    assert "variance of batch" in numbers_of(ours).differences(alone)


@pytest.mark.needs_r
def test_both_engines(listed: pd.DataFrame, tmp_path: Path) -> None:
    found = compared(listed, tmp_path, seconds=120)
    assert [row.model for row in found] == ["lme4/Dyestuff/1", "lme4/Pastes/1"]
    table = markdown(found, versions="lme4")
    assert "All numbers of 2 of 2 linear models" in table
    assert "| 10.09 / 10.09 |" in table
    wrong = [replace(found[0], published=replace(found[0].published, conditional=0.5)), found[1]]
    table = markdown(wrong, versions="lme4")
    assert "1 of 2 linear" in table
    assert "| R² conditional |" in table


def test_what_was_not_fitted_is_said(listed: pd.DataFrame) -> None:
    rows = listed[listed["object"] == "Dyestuff"]
    row = Row(
        model="lme4/Dyestuff/1", formula="Yield ~ 1 + (1|Batch)", family="gaussian", rows=30,
        published=published_numbers(rows), lme4=None, numpy=None, note="reached elapsed time limit",
    )  # fmt: skip
    assert "(`Yield ~ 1 + (1|Batch)`): reached elapsed time limit" in markdown([row], versions="")
