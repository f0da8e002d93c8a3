"""Degrees of freedom, F tests and tables against lmerTest and pbkrtest, at the same theta.

lmerTest differences the criterion numerically: its df have relative errors of about 1e-8. Its
hypotheses of type III are rounded to seven digits.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.inference.joint_test import JointTest, joint_test
from pylme.inference.kernels import Kernels
from pylme.inference.targets import Targets, infer
from pylme.inference.term_hypotheses import deletion_hypothesis, term_hypotheses

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning"),
    pytest.mark.filterwarnings("ignore::pylme.errors.MissingRowsWarning"),
]

PROGRAM = Path(__file__).parent / "oracle.R"
MODELS = (
    "sleepstudy", "sleepstudy_ml", "sleepstudy_apart", "thin", "thin_interactions", "thin_aliased",
    "thin_weighted", "machines", "machines_slopes", "penicillin", "pastes", "cake",
    "cake_covariate", "oats", "oats_ml", "ham", "carrots", "tvbo", "beets", "exam", "orthodont",
    "insteval", "dyestuff", "dyestuff2",
)  # fmt: skip


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    if shutil.which("Rscript") is None:
        if os.environ.get("PYLME_REQUIRE_R") == "1":
            pytest.fail("PYLME_REQUIRE_R=1, but there is no Rscript", pytrace=False)
        pytest.skip("there is no Rscript")
    answers = tmp_path_factory.mktemp("oracle") / "answers.json"
    subprocess.run(["Rscript", "--vanilla", PROGRAM, answers], check=True, capture_output=True)
    return json.loads(answers.read_text(encoding="utf-8"))


def frame(columns):
    made = {}
    for name, column in columns.items():
        if "codes" in column:
            made[name] = pd.Categorical.from_codes(
                column["codes"], column["levels"], ordered=column["ordered"]
            )
        else:
            made[name] = column["values"]
    return pd.DataFrame(made)


_FITS = {}
_NOTHING = JointTest(statistic=np.nan, df_num=0, df=np.nan, p_value=np.nan)


def fitted(oracle, name):
    """The answers of R, our fit, and its kernels at R's theta."""
    if name not in _FITS:
        answer = oracle[name]
        assert "error" not in answer, answer
        fit = pylme.lmer(
            answer["formula"], frame(answer["data"]), engine="numpy", reml=answer["reml"],
            weights=answer.get("weights") or None, offset=answer.get("offset") or None,
        )  # fmt: skip
        theta = np.atleast_1d(np.array(answer["theta"], dtype=float))
        _FITS[name] = answer, fit, Kernels.of(fit._model.linear_problem().at(theta))
    return _FITS[name]


def table(answer):
    """The terms and the numbers of a table of R's."""
    rows = np.atleast_2d(np.array(answer["table"], dtype=float))
    return np.atleast_1d(answer["terms"]).tolist(), rows


@pytest.mark.parametrize("name", MODELS)
def test_satterthwaite_is_lmertests(oracle, name):
    answer, fit, kernels = fitted(oracle, name)
    expected = np.atleast_2d(np.array(answer["coefficients"], dtype=float))
    assert list(fit.fixef.index) == np.atleast_1d(answer["names"]).tolist()
    p = len(kernels.beta)
    found = infer(kernels, Targets(x=np.eye(p)), ddf="satterthwaite")
    assert kernels.beta == pytest.approx(expected[:, 0], rel=1e-9)
    assert found.std_error == pytest.approx(expected[:, 1], rel=1e-11)
    assert found.df == pytest.approx(expected[:, 2], rel=1e-7)
    # At our own optimum, which differs from R's by its last step.
    own = fit.coef_test()
    assert own.df == pytest.approx(expected[:, 2], rel=1e-5)
    assert own.p_value == pytest.approx(expected[:, 4], rel=1e-4)
    F, df_num, df = np.array(list(answer["joint"]), dtype=float)
    joint = joint_test(kernels, np.eye(p), ddf="satterthwaite")
    assert joint.df_num == df_num
    assert joint.statistic == pytest.approx(F, rel=1e-9)
    assert joint.df == pytest.approx(df, rel=1e-7)


@pytest.mark.parametrize("name", [n for n in MODELS if not n.endswith(("_ml", "_weighted"))])
def test_kenward_roger_is_pbkrtests(oracle, name):
    answer, _, kernels = fitted(oracle, name)
    expected = np.atleast_2d(np.array(answer["adjusted"], dtype=float))
    p = len(expected)
    found = infer(kernels, Targets(x=np.eye(p)), ddf="kenward-roger")
    error = np.sqrt(expected.diagonal())
    assert found.covariance / np.outer(error, error) == pytest.approx(
        expected / np.outer(error, error), abs=1e-11
    )
    assert found.df == pytest.approx(np.atleast_1d(answer["kr_df"]), rel=1e-10)
    if p > 1:
        F, df_num, df = answer["kr_joint"]
        joint = joint_test(kernels, np.eye(p)[1:], ddf="kenward-roger")
        assert joint.df_num == df_num
        assert joint.statistic == pytest.approx(F, rel=1e-10)
        assert joint.df == pytest.approx(df, rel=1e-10)


