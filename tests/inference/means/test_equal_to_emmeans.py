"""Marginal means, slopes, contrasts and their adjustments, against emmeans in R.

Both sides have lme4's theta, so that only the computations differ. One process of R answers all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pylme

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning"),
]


@cache
def data_of(name):
    sleep = pylme.datasets.load("sleepstudy")
    rng = np.random.default_rng(8)
    sleep["f"] = rng.choice(list("abc"), 180, p=[0.5, 0.3, 0.2])
    sleep["g"] = rng.choice(["u", "v"], 180)
    sleep["two"] = rng.integers(0, 2, 180)
    sleep["w"] = rng.uniform(0.5, 2.0, 180)
    sleep["o"] = rng.uniform(1.0, 9.0, 180)
    sleep["Subject"] = sleep["Subject"].astype(str)
    match name:
        case "unbalanced":
            return sleep.iloc[np.sort(rng.permutation(180)[:130])].reset_index(drop=True)
        case "empty cell":
            return sleep[(sleep["f"] != "c") | (sleep["g"] != "v")].reset_index(drop=True)
        case "cake":
            cake = pylme.datasets.load("cake")
            return cake.assign(**{c: cake[c].astype(str) for c in ("recipe", "temperature")})
        case "hsb":
            hsb = pylme.datasets.load("hsb").iloc[:300].reset_index(drop=True)
            return hsb.assign(sector=hsb["sector"].astype(str), school=hsb["sch.id"].astype(str))
        case _:
            return pylme.datasets.load("cbpp")


#: Where the two calls of lme4 stop at different points otherwise.
TIGHT = pylme.LmerControl(opt_ctrl={"xtol_abs": 1e-10, "ftol_abs": 1e-10})
#: Data, formula, arguments of ours and of R.
MODELS = {
    "crossed": ("unbalanced", "Reaction ~ f*g + Days + (1 | Subject)", {}, ""),
    "weighted": (
        "unbalanced", "Reaction ~ f + g*Days + (Days | Subject)",
        {"weights": "w", "control": TIGHT},
        ", weights = w, control = lmerControl(optCtrl = list(xtol_abs = 1e-10, ftol_abs = 1e-10))",
    ),
    "ml": ("unbalanced", "Reaction ~ f*g + (1 | Subject)", {"reml": False}, ", REML = FALSE"),
    "two values": ("unbalanced", "Reaction ~ f*two + g + (1 | Subject)", {}, ""),
    # Linear, as emmeans came to take functions of the mean, and not means of functions.
    "offset": (
        "unbalanced", "Reaction ~ f + offset(I(o / 2)) + (1 | Subject)", {"offset": "o"},
        ", offset = o",
    ),
    "curve": ("unbalanced", "Reaction ~ f*poly(Days, 2) + (1 | Subject)", {}, ""),
    "log": ("unbalanced", "log(Reaction) ~ f*g + (1 | Subject)", {}, ""),
    "factor of numbers": ("unbalanced", "Reaction ~ factor(two) + Days + (1 | Subject)", {}, ""),
    "aliased": ("empty cell", "Reaction ~ f*g + (1 | Subject)", {}, ""),
    "cake": ("cake", "angle ~ recipe*temperature + (1 | recipe:replicate)", {}, ""),
    "slopes": ("hsb", "math ~ cses*sector + meanses + (cses | school)", {}, ""),
    "binomial": (
        "cbpp", "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        {"family": "binomial"}, ", family = binomial",
    ),
}  # fmt: skip
ADJUST = {"bh": "BH", "mvt": "mvt"}


def contrast(specs, method="pairwise", adjust=None, by=None, model="crossed", **options):
    """Contrasts by both: how we ask, and the words of R."""
    ours = options.pop("ours", {})
    r = options.pop("r", "")
    df = options.pop("ddf", "satterthwaite")
    how = "" if adjust is None else f", adjust = '{ADJUST.get(adjust, adjust)}'"
    names = [specs] if isinstance(specs, str) else specs
    words = f"c({', '.join(map(repr, names))})"
    within = "" if by is None else f", by = {by!r}"
    emm = f"emmeans(grid('{df}'), {words}{within}{r})"
    return (
        model,
        lambda fit: (
            fit.emmeans(specs, by=by, **ours, **of_model(model, df))
            .contrast(method, adjust=adjust)
            .to_frame()
        ),
        f"contrast({emm}, '{method}'{how})",
    )


def means(specs, by=None, model="crossed", *, ours=None, r="", ddf="satterthwaite"):
    names = [specs] if isinstance(specs, str) else specs
    words = f"c({', '.join(map(repr, names))})" if names else "~ 1"
    within = "" if by is None else f", by = {by!r}"
    return (
        model,
        lambda fit: fit.emmeans(specs, by=by, **(ours or {}), **of_model(model, ddf)).to_frame(),
        f"emmeans({grid(model, r, ddf)}, {words}{within}{'' if 'at =' in r else r})",
    )


def grid(model, r, ddf):
    """The reference grid in R, one for each model and method, as it takes longest."""
    return f"ref_grid(m{r}{degrees(model, ddf)})" if "at =" in r else f"grid('{ddf}')"


def slopes(var, by, model, *, ours=None, r="", ddf="satterthwaite"):
    return (
        model,
        lambda fit: fit.emtrends(var, by, **(ours or {}), **of_model(model, ddf)).to_frame(),
        f"emtrends(m, ~ {by}, var = {var!r}{r}{degrees(model, ddf)})",
    )


def of_model(model, ddf):
    return {} if model == "binomial" else {"ddf": ddf}


def degrees(model, ddf):
    return "" if model == "binomial" else f", lmer.df = '{ddf}'"


SETS = {
    "means": means("f"),
    "means by": means("f", by="g"),
    "means of two": means(["g", "f"]),
    "the grand mean": means([]),
    "kenward-roger": means("f", by="g", ddf="kenward-roger"),
    "kenward-roger, weighted": means("f", model="weighted", ddf="satterthwaite"),
    "ml": means("f", model="ml"),
    **{
        f"weights {name}": means("f", ours={"weights": name}, r=f", weights = '{name}'")
        for name in ("proportional", "outer", "cells", "flat")
    },
    "weights by": means(
        "f", by="g", model="two values", ours={"weights": "proportional"},
        r=", weights = 'proportional'",
    ),
    "a covariate of two values": means(["f", "two"], model="two values"),
    "at": means(
        "f", model="weighted", ours={"at": {"Days": [2, 8], "g": "v"}},
        r=", at = list(Days = c(2, 8), g = 'v')",
    ),
    "offsets": means("f", model="offset"),
    "a function of a covariate": means("f", model="curve"),
    "a factor in the formula": means("two", model="factor of numbers"),
    "an empty cell": means("f", by="g", model="aliased"),
    "an empty cell, averaged": means("f", model="aliased"),
    "ordered": means("temperature", by="recipe", model="cake"),
    "a transformed response": means(
        "f", model="log", ours={"kind": "response"}, r=", type = 'response'"
    ),
    "bias adjustment": means(
        "f", model="log", ours={"kind": "response", "bias_adjust": 0.3},
        r=", type = 'response', bias.adjust = TRUE, sigma = 0.3",
    ),
    "binomial": means("period", model="binomial"),
    "probabilities": means(
        "period", model="binomial", ours={"kind": "response"}, r=", type = 'response'"
    ),
    **{
        f"pairwise, {adjust}": contrast(["f", "g"], adjust=adjust)
        for adjust in ("tukey", "sidak", "bonferroni", "holm", "bh", "scheffe", "none", "mvt")
    },
    "pairwise by": contrast("f", by="g"),
    "pairwise, kenward-roger": contrast("f", by="g", ddf="kenward-roger"),
    # Where some are not estimable emmeans counts them in the family: test_contrasts has ours.
    "pairwise of an empty cell": contrast(["f", "g"], model="aliased", adjust="none"),
    "pairwise of an empty cell, by": contrast("f", by="g", model="aliased", adjust="none"),
    **{
        f"{method}": contrast("temperature", method, model="cake")
        for method in ("trt.vs.ctrl", "poly", "eff", "del.eff", "consec")
    },
    "ratios": contrast("f", model="log", ours={"kind": "response"}, r=", type = 'response'"),
    "odds ratios": contrast(
        "period", model="binomial", ours={"kind": "response"}, r=", type = 'response'"
    ),
    "slopes": slopes("cses", "sector", "slopes"),
    "slopes of a curve": slopes(
        "Days", "f", "curve", ours={"at": {"Days": [3.0]}}, r=", at = list(Days = 3)"
    ),
}  # fmt: skip
#: emmeans' names of our columns.
COLUMNS = {
    "estimate": None, "std_error": "SE", "df": "df", "statistic": None, "p_value": "p.value",
    "conf_low": None, "conf_high": None,
}  # fmt: skip
_SCRIPT = """
suppressMessages({ library(lme4); library(emmeans) })
set.seed(1)
emm_options(lmerTest.limit = 1e5, pbkrtest.limit = 1e5, msg.interaction = FALSE)
read <- function(path) {
  data <- read.csv(path, stringsAsFactors = FALSE)
  for (name in names(data)) if (is.character(data[[name]])) data[[name]] <- factor(data[[name]])
  for (name in intersect(names(data), c("period", "herd", "replicate", "temperature"))) {
    data[[name]] <- factor(data[[name]])
  }
  data
}
grid <- function(df) {
  if (is.null(grids[[df]])) {
    grids[[df]] <<- if (isLMM(m)) ref_grid(m, lmer.df = df) else ref_grid(m)
  }
  grids[[df]]
}
show <- function(name, x) {
  s <- suppressMessages(as.data.frame(summary(x, infer = c(TRUE, TRUE))))
  number <- vapply(s, is.numeric, TRUE)
  ends <- grep("(lower|asymp|upper).*(CL|LCL|UCL)", names(s))
  statistic <- grep("(t|z).ratio", names(s))
  pick <- list(estimate = s[[which(names(s) == "SE") - 1]], SE = s$SE, df = s$df,
               statistic = s[[statistic]], p.value = s$p.value,
               conf_low = s[[ends[1]]], conf_high = s[[ends[2]]])
  for (part in names(pick)) {
    cat(name, part, paste(format(pick[[part]], digits = 17), collapse = " "), sep = "\\t")
    cat("\\n")
  }
}
"""


@cache
def fitted(model):
    data, formula, options, _ = MODELS[model]
    fit = pylme.glmer if "family" in options else pylme.lmer
    return fit(formula, data_of(data), engine="lme4", **options)


@pytest.fixture(scope="module")
def of_emmeans(tmp_path_factory):
    """Every set's columns by emmeans."""
    if shutil.which("Rscript") is None:
        if os.environ.get("PYLME_REQUIRE_R") == "1":
            pytest.fail("PYLME_REQUIRE_R=1, but there is no Rscript", pytrace=False)
        pytest.skip("there is no Rscript")
    directory = tmp_path_factory.mktemp("emmeans")
    program = directory / "means.R"
    program.write_text(script(directory), encoding="utf-8")
    done = subprocess.run(
        ["Rscript", "--vanilla", program], capture_output=True, check=False, encoding="utf-8"
    )
    assert not done.returncode, done.stderr
    found = {}
    for line in done.stdout.splitlines():
        name, part, values = line.split("\t")
        found[name, part] = np.array(
            [np.nan if value == "NA" else float(value) for value in values.split()]
        )
    return found


