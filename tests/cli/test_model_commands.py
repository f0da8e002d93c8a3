"""`pylme anova`, `compare`, `explain` of several formulas, and the options of the model."""

from __future__ import annotations

import functools
import json
import re

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.cli.app import app, run

SLEEP = "Reaction ~ Days + (Days | Subject)"
SMALL = "Reaction ~ Days + (1 | Subject)"
CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
NUMPY = ("--engine", "numpy", "--json")


def _asked(capsys, *arguments):
    assert run([*arguments, *NUMPY]) == 0
    return json.loads(capsys.readouterr().out)


def _fit(capsys, *arguments):
    assert run(["fit", *arguments, *NUMPY]) == 0
    return pylme.from_json(capsys.readouterr().out)


def test_f_tests(capsys):
    (row,) = _asked(capsys, "anova", "sleepstudy", SLEEP, "--ddf", "kenward-roger", "--type", "2")
    # Published by Halekoh and Højsgaard's pbkrtest for this model.
    assert row["statistic"] == pytest.approx(45.853, abs=5e-4)
    assert (row["df_num"], row["df"]) == (1, pytest.approx(17, abs=1e-6))


def test_likelihood_ratios(capsys):
    rows = _asked(capsys, "anova", "sleepstudy", SLEEP, SMALL)
    fits = [
        pylme.lmer(f, pylme.datasets.load("sleepstudy"), engine="numpy") for f in (SMALL, SLEEP)
    ]
    assert rows[1]["statistic"] == pytest.approx(fits[0].criterion - fits[1].criterion)
    (row,) = _asked(capsys, "anova", "dyestuff", "Yield ~ 1 + (1 | Batch)", "--random")
    assert row["p_exact"] < row["p_value"]


def test_models_side_by_side(capsys):
    assert (
        run(["compare", "sleepstudy", SMALL, SLEEP, *NUMPY[:2], "--names", "a", "--names", "b"])
        == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["a", "b"]
    assert "10.467 (1.546)" in lines[2]


def test_formulas_are_compared_without_a_fit(capsys):
    assert run(["explain", "sleepstudy", SLEEP, SMALL]) == 0
    expected = pylme.compare_formulas(SLEEP, SMALL, data=pylme.datasets.load("sleepstudy"))
    assert capsys.readouterr().out.rstrip("\n") == str(expected)
    assert run(["explain", SLEEP, SMALL, "--latex"]) == 2
    assert run(["explain", SLEEP, SMALL]) == 0


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        (["--ml"], {"reml": False}),
        (["--offset", "Days"], {"offset": "Days"}),
        (["--weights", "w"], {"weights": "w"}),
        (["--contrasts", "f=sum"], {"contrasts": {"f": "sum"}}),
        (["--contrasts", "f=helmert", "--contrasts-for", "both"],
         {"contrasts": {"f": "helmert"}, "contrasts_for": "both"}),
    ],
)  # fmt: skip
def test_options_are_arguments_of_lmer(options, arguments, tmp_path, capsys):
    data = pylme.datasets.load("sleepstudy")
    data = data.assign(f=np.tile(["a", "b", "c"], 60), w=1 + data["Days"] % 3)
    data.to_parquet(tmp_path / "data.parquet")
    formula = "Reaction ~ Days + f + (1 | Subject)"
    found = _fit(capsys, str(tmp_path / "data.parquet"), formula, *options)
    expected = pylme.lmer(formula, data, engine="numpy", **arguments)
    assert found.criterion == pytest.approx(expected.criterion, rel=1e-12)
    np.testing.assert_allclose(found.fixef, expected.fixef)


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        (["--link", "cloglog"], {"link": "cloglog"}),
        (["--n-agq", "5"], {"n_agq": 5}),
        (["--link", "probit", "--laplace", "observed"], {"link": "probit", "laplace": "observed"}),
    ],
)
def test_options_are_arguments_of_glmer(options, arguments, capsys):
    found = _fit(capsys, "cbpp", CBPP, "--family", "binomial", *options)
    data = pylme.datasets.load("cbpp")
    expected = pylme.glmer(CBPP, data, family="binomial", engine="numpy", **arguments)
    np.testing.assert_allclose(found.fixef, expected.fixef, rtol=1e-8)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--control", "optimizer=bobyqa", "--control", "maxfun=400", "--isolated"],
         {"control": pylme.LmerControl(optimizer="bobyqa", opt_ctrl={"maxfun": 400.0}),
          "isolated": True}),
        (["--control", "calc_derivs=false", "--start", "1,-0.1,0.5"],
         {"control": pylme.LmerControl(calc_derivs=False), "start": [1.0, -0.1, 0.5]}),
        (["--family", "binomial", "--start", "theta=0.5", "--start", "fixef=-1,0.5"],
         {"family": "binomial", "start": {"theta": [0.5], "fixef": [-1.0, 0.5]}}),
        (["--family", "nb", "--control", "optimizer=bobyqa,Nelder_Mead", "--control",
          "tol_pwrss=1e-8"],
         {"control": pylme.GlmerControl(optimizer=("bobyqa", "Nelder_Mead"), tol_pwrss=1e-8)}),
    ],
)  # fmt: skip
def test_how_lme4_searches(options, expected, monkeypatch):
    asked = {}

    def noting(function):
        @functools.wraps(function)
        def fit(formula, table, **arguments):
            asked.update(arguments)
            raise pylme.errors.NotAvailableError(asked="a", found="b", remedy="c")

        return fit

    for name in ("lmer", "glmer", "glmer_nb"):
        monkeypatch.setattr(pylme, name, noting(getattr(pylme, name)))
    assert run(["fit", "sleepstudy", SLEEP, *options]) == 1
    assert asked == expected


