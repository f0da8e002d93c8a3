"""weights, offset, subset, contrasts, start, names: each as R has it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest

import pylme
from pylme.errors import DataError, OptionError, PylmeError
from pylme.versions import has
from tests.native import native

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore:Model failed:pylme.errors.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning"),
]

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture
def sleepstudy():
    return pylme.datasets.load("sleepstudy")


def assert_equal_to_r(fit, code, setup=""):
    beta, theta, criterion = native(
        f"{setup} fit <- {code}; list(unname(fixef(fit)), unname(getME(fit, 'theta')),"
        " if (isREML(fit)) REMLcrit(fit) else deviance(fit))"
    )
    np.testing.assert_array_equal(fit.fixef, np.atleast_1d(beta))
    np.testing.assert_array_equal(fit.theta, np.atleast_1d(theta))
    assert fit.criterion == criterion


@pytest.mark.parametrize("given", ["name", "array", "series", "list"])
def test_weights_and_offset(sleepstudy, given):
    data = sleepstudy.assign(w=1.0 + sleepstudy["Days"] % 3, o=2.0 * sleepstudy["Days"])
    weights, offset = {
        "name": ("w", "o"),
        "array": (data["w"].to_numpy(), data["o"].to_numpy()),
        "series": (data["w"], data["o"]),
        "list": (list(data["w"]), list(data["o"])),
    }[given]
    fit = pylme.lmer(SLEEP, data, weights=weights, offset=offset)
    assert_equal_to_r(
        fit,
        f"lmer({SLEEP}, d, weights = w, offset = o)",
        "d <- transform(sleepstudy, w = 1 + Days %% 3, o = 2 * Days);",
    )


def test_subset(sleepstudy):
    fit = pylme.lmer(SLEEP, sleepstudy, subset=sleepstudy["Days"] > 2)
    assert_equal_to_r(fit, f"lmer({SLEEP}, sleepstudy, subset = Days > 2)")
    assert fit.fitted.notna().sum() == fit.nobs == (sleepstudy["Days"] > 2).sum()
    by_name = pylme.lmer(SLEEP, sleepstudy.assign(late=sleepstudy["Days"] > 2), subset="late")
    assert by_name.criterion == fit.criterion


@pytest.mark.parametrize("coding", ["treatment", "sum", "helmert", "poly", "SAS"])
def test_contrasts(coding):
    data = pylme.datasets.load("cake")
    fit = pylme.lmer("angle ~ recipe + (1 | replicate)", data, contrasts={"recipe": coding})
    assert_equal_to_r(
        fit,
        "lmer(angle ~ recipe + (1 | replicate), cake,"
        f" contrasts = list(recipe = 'contr.{coding}'))",
    )


def test_contrast_matrix():
    matrix = np.array([[1.0, 0.5], [-1.0, 0.5], [0.0, -1.0]])
    fit = pylme.lmer(
        "angle ~ recipe + (1 | replicate)",
        pylme.datasets.load("cake"),
        contrasts={"recipe": matrix},
    )
    assert_equal_to_r(
        fit,
        "lmer(angle ~ recipe + (1 | replicate), cake,"
        " contrasts = list(recipe = matrix(c(1, -1, 0, .5, .5, -1), 3)))",
    )


LABELLED = pd.DataFrame(
    {"C": [-1.0, 0.5, 0.5], "AB": [0.0, -1.0, 1.0]}, index=pd.Index(["C", "B", "A"])
)
IN_R = "matrix(c(.5, .5, -1, 1, -1, 0), 3, dimnames = list(NULL, c('C', 'AB')))"
BY_RECIPE = "angle ~ recipe + (recipe | replicate)"


@pytest.mark.parametrize(
    "table", [LABELLED, pl.from_pandas(LABELLED.reset_index())], ids=["pandas", "polars"]
)
def test_a_frame_of_contrasts_is_read_by_its_labels(table):
    formula = "angle ~ recipe + (1 | replicate)"
    fit = pylme.lmer(formula, pylme.datasets.load("cake"), contrasts={"recipe": table})
    assert_equal_to_r(fit, f"lmer({formula}, cake, contrasts = list(recipe = {IN_R}))")
    assert list(fit.fixef.index) == ["(Intercept)", "recipeC", "recipeAB"]


def test_contrasts_reach_the_fixed_effects_alone_as_in_lme4():
    fit = pylme.lmer(BY_RECIPE, pylme.datasets.load("cake"), contrasts={"recipe": LABELLED})
    assert_equal_to_r(fit, f"lmer({BY_RECIPE}, cake, contrasts = list(recipe = {IN_R}))")
    assert list(fit.varcorr["replicate"].sd.index) == ["(Intercept)", "recipeB", "recipeC"]


@pytest.mark.parametrize(
    ("coding", "in_r"),
    [(LABELLED, IN_R), ("sum", "'contr.sum'"), (LABELLED.to_numpy()[::-1], "unname(IN_R)")],
    ids=["labelled", "by name", "matrix"],
)
@pytest.mark.parametrize("formula", [BY_RECIPE, "angle ~ temp + (recipe | replicate)"])
def test_contrasts_for_both_parts(formula, coding, in_r):
    """In R a coding reaches both parts where it is set on the column."""
    arguments = {"contrasts": {"recipe": coding}, "contrasts_for": "both"}
    cake = pylme.datasets.load("cake")
    fit = pylme.lmer(formula, cake, **arguments)
    coded = f"coded <- cake; contrasts(coded$recipe) <- {in_r.replace('IN_R', IN_R)};"
    assert_equal_to_r(fit, f"lmer({formula}, coded)", setup=coded)
    design = pylme.design(formula, cake, **arguments)
    np.testing.assert_allclose(design.Z.toarray(), fit.getme("Z").toarray(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(design.X, fit.getme("X"), rtol=0, atol=1e-12)
    assert fit.getme("cnms") == dict(design.cnms)
    own = pylme.lmer(formula, cake, engine="numpy", **arguments)
    assert own.criterion == pytest.approx(fit.criterion, rel=1e-7)


def test_start(sleepstudy):
    fit = pylme.lmer(SLEEP, sleepstudy, start=[0.5, 0.1, 0.2])
    assert_equal_to_r(fit, f"lmer({SLEEP}, sleepstudy, start = c(.5, .1, .2))")


@pytest.mark.parametrize(
    "name",
    ["two words", "sch.id", "if", "TRUE", "größe", "1st", "a`b", "a\\b", "data", "weights", "T",
     "x|y", "функция", "_x", "NULL"],
)  # fmt: skip
def test_any_column_name(sleepstudy, name):
    quoted = "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
    data = sleepstudy.rename(columns={"Days": name})
    fit = pylme.lmer(f"Reaction ~ {quoted} + ({quoted} | Subject)", data)
    np.testing.assert_array_equal(fit.fixef, pylme.lmer(SLEEP, sleepstudy).fixef)


@pytest.mark.parametrize("name", ["the group", "größe", "if", "gr/oup"])
def test_any_grouping_name(sleepstudy, name):
    data = sleepstudy.rename(columns={"Subject": name})
    fit = pylme.lmer(f"Reaction ~ Days + (Days | `{name}`)", data)
    assert fit.ngrps == {name: 18}
    assert fit.varcorr[name].sd.index.tolist() == ["(Intercept)", "Days"]


@pytest.mark.parametrize(
    ("double", "single"),
    [
        ("(1 || Subject)", "(1 | Subject)"),
        ("(`the day` || Subject)", "(1 | Subject) + (0 + `the day` | Subject)"),
    ],
)
def test_double_bars_that_lme4_itself_stops_on(sleepstudy, double, single):
    data = sleepstudy.assign(**{"the day": sleepstudy["Days"]})
    fits = [pylme.lmer(f"Reaction ~ `the day` + {part}", data) for part in (double, single)]
    assert fits[0].criterion == fits[1].criterion


def test_names_beyond_ascii_in_a_plain_c_locale():
    code = (
        "import pylme; d = pylme.datasets.load('sleepstudy').rename(columns={'Days': 'größe'});"
        "fit = pylme.lmer('Reaction ~ größe + (größe | Subject)', d); print(fit.criterion)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert float(done.stdout) == pytest.approx(1743.62827196, rel=1e-9)


def test_levels_are_the_callers(sleepstudy):
    data = sleepstudy.assign(Subject=sleepstudy["Subject"].astype(int))
    fit = pylme.lmer(SLEEP, data)
    assert fit.ranef["Subject"].index.tolist() == [str(s) for s in sorted(set(data["Subject"]))]
    ten = pd.DataFrame({"y": np.random.default_rng(0).normal(size=60), "g": list(range(12)) * 5})
    fit = pylme.lmer("y ~ 1 + (1 | g)", ten)
    assert fit.ranef["g"].index.tolist() == [str(i) for i in range(12)]


def test_rows_come_back_in_the_callers_frame(sleepstudy):
    data = sleepstudy.sample(frac=1, random_state=1)
    data.loc[[5, 17], "Reaction"] = np.nan
    with pytest.warns(pylme.errors.MissingRowsWarning, match=r"'Reaction' \(2\)"):
        fit = pylme.lmer(SLEEP, data)
    assert fit.fitted.index.equals(data.index)
    assert fit.fitted.index[fit.fitted.isna()].sort_values().tolist() == [5, 17]
    kept = fit.residuals.notna()
    np.testing.assert_allclose(
        (fit.fitted + fit.residuals)[kept], data["Reaction"][kept], rtol=1e-12
    )


def test_rows_lost_in_a_transformation_are_told_and_placed(sleepstudy):
    data = sleepstudy.assign(x=sleepstudy["Days"] - 1.0 + 0.5)
    with pytest.warns(pylme.errors.PylmeWarning) as seen:
        fit = pylme.lmer("Reaction ~ log(x) + (1 | Subject)", data)
    messages = " ".join(str(w.message) for w in seen)
    assert "18 of 180 rows" in messages
    assert "NaNs produced" not in messages
    assert "NaNs produced" in {condition.message for condition in fit.conditions}
    assert (fit.fitted.isna() == (data["x"] < 0)).all()
    with pytest.raises(pylme.errors.MissingValueError, match=r"log\(x\)"):
        pylme.lmer("Reaction ~ log(x) + (1 | Subject)", data, na_action="fail")


WRONG = {
    "a name that R keeps for itself": (
        {"formula": "Reaction ~ `...` + (1 | Subject)", "data": {"...": range(180)}},
        DataError,
        "Rename",
    ),
    "unknown column": ({"formula": "Reaction ~ Dayz + (1 | Subject)"}, PylmeError, "Days"),
    "no random term": ({"formula": "Reaction ~ Days"}, PylmeError, "random"),
    "a text response": ({"formula": "Subject ~ Days + (1 | Reaction)"}, DataError, "numeric"),
    "constant response": ({"data": {"Reaction": 1.0}}, DataError, "same value"),
    "infinite": ({"data": {"Reaction": np.inf}}, DataError, "infinite"),
    "one level": ({"data": {"Subject": "a"}}, DataError, "one level"),
    "too many effects": ({"data": {"Subject": range(180)}}, DataError, "360 random effects"),
    "a computed group": (
        {"formula": "Reaction ~ Days + (1 | factor(Subject))"},
        DataError,
        "names it by itself too",
    ),
    "unknown weights": ({"weights": "ww"}, PylmeError, "which `weights` names"),
    "start": ({"start": "a"}, OptionError, "finite numbers"),
    "start by name": ({"start": {"thta": [1.0]}}, OptionError, "theta"),
    "start with gaps": ({"start": [1.0, np.nan, 1.0]}, OptionError, "finite numbers"),
    "contrasts in a list": ({"contrasts": ["sum"]}, OptionError, "mapping"),
    "no rows": ({"data": {"Reaction": np.nan}}, DataError, "no row"),
    "negative weights": ({"weights": -np.ones(180)}, DataError, "negative"),
    "zero weights": ({"weights": np.zeros(180)}, DataError, "zero"),
    "short weights": ({"weights": np.ones(3)}, DataError, "3 values for 180 rows"),
    "text offset": ({"offset": "Subject"}, OptionError, "numeric"),
    "contrasts of a number": ({"contrasts": {"Days": "sum"}}, OptionError, "Days"),
    "unknown contrast": (
        {
            "formula": "Reaction ~ half + (1 | Subject)",
            "data": {"half": np.repeat(["a", "b"], 90)},
            "contrasts": {"half": "summ"},
        },
        OptionError,
        "sum",
    ),
    "an effect with one level": (
        {"formula": "Reaction ~ same + (1 | Subject)", "data": {"same": "a"}},
        DataError,
        "only level",
    ),
    "a logical offset": ({"offset": np.ones(180, dtype=bool)}, OptionError, "numeric"),
    "engine": ({"engine": "lme5"}, OptionError, "lme4"),
    "na_action": ({"na_action": "drop"}, OptionError, "omit"),
    "reml": ({"reml": "yes"}, OptionError, "True"),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_refused_before_r(sleepstudy, case, monkeypatch):
    import pylme.lme4.call
    import pylme.lme4.fitting

    def never(*args, **kwargs):
        raise AssertionError("R was called")

    monkeypatch.setattr(pylme.lme4.call, "session_for_fits", never)
    monkeypatch.setattr(pylme.lme4.fitting, "session_for_fits", never)
    arguments, error, words = WRONG[case]
    arguments = dict(arguments)
    data = sleepstudy.assign(**arguments.pop("data", {}))
    formula = arguments.pop("formula", SLEEP)
    with pytest.raises(error, match=words):
        pylme.lmer(formula, data, **arguments)


def test_rows_lost_by_an_operator_are_told_and_placed(sleepstudy):
    data = sleepstudy.assign(m=sleepstudy["Days"] - 4.0)
    with pytest.warns(pylme.errors.MissingRowsWarning, match="18 of 180|72 of 180"):
        fit = pylme.lmer("m^0.5 ~ Reaction + (1 | Subject)", data)
    assert (fit.fitted.isna() == (data["m"] < 0)).all()
    with pytest.raises(pylme.errors.MissingValueError):
        pylme.lmer("m^0.5 ~ Reaction + (1 | Subject)", data, na_action="fail")


def test_computed_groups_that_lme4_finds(sleepstudy):
    fit = pylme.lmer("Reaction ~ Days + (1 | Subject) + (1 | factor(Days))", sleepstudy)
    assert fit.ngrps == {"Subject": 18, "factor(Days)": 10}


@pytest.mark.parametrize("last", ["", "z"])
def test_many_levels_one_of_them_empty(last):
    rng = np.random.default_rng(1)
    levels = [f"L{i}" for i in range(119)] + [last]
    group = pd.Categorical.from_codes(np.repeat(np.arange(120), 3), levels)
    data = pd.DataFrame({"y": rng.normal(size=360) + group.codes % 7, "g": group})
    fit = pylme.lmer("y ~ 1 + (1 | g)", data)
    assert fit.ranef["g"].index.tolist() == levels


def test_the_users_r_does_not_reach_into_a_fit(sleepstudy):
    code = """