def script(directory: Path) -> str:
    lines = [_SCRIPT]
    for model, (data, formula, options, words) in MODELS.items():
        path = directory / f"{data.replace(' ', '_')}.csv"
        data_of(data).to_csv(path, index=False)
        function = "glmer" if "family" in options else "lmer"
        lines.append(f"data <- read('{path}')")
        lines.append(f"m <- suppressMessages({function}({formula}, data{words}))")
        lines.append("grids <- list()")
        lines += [f"show('{n}', {r})" for n, (own, _, r) in SETS.items() if own == model]
    return "\n".join(lines)


#: By quantity: relative, the precision of numDeriv for df and of ptukey for p.
TOLERANCES = {"df": 1e-6, "p_value": 1e-6}
#: The Monte Carlo integration of mvtnorm, as a probability; the root that emmeans takes for
#: Dunnett's intervals; and its slopes, which are differences to one side.
INTEGRATED, ROOT, ONE_SIDED = 3e-3, 1e-5, 5e-3
#: The ends by mvtnorm's qmvt, in standard errors: its root is exact to ptol = 0.001 of the
#: probability, whose slope at the 95 % quantile is about 0.1.
QUANTILE = 0.001 / 0.1
#: Degrees of freedom by lmerTest's differences where three parameters and weights are differenced.
DIFFERENCED = 1e-4


