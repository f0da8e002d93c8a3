"""Whatever lme4 might have got wrong is found, by the tier whose business it is.

lme4's own answer is taken and one thing in it is falsified, as a defect would.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import pylme
from pylme import Verdict
from pylme.crosscheck.comparison import Pair
from pylme.crosscheck.tiers.registry import TIERS, TierDefinition
from pylme.crosscheck.tolerances import NEGLIGIBLE
from pylme.errors import NotAvailableError
from pylme.lme4.linear_problem import terms_of

pytestmark = pytest.mark.needs_r


@pytest.fixture
def fit():
    return pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))


def checked(fit, **falsified):
    """The cross-check of a fit of which some parts are replaced."""
    system = replace(fit._model.system(), **falsified)
    fit._model.system = lambda: system
    return fit.cross_check()


def bumped(array, at, by=1e-3):
    made = np.array(array, dtype=float)
    made[at] += by
    return made


@pytest.mark.parametrize(
    ("name", "at", "quantity"),
    [
        ("y", 7, "y [8]"),
        ("X", (3, 1), "X [4, Days]"),
        ("weights", 2, "weights [3]"),
        ("offset", 5, "offset [6]"),
        # lme4 stores no zeros: a row with Days = 0 has one number, the others two.
        ("Zt_x", 10, "Z (Days | Subject) [6, Days]"),
    ],
)
def test_a_number_of_a_matrix(fit, name, at, quantity):
    system = fit._model.system()
    check = checked(fit, **{name: bumped(getattr(system, name), at)})
    assert check.verdict is Verdict.DISAGREES
    assert [c.quantity for c in check.tiers[0].failures] == [quantity]
    assert check.tiers[0].failures[0].difference > 0
    assert quantity in check.sentence
    assert not check.tiers[3].checked


@pytest.mark.parametrize(
    ("name", "value", "quantity"),
    [
        ("x_names", ("(Intercept)", "days"), "names of X"),
        ("cnms", (("(Intercept)", "days"),), "random-effects terms"),
        ("Lind", lambda v: v[::-1], "Lind, its theta"),
        ("Lambdat_i", lambda v: v[::-1], "rows of Lambda'"),
    ],
)
def test_a_name_or_a_place(fit, name, value, quantity):
    new = value(getattr(fit._model.system(), name)) if callable(value) else value
    check = checked(fit, **{name: new})
    assert check.verdict is Verdict.DISAGREES
    assert quantity in [c.quantity for c in check.tiers[0].failures]


def test_the_names_of_levels(fit):
    ((group, (levels, codes)),) = fit._model.system().factors.items()
    check = checked(fit, factors={group: (("x", *levels[1:]), codes)})
    (found,) = check.tiers[0].failures
    assert (found.quantity, found.fit, found.independent) == ("levels of Subject", "x", "308")


def test_a_tier_more_is_a_line_in_the_registry(fit, monkeypatch):
    def pairs(sides):
        lme4 = sides.system.sigma
        return [Pair(quantity="sigma", fit=lme4, independent=2.0 * lme4, tolerance=NEGLIGIBLE)]

    more = TierDefinition(title="One more", pairs=pairs, contradicts=True)
    monkeypatch.setattr("pylme.crosscheck.tiers.registry.TIERS", (*TIERS, more))
    check = fit.cross_check()
    assert check.verdict is Verdict.DISAGREES
    assert (check.tiers[4].number, check.tiers[4].title) == (5, "One more")
    assert "One more: 1 of 1 comparisons beyond the tolerance" in check.explain()
    assert check.to_frame()["tier"].max() == 5


def test_a_missing_column(fit):
    system = fit._model.system()
    check = checked(fit, X=system.X[:, :1], x_names=system.x_names[:1], beta=system.beta[:1],
                    vcov=system.vcov[:1, :1])  # fmt: skip
    assert "X, shape" in [c.quantity for c in check.tiers[0].failures]


@pytest.mark.parametrize(
    ("name", "change", "quantity"),
    [
        ("criterion", lambda v: v + 1e-6, "criterion"),
        ("sigma", lambda v: v * (1 + 1e-9), "sigma"),
        ("beta", lambda v: bumped(v, 1, 1e-7), "beta Days"),
        ("vcov", lambda v: bumped(v, (0, 1), 1e-6), "vcov [(Intercept), Days]"),
        ("u", lambda v: bumped(v, 35, 1e-6), "u [36]"),
    ],
)
def test_a_number_at_the_same_theta(fit, name, change, quantity):
    check = checked(fit, **{name: change(getattr(fit._model.system(), name))})
    assert check.verdict is Verdict.DISAGREES
    assert check.tiers[0].ok
    assert [c.quantity for c in check.tiers[1].failures] == [quantity]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("criterion", "criterion"),
        ("sigma", "sigma"),
        ("theta", "theta"),
        ("beta", "fixed effects"),
        ("u", "conditional modes"),
    ],
)
def test_estimates_that_are_not_finite_are_no_disagreement(fit, name, said):
    check = checked(fit, **{name: getattr(fit._model.system(), name) * np.nan})
    assert check.verdict is Verdict.UNCHECKED
    assert f"NaN or infinite values ({said})" in check.reason
    assert 'engine="numpy"' in check.remedy
    assert check.remedy in " ".join(check.explain().split())
    assert check.tiers[0].ok
    assert json.loads(check.to_json())["recomputed"] is None


@pytest.mark.parametrize(
    ("data", "formula"),
    [
        ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
        ("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
        ("sleepstudy", "Reaction ~ Days + (0 + Days | Subject)"),
        ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
        ("pastes", "strength ~ 1 + (1 | batch/cask)"),
        ("cake", "angle ~ temp + (temp | recipe:replicate) + (1 | recipe)"),
    ],
)
@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
def test_terms_are_read_back_as_our_design_has_them(data, formula):
    table = pylme.datasets.load(data)
    terms = terms_of(pylme.lmer(formula, table)._model.system())
    design = pylme.design(formula, table)
    assert len(terms) == len(design.terms)
    for read, ours in zip(terms, design.terms, strict=True):
        assert (read.group, read.names, read.levels) == (ours.group, ours.names, ours.levels)
        assert (read.rows, read.thetas) == (ours.rows, ours.thetas)
        np.testing.assert_array_equal(read.codes, ours.codes)
        np.testing.assert_array_equal(read.columns, ours.columns)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: {"Gp": s.Gp + np.array([0, 2])}, "has 38 rows in Zt"),
        (lambda s: {"theta": s.theta[:2]}, "there are 2 elements of theta instead of 3"),
        (lambda s: {"Zt_i": s.Zt_i[::-1]}, "of another level of Subject than its own"),
    ],
)
def test_a_zt_of_another_make_is_not_guessed_at(fit, change, said):
    system = fit._model.system()
    with pytest.raises(NotAvailableError, match=said):
        terms_of(replace(system, **change(system)))
    check = checked(fit, **change(system))
    assert check.verdict is Verdict.UNCHECKED
    assert said in check.reason
