"""What may not change a degree of freedom: units, weights, the order of rows, the engine.

Several of these change them in R's packages, by numbers that are compared with fixed ones there.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.inference.targets import Targets, infer

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")

METHODS = ("satterthwaite", "kenward-roger")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(7)
    made = pylme.datasets.load("sleepstudy")
    made = made.iloc[np.sort(rng.permutation(len(made))[:130])].reset_index(drop=True)
    made["w"] = rng.uniform(0.5, 2.0, len(made))
    made["f"] = pd.Categorical(rng.choice(list("abc"), len(made)))
    made["item"] = pd.Categorical(rng.integers(0, 9, len(made)).astype(str))
    return made


FORMULAS = (
    "Reaction ~ f + Days + (Days | Subject)",
    "Reaction ~ f + Days + (Days || Subject)",
    "Reaction ~ f * Days + (1 | Subject) + (1 | item)",
)


def numbers_of(formula, data, method, **options):
    fit = pylme.lmer(formula, data, engine="numpy", **options)
    tests = fit.coef_test(ddf=method)
    table = fit.anova(type=3, ddf=method)
    return np.concatenate([tests.df, table.df]), np.concatenate([tests.statistic, table.statistic])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("formula", FORMULAS)
def test_units_weights_and_order(formula, data, method):
    df, statistic = numbers_of(formula, data, method)
    rng = np.random.default_rng(8)
    changed = {
        "y in other units": (data.assign(Reaction=data["Reaction"] * 1e-6), {}),
        "x in other units": (data.assign(Days=data["Days"] * 1e4), {}),
        "x and y": (data.assign(Reaction=data["Reaction"] * 1e3, Days=data["Days"] * 1e-4), {}),
        "constant weights": (data.assign(w=4.0), {"weights": "w"}),
        "other rows first": (data.iloc[rng.permutation(len(data))], {}),
    }
    for name, (other, options) in changed.items():
        found = numbers_of(formula, other, method, **options)
        assert found[0] == pytest.approx(df, rel=1e-5), name
        assert found[1] == pytest.approx(statistic, rel=1e-5), name


@pytest.mark.parametrize("method", METHODS)
def test_a_weight_stands_for_its_multiples(data, method):
    one = numbers_of(FORMULAS[0], data, method, weights="w")
    other = numbers_of(FORMULAS[0], data.assign(w=100.0 * data["w"]), method, weights="w")
    assert other[0] == pytest.approx(one[0], rel=1e-5)
    assert other[1] == pytest.approx(one[1], rel=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_contrasts_do_not_depend_on_the_coding(data, method):
    fits = [
        pylme.lmer(FORMULAS[0], data, contrasts={"f": coding}, engine="numpy")
        for coding in ("contr.treatment", "contr.sum")
    ]
    treatment = fits[0].test("fc - fb", ddf=method)
    # f1 and f2 are the first two of three effects whose sum is zero.
    total = fits[1].test("-f1 - 2*f2", ddf=method)
    assert total.df == pytest.approx(treatment.df, rel=1e-7)
    assert total.statistic == pytest.approx(treatment.statistic, rel=1e-7)
    joint = [fit.test("f", ddf="kenward-roger") for fit in fits]
    assert joint[1].df == pytest.approx(joint[0].df, rel=1e-7)
    assert joint[1].statistic == pytest.approx(joint[0].statistic, rel=1e-7)


def test_a_shifted_covariate_changes_nothing_but_the_intercept(data):
    df, _ = numbers_of(FORMULAS[0], data, "kenward-roger")
    shifted, _ = numbers_of(FORMULAS[0], data.assign(Days=data["Days"] + 1e5), "kenward-roger")
    assert shifted[1:] == pytest.approx(df[1:], rel=1e-5)


def test_balanced_designs_have_whole_degrees_of_freedom():
    sleepstudy = pylme.datasets.load("sleepstudy")
    for days in (1.0, 1e4, 1e-4):
        fit = pylme.lmer(
            "Reaction ~ Days + (Days | Subject)",
            sleepstudy.assign(Days=days * sleepstudy["Days"]),
            engine="numpy",
        )
        for method in METHODS:
            assert fit.coef_test(ddf=method).df == pytest.approx([17.0, 17.0], rel=1e-5)
    cake = pylme.datasets.load("cake")
    fit = pylme.lmer("angle ~ recipe * temperature + (1 | recipe:replicate)", cake, engine="numpy")
    assert fit.anova(ddf="kenward-roger").df == pytest.approx([42.0, 210.0, 210.0], rel=1e-8)


def test_a_fit_by_ml_gets_all_of_kenward_and_roger_from_its_reml_fit(data):
    ml, reml = (pylme.lmer(FORMULAS[0], data, reml=r, engine="numpy") for r in (False, True))
    of_ml, of_reml = (fit.coef_test(ddf="kenward-roger") for fit in (ml, reml))
    for part in ("estimate", "std_error", "df"):
        assert getattr(of_ml, part) == pytest.approx(getattr(of_reml, part), rel=1e-5)
    assert of_ml.method == "Kenward-Roger (REML refit)"
    assert "those of its REML fit" in of_ml.notes[0]
    assert of_reml.notes == ()
    # By Satterthwaite's method they are the ML fit's own.
    assert ml.coef_test().estimate == pytest.approx(ml.fixef.to_numpy(), rel=1e-10)


def test_a_singular_fit_says_which_method_to_prefer():
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff2"), engine="numpy")
    satterthwaite, kr = (fit.coef_test(ddf=method) for method in METHODS)
    assert satterthwaite.df == pytest.approx([29.0])
    assert kr.df == pytest.approx([5.0])
    assert 'prefer ddf="kenward-roger"' in str(satterthwaite)
    assert "to be preferred to Satterthwaite's" in str(kr)


def test_satterthwaite_df_never_exceed_those_of_the_residuals(data):
    for formula in FORMULAS:
        fit = pylme.lmer(formula, data, engine="numpy")
        kernels = fit._kernels
        x = np.random.default_rng(1).normal(size=(50, len(kernels.beta)))
        df = infer(kernels, Targets(x=x), ddf="satterthwaite").df
        assert (df <= kernels.nu * (1 + 1e-12)).all()


@pytest.mark.needs_r
@pytest.mark.parametrize("formula", FORMULAS)
def test_both_engines_give_the_same(formula, data):
    ours, theirs = (pylme.lmer(formula, data, engine=engine) for engine in ("numpy", "lme4"))
    for method in METHODS:
        mine, other = ours.coef_test(ddf=method), theirs.coef_test(ddf=method)
        assert other.terms == mine.terms
        # lme4 stops within its tolerance of the optimum.
        assert other.df == pytest.approx(mine.df, rel=5e-3)
        assert other.p_value == pytest.approx(mine.p_value, rel=2e-2)
        assert theirs.anova(ddf=method).df == pytest.approx(ours.anova(ddf=method).df, rel=5e-3)