@pytest.mark.parametrize("name", SETS)
def test_the_numbers_are_those_of_emmeans(name, of_emmeans):
    model, ours, _ = SETS[name]
    made = ours(fitted(model))
    integrated = "mvt" in name or name == "consec"
    for column in made.columns.intersection(list(COLUMNS)):
        expected = of_emmeans[name, COLUMNS[column] or column]
        value = made[column].to_numpy(dtype=float)
        assert len(value) == len(expected)
        np.testing.assert_array_equal(np.isnan(value), np.isnan(expected))
        if integrated and column in ("p_value", "conf_low", "conf_high"):
            most = INTEGRATED if column == "p_value" else QUANTILE * made["std_error"].to_numpy()
            np.testing.assert_array_less(np.abs(value - expected), most)
            continue
        tolerance = TOLERANCES.get(column, 1e-7)
        if name == "trt.vs.ctrl" and column.startswith("conf"):
            tolerance = ROOT
        if model == "weighted" and column == "df":
            tolerance = DIFFERENCED
        if name == "slopes of a curve":
            tolerance = ONE_SIDED
        size = np.nanmax(np.abs(expected[np.isfinite(expected)]), initial=1e-3)
        np.testing.assert_allclose(
            value, expected, rtol=tolerance, atol=tolerance * size, err_msg=column
        )


def test_enough_sets():
    assert len(SETS) >= 20