@pytest.mark.needs_r
def test_the_search_of_a_fit(capsys):
    asked = ["fit", "sleepstudy", SLEEP, "--json", "--control", "optimizer=bobyqa"]
    assert run([*asked, "--start", "0.9,0,0.2"]) == 0
    assert pylme.from_json(capsys.readouterr().out).optinfo.optimizer == "bobyqa"


def test_shells_complete_names_of_files():
    script = app.generate_completion(shell="bash")  # noqa: S604  (the name of one)
    first = re.search(r'"fit"\).*?positional_count} in\s+0\)\s+(\S[^\n]*)', script, re.DOTALL)
    assert first is not None
    assert "compgen -f" in first[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--n-agq", "5"], "with a --family other than nb"),
        (["--laplace", "observed"], "with a --family other than nb, or with --family nb"),
        (["--ml", "--family", "nb"], "it without --family"),
        (["--contrasts", "period"], "COLUMN=CODING"),
        (["--contrasts", "period=zero"], "COLUMN=CODING"),
        (["--control", "bobyqa"], "NAME=VALUE"),
        (["--control", "optimiser=bobyqa"], "Did you mean 'optimizer'?"),
        (["--control", "tol_pwrss=1e-8"], "'tol_pwrss' is not allowed"),
        (["--start", "one"], "numbers, as 1,0,0.5"),
        (["--start", "beta=1"], "numbers, as 1,0,0.5"),
    ],
)
def test_options_that_the_model_does_not_have(options, said, capsys):
    assert run(["fit", "cbpp", CBPP, *options]) == 2
    assert said in capsys.readouterr().err


def test_a_summary_with_tests(capsys):
    assert run(["fit", "sleepstudy", SLEEP, "--ddf", "satterthwaite", *NUMPY[:2]]) == 0
    assert "Pr(>|t|)" in capsys.readouterr().out


def test_missing_values_may_be_an_error(tmp_path, capsys):
    data = pylme.datasets.load("sleepstudy").assign(Days=lambda d: d["Days"].where(d["Days"] > 0))
    data.to_csv(tmp_path / "gaps.csv", index=False)
    assert run(["fit", str(tmp_path / "gaps.csv"), SLEEP, "--na-action", "fail"]) == 1
    err = capsys.readouterr().err
    assert "--na-action omit" in err
    assert "na_action" not in err


def test_a_fit_that_is_too_slow_is_stopped(tmp_path, capsys):
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"y": rng.normal(size=2000), "g": rng.integers(0, 200, 2000),
                         "h": rng.integers(0, 200, 2000)})  # fmt: skip
    data.to_parquet(tmp_path / "data.parquet")
    asked = ["fit", str(tmp_path / "data.parquet"), "y ~ 1 + (1 | g) + (1 | h)", *NUMPY]
    assert run([*asked, "--timeout", "0.001"]) == 1
    assert "--timeout 0.001" in capsys.readouterr().err