@pytest.mark.parametrize("name", [n for n in MODELS if n[:4] not in {"peni", "past", "dyes"}])
def test_tables_are_lmertests(oracle, name):
    answer, fit, kernels = fitted(oracle, name)
    fixed = fit._fixed_terms()
    for kind, roman in ((1, "I"), (2, "II"), (3, "III")):
        terms, expected = table(answer["tables"][roman])
        # Terms without columns of their own come last there.
        places = [terms.index(label) for label in fixed.labels]
        assert sorted(places) == list(range(len(terms)))
        expected = expected[places]
        expected[np.isnan(expected[:, 2]), 2] = 0
        tests = [
            joint_test(kernels, L, ddf="satterthwaite") if len(L) else _NOTHING
            for L in term_hypotheses(fixed, kind)
        ]
        found = np.array([[t.df_num, t.df, t.statistic] for t in tests])
        assert found[:, 0] == pytest.approx(expected[:, 2])
        assert found[:, 1] == pytest.approx(expected[:, 3], rel=1e-7, nan_ok=True)
        # Statistics near zero have the rounding errors of the rest.
        within = 1e-6 if kind == 3 else 1e-9
        assert found[:, 2] == pytest.approx(expected[:, 4], rel=within, nan_ok=True)
        shown = fit.anova(type=kind).to_frame()
        for column, name_of in ((0, "sum_sq"), (1, "mean_sq"), (5, "p_value")):
            assert shown[name_of].to_numpy() == pytest.approx(
                expected[:, column], rel=1e-4, abs=1e-9, nan_ok=True
            )
    terms, expected = table(answer["dropped"])
    places = fixed.marginal()
    assert [fixed.labels[t] for t in places] == terms
    for t, row in zip(places, expected, strict=True):
        L = deletion_hypothesis(fixed, t)
        if np.isnan(row).all():
            assert not len(L)
            continue
        test = joint_test(kernels, L, ddf="satterthwaite")
        assert [test.df_num, test.df, test.statistic] == pytest.approx(row[2:5], rel=1e-7)


@cache
def _thin():
    rng = np.random.default_rng(3)
    data = pylme.datasets.load("sleepstudy")
    data["G"] = pd.Categorical(rng.choice(["a", "b", "c"], len(data)))
    data["H"] = pd.Categorical(rng.choice(["u", "v", "w"], len(data)))
    # An empty cell.
    return data[~((data["G"] == "b") & (data["H"] == "w"))]


@pytest.mark.parametrize(
    "formula", ["Reaction ~ G * H + Days + (1 | Subject)", "Reaction ~ G * Days + (1 | Subject)"]
)
def test_type_three_does_not_depend_on_the_coding(formula):
    tables = []
    for coding in ("contr.treatment", "contr.sum", "contr.helmert", "contr.poly", "contr.SAS"):
        contrasts = {name: coding for name in "GH" if name in formula}
        fit = pylme.lmer(formula, _thin(), contrasts=contrasts, engine="numpy")
        found = fit.anova(type=3).to_frame()
        tables.append(found[["df_num", "df", "statistic", "p_value"]].to_numpy())
        kr = fit.anova(type=3, ddf="kenward-roger")
        tables[-1] = np.column_stack([tables[-1], kr.df, kr.statistic])
    for other in tables[1:]:
        assert other == pytest.approx(tables[0], rel=1e-7)


def test_chi_square_tables_of_generalized_models_are_those_of_car():
    from tests.native import native

    expected = np.array(
        native(
            """{
              m <- glmer(cbind(incidence, size - incidence) ~ period * size2 + (1 | herd),
                transform(cbpp, size2 = factor(size > 12)), binomial,
                contrasts = list(period = contr.sum, size2 = contr.sum))
              cbind(as.matrix(car::Anova(m, type = 2)), as.matrix(car::Anova(m, type = 3))[-1, ])
            }"""
        )
    )
    data = pylme.datasets.load("cbpp")
    data["size2"] = pd.Categorical(np.where(data["size"] > 12, "TRUE", "FALSE"))
    fit = pylme.glmer(
        "cbind(incidence, size - incidence) ~ period * size2 + (1 | herd)", data, family="binomial"
    )
    two, three = fit.anova(type=2), fit.anova(type=3)
    found = np.column_stack(
        [two.statistic, two.df_num, two.p_value, three.statistic, three.df_num, three.p_value]
    )
    assert found == pytest.approx(expected, rel=2e-3)
    assert two.method == "normal"
    assert "sum_sq" not in two.to_frame()
