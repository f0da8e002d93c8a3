"""Fits that R saved: read again with their numbers, their data, and the verdict on them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pylme
from pylme import Verdict
from pylme.errors import DataError, DataTypeError, FormulaError, NotAvailableError
from pylme.model_matrix.recipe import on_new_rows
from pylme.versions import has
from tests.native import native

if TYPE_CHECKING:
    import pandas as pd

pytestmark = pytest.mark.needs_r

#: One R process writes all files.
_FITS = """
suppressMessages(library(lme4))
folder <- commandArgs(TRUE)
keep <- function(fit, name) saveRDS(fit, file.path(folder, paste0(name, ".rds")))
keep(lmer(Reaction ~ Days + (Days | Subject), sleepstudy), "plain")
keep(suppressMessages(lmerTest::lmer(Reaction ~ Days + (Days || Subject), sleepstudy, FALSE)),
     "tested")
keep(glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial), "counts")
keep(local({
  d <- sleepstudy
  d$w <- d$Days + 1
  d$Reaction[3] <- NA
  control <- lmerControl(optimizer = "Nelder_Mead")
  lmer(log(Reaction) ~ poly(Days, 2) + (1 | Subject), d, weights = w, control = control)
}), "local")
own <- transform(sleepstudy, label = as.character(Subject), x = rep(c("b", "a", "C"), 60))
own$t <- own$Days + 1
keep(lmer(log(Reaction) ~ x + I(Days^2) + offset(log(t)/10) + (1 | label), own, subset = Days > 0),
     "computed")
halve <- function(x) x / 2
keep(lmer(Reaction ~ halve(Days) + (1 | Subject), sleepstudy), "own_function")
saved <- options(contrasts = c("contr.sum", "contr.poly"))
keep(suppressMessages(lmer(strength ~ cask + (1 | batch), Pastes)), "summed")
options(saved)
stopped <- lmer(Reaction ~ Days + (Days | Subject), transform(sleepstudy, Days = Days + 100))
keep(stopped, "stopped")
wrapped <- function(parts, nodes, how, coding) {
  glmer(parts[[1L]], cbpp, parts[[2L]], nAGQ = nodes, control = how, contrasts = coding)
}
keep(wrapped(list(cbind(incidence, size - incidence) ~ period + (1 | herd), binomial), 5,
     glmerControl(optimizer = "Nelder_Mead"), list(period = "contr.sum")), "wrapped")
keep(lm(Reaction ~ Days, sleepstudy), "lm")
older <- lmer(Reaction ~ Days + (1 | Subject), sleepstudy)
attr(older, "resp") <- NULL
keep(older, "other_version")
save(own, file = file.path(folder, "several.rda"))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("rds")
    script = made / "fits.R"
    script.write_text(_FITS, encoding="utf-8")
    subprocess.run(["Rscript", str(script), str(made)], check=True, capture_output=True)
    return made


@pytest.fixture(scope="module")
def own() -> pd.DataFrame:
    """The data of the fit "computed"."""
    data = pylme.datasets.load("sleepstudy")
    return data.assign(label=data.Subject.astype(str), x=["b", "a", "C"] * 60, t=data.Days + 1)


def test_all_numbers_are_those_of_the_fit(folder: Path) -> None:
    read = pylme.read_rds(folder / "plain.rds")
    fitted = pylme.lmer(
        "Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"), engine="lme4"
    )
    assert read.criterion == fitted.criterion
    assert np.array_equal(read.theta, fitted.theta)
    assert read.fixef.equals(fitted.fixef)
    assert str(read.varcorr) == str(fitted.varcorr)
    assert np.array_equal(read.ranef["Subject"], fitted.ranef["Subject"])
    assert np.array_equal(read.residuals, fitted.residuals)
    assert read.optinfo.feval == fitted.optinfo.feval
    shown = str(fitted.summary()).replace("Data: data", "Data: sleepstudy")
    assert str(read.summary()) == shown
    again = pylme.from_json(read.to_json())
    assert again.criterion == read.criterion
    assert list(read.data.columns) == ["Reaction", "Days", "Subject"]