import pylme
from rpy2 import rinterface as ri
data = pylme.datasets.load("sleepstudy")
cbpp = pylme.datasets.load("cbpp")
binomial = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
def numbers():
    one = pylme.lmer("log(Reaction) ~ Days + (1 | Subject)", data).fixef
    return [*one, *pylme.glmer(binomial, cbpp).fixef]
before = numbers()
ri.evalr('log <- function(x) 77; binomial <- function(...) stop("mine"); data <- 1;'
         'options(na.action = "na.fail", contrasts = c("contr.sum", "contr.poly"))')
assert numbers() == before
pylme.allow_function("halved")
ri.evalr("halved <- function(x) x / 2")
print(pylme.lmer("halved(Reaction) ~ Days + (1 | Subject)", data).fixef["Days"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    expected = pylme.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy).fixef["Days"] / 2
    assert float(done.stdout) == pytest.approx(expected, rel=1e-9), done.stderr


def test_a_formula_that_tries_to_run_a_command_does_not(sleepstudy, tmp_path):
    target = tmp_path / "made"
    for attempt in (
        f"Reaction ~ I(system('touch {target}')) + (1 | Subject)",
        f"Reaction ~ Days + (1 | Subject) + base::system('touch {target}')",
        f"Reaction ~ Days + (I(file.create('{target}')) | Subject)",
        f"Reaction ~ `system`('touch {target}') + (1 | Subject)",
        f"Reaction ~ Days + (1 | Subject); system('touch {target}')",
        f"Reaction ~ I((function() system('touch {target}'))()) + (1 | Subject)",
        f"Reaction ~ I({{system('touch {target}'); Days}}) + (1 | Subject)",
    ):
        with pytest.raises(pylme.errors.FormulaError):
            pylme.lmer(attempt, sleepstudy)
    assert not target.exists()


def test_structures_need_a_newer_lme4(sleepstudy):
    if has("structures"):
        pytest.skip("lme4 has covariance structures since 2.0: tests/lme4/test_structured.py")
    with pytest.raises(pylme.errors.NotAvailableError, match="lme4 2"):
        pylme.lmer("Reaction ~ Days + cs(Days | Subject)", sleepstudy)


def test_dot_stands_for_the_other_columns(sleepstudy):
    data = sleepstudy.assign(z=np.sin(np.arange(180)))
    dotted = pylme.lmer("Reaction ~ . - Subject + (1 | Subject)", data)
    written = pylme.lmer("Reaction ~ Days + z + (1 | Subject)", data)
    assert dotted.fixef.to_dict() == pytest.approx(written.fixef.to_dict())