@pytest.mark.parametrize("name", ["plain", "tested", "local", "computed", "summed"])
def test_the_verdict_covers_all_tiers(folder: Path, name: str) -> None:
    check = pylme.read_rds(folder / f"{name}.rds").cross_check()
    assert check.ok, str(check)
    assert all(tier.ok for tier in check.tiers), str(check)


def test_a_search_that_stopped_short_is_found(folder: Path) -> None:
    read = pylme.read_rds(folder / "stopped.rds")
    assert any("failed to converge" in str(c) for c in read.conditions)
    check = read.cross_check()
    assert check.verdict is Verdict.STOPPED_SHORT
    assert check.excess > 10
    with pytest.warns(pylme.errors.FitWarning):
        better = read.refit_from(check.theta)
    assert better.criterion < read.criterion - 10


def test_the_class_of_lmertest_becomes_that_of_lme4(folder: Path) -> None:
    read = pylme.read_rds(folder / "tested.rds")
    assert read._info.object_class == "lmerMod"
    assert read.formula == "Reaction ~ Days + ((1 | Subject) + (0 + Days | Subject))"


def test_successes_and_failures(folder: Path) -> None:
    read = pylme.read_rds(folder / "counts.rds")
    assert read.nobs == 56
    assert read.cross_check().tiers[0].ok
    assert read.refit_from(read.theta).criterion == pytest.approx(read.criterion, rel=1e-6)


def test_weights_and_rows_left_out(folder: Path) -> None:
    read = pylme.read_rds(folder / "local.rds")
    assert read.nobs == 179
    assert list(read.fitted.index[:4]) == [1, 2, 4, 5]
    assert np.array_equal(read.design.weights[:3], [1, 2, 4])
    assert read.optinfo.optimizer == "Nelder_Mead"


def test_expressions_without_their_variables(folder: Path, own: pd.DataFrame) -> None:
    """The model frame holds log(Reaction), and not Reaction: all but new rows works."""
    read = pylme.read_rds(folder / "computed.rds")
    assert read.design.x_names == ("(Intercept)", "xb", "xC", "I(Days^2)")
    again = read.refit_from(read.theta)
    assert again.criterion == pytest.approx(read.criterion, abs=1e-8)
    assert np.isfinite(read.bootstrap(2, seed=1, engine="lme4").estimates).all()
    design = read._model.design
    with pytest.raises(NotAvailableError, match="not the variables Reaction, Days, t"):
        on_new_rows(design.recipe, design.terms, own, offset=None, na_action="omit")


def test_the_data_bring_the_variables(folder: Path, own: pd.DataFrame) -> None:
    read = pylme.read_rds(folder / "computed.rds", data=own)
    assert len(read.fitted) == 180
    assert read.fitted.isna().sum() == 18
    assert set(read.data.columns) == {"Reaction", "x", "Days", "t", "label"}
    assert all(tier.ok for tier in read.cross_check().tiers)
    design = read._model.design
    assert on_new_rows(design.recipe, design.terms, own, offset=None, na_action="omit").X.shape == (
        180,
        4,
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.assign(t=d.Days + 2), r"log\(t\)/10 differs"),
        (lambda d: d.assign(x="a"), "the column x differs"),
        (lambda d: d[:100], "100 complete rows, and the fit used 162"),
    ],
)
def test_other_data_are_refused(folder: Path, own: pd.DataFrame, change: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        pylme.read_rds(folder / "computed.rds", data=change(own))


def test_a_function_of_the_author_has_to_be_allowed(folder: Path) -> None:
    with pytest.raises(FormulaError, match="halve"):
        pylme.read_rds(folder / "own_function.rds")


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("nothing.rds", DataTypeError, "does not exist"),
        (".", DataTypeError, "is a folder"),
        ("lm.rds", DataTypeError, "of class 'lm', and not a mixed model"),
        ("several.rda", DataTypeError, "unknown input format"),
        ("truncated.rds", DataTypeError, "cannot read"),
        ("other_version.rds", NotAvailableError, "another version of lme4"),
    ],
)
def test_what_is_no_fit(folder: Path, name: str, error: type[Exception], said: str) -> None:
    whole = (folder / "plain.rds").read_bytes()
    (folder / "truncated.rds").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(error, match=said):
        pylme.read_rds(folder / name)


def test_a_fit_with_a_structure_is_read_where_lme4_has_structures() -> None:
    file = Path(__file__).with_name("structured_by_lme4_2.rds")
    if has("structures"):
        fit = pylme.read_rds(file)
        assert fit.varcorr.terms[0].kind == "ar1"
        assert fit.cross_check().verdict.name == "AGREES"
    else:
        with pytest.raises(NotAvailableError, match=r"ar1\(0 \+ t \| g\), and lme4 1\.1"):
            pylme.read_rds(file)


def test_a_path_that_is_none() -> None:
    with pytest.raises(DataTypeError, match="not a path"):
        pylme.read_rds(3)  # type: ignore[arg-type]


def test_a_fit_goes_to_r_and_comes_back(tmp_path: Path) -> None:
    data = pylme.datasets.load("sleepstudy")
    fit = pylme.lmer("log(Reaction) ~ Days + (1 | Subject)", data, engine="lme4")
    file = tmp_path / "fit.rds"
    fit.to_rds(file)
    assert native(f"lme4::fixef(readRDS('{file}'))").tolist() == fit.fixef.tolist()
    assert native(f"nrow(stats::update(readRDS('{file}'), . ~ . - Days)@frame)") == 180
    read = pylme.read_rds(file)
    assert read.criterion == fit.criterion
    # R has kept the data with the fit.
    assert set(read.data.columns) == {"Reaction", "Days", "Subject"}


def test_only_fits_by_lme4_go_to_r(tmp_path: Path) -> None:
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"), engine="numpy")
    with pytest.raises(NotAvailableError, match="R does not hold it"):
        fit.to_rds(tmp_path / "fit.rds")
    other = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"), engine="lme4")
    with pytest.raises(DataTypeError, match="no file can be written"):
        other.to_rds(tmp_path)


def test_objects_of_rpy2() -> None:
    from rpy2.rinterface import evalr

    pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"), engine="lme4")
    model = evalr("lme4::lmer(log(Reaction) ~ Days + (1 | Subject), lme4::sleepstudy)")
    fit = pylme.from_r(model)
    assert fit.cross_check().verdict is Verdict.AGREES
    robjects = pytest.importorskip("rpy2.robjects")
    code = "d <- lme4::sleepstudy; lme4::lmer(log(Reaction) ~ Days + (1 | Subject), d)"
    held = pylme.from_r(robjects.r(code))
    assert held.criterion == fit.criterion
    # The data can be reached from the fit.
    assert "Reaction" in held.data.columns
    with pytest.raises(DataTypeError, match="int is not an R object"):
        pylme.from_r(3)
    with pytest.raises(DataTypeError, match="of class 'integer'"):
        pylme.from_r(evalr("1:3"))


def test_arguments_that_were_variables_of_a_function_are_those_of_the_fit(folder: Path) -> None:
    """The names in its call, `parts[[2L]]` and `nodes`, are gone with the function."""
    read = pylme.read_rds(folder / "wrapped.rds")
    again = read.refit_from(read.theta, beta=read.fixef.to_numpy())
    assert list(again.fixef.index) == ["(Intercept)", "period1", "period2", "period3"]
    assert again.criterion == pytest.approx(read.criterion, abs=1e-5)
    assert again.fixef.to_numpy() == pytest.approx(read.fixef.to_numpy(), abs=1e-3)
    assert read.cross_check().ok
