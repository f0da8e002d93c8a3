"""What was fitted to what: data, design and family of a fit, by either engine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pytest

import pylme
from pylme.errors import MissingRowsWarning, NotAvailableError

ENGINES = ["numpy", pytest.param("lme4", marks=pytest.mark.needs_r)]
MODEL = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture
def sleepstudy():
    return pylme.datasets.load("sleepstudy").assign(other=1.0)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_data_are_the_columns_and_rows_used(sleepstudy, engine):
    sleepstudy.index = [f"r{i}" for i in range(len(sleepstudy))]
    sleepstudy.loc["r3", "Days"] = np.nan
    with pytest.warns(MissingRowsWarning):
        fit = pylme.lmer(MODEL, sleepstudy, engine=engine)
    used = sleepstudy.drop(index="r3")[["Reaction", "Days", "Subject"]]
    assert fit.data.columns.tolist() == used.columns.tolist()
    assert fit.data.index.tolist() == used.index.tolist()
    np.testing.assert_array_equal(fit.data["Days"], used["Days"])
    assert fit.data["Subject"].astype(str).tolist() == used["Subject"].astype(str).tolist()


@pytest.mark.filterwarnings("ignore::pylme.errors.RWarning")
@pytest.mark.parametrize("engine", ENGINES)
def test_rows_that_a_transformation_loses_are_no_data_of_the_fit(sleepstudy, engine):
    with pytest.warns(MissingRowsWarning):
        fit = pylme.lmer("Reaction ~ sqrt(Days - 1) + (1 | Subject)", sleepstudy, engine=engine)
    assert fit.data["Days"].min() == 1
    assert len(fit.data) == fit.nobs == len(fit.design.y)


def test_the_data_come_in_their_own_library(sleepstudy):
    table = sleepstudy.astype({"Subject": str})
    ours = pylme.lmer(MODEL, pl.from_pandas(table), engine="numpy").data
    assert isinstance(ours, pl.DataFrame)
    assert ours.columns == ["Reaction", "Days", "Subject"]
    assert isinstance(pylme.lmer(MODEL, pa.table(table), engine="numpy").data, pa.Table)
    columns = {name: table[name].to_numpy() for name in table}
    assert isinstance(pylme.lmer(MODEL, columns, engine="numpy").data, pd.DataFrame)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_design_is_that_of_the_fit(sleepstudy, engine):
    fit = pylme.lmer(MODEL, sleepstudy, engine=engine)
    design = pylme.design(MODEL, sleepstudy)
    assert isinstance(fit.design, pylme.Design)
    assert fit.design is fit.design
    np.testing.assert_array_equal(fit.design.X, design.X)
    np.testing.assert_array_equal(fit.design.Zt.toarray(), design.Zt.toarray())
    assert fit.design.identifiability().rank == 3


@pytest.mark.parametrize("engine", ENGINES)
def test_the_family_of_a_linear_model_is_gaussian(sleepstudy, engine):
    family = pylme.lmer(MODEL, sleepstudy, engine=engine).family
    assert (family.name, family.link, family.shape) == ("gaussian", "identity", None)


@pytest.mark.needs_r
@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
def test_families_of_generalized_models():
    cbpp = pylme.datasets.load("cbpp")
    fit = pylme.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, link="probit"
    )
    assert (fit.family.name, fit.family.link) == ("binomial", "probit")
    assert pylme.from_json(fit.to_json()).family == fit.family
    counts = pylme.glmer_nb("incidence ~ period + (1 | herd)", cbpp)
    assert (counts.family.name, counts.family.link) == ("negative binomial", "log")
    assert counts.family.shape == pytest.approx(counts.getme("glmer.nb.theta"), rel=1e-3)


def test_a_saved_fit_has_a_family_alone(sleepstudy):
    saved = pylme.from_json(pylme.lmer(MODEL, sleepstudy, engine="numpy").to_json())
    assert saved.family.name == "gaussian"
    for name in ("data", "design"):
        with pytest.raises(NotAvailableError, match="came from JSON"):
            getattr(saved, name)


def test_frames_come_in_the_library_of_the_data(sleepstudy):
    table = pl.from_pandas(sleepstudy.astype({"Subject": str}))
    table = table.with_columns(
        pl.when(pl.col("Days") == 3).then(None).otherwise("Days").alias("Days")
    )
    with pytest.warns(MissingRowsWarning):
        fit = pylme.lmer(MODEL, table, engine="numpy")
    same = fit.to_pandas()
    assert same.to_pandas() is same
    frames = {
        "coef_table": ["term", "estimate", "std_error", "statistic"],
        "vcov": ["term", "(Intercept)", "Days"],
        "varcorr_table": list(same.varcorr_table),
        "data": ["Reaction", "Days", "Subject"],
    }
    for name, columns in frames.items():
        assert isinstance(getattr(fit, name), pl.DataFrame)
        assert getattr(fit, name).columns == columns
        assert isinstance(getattr(same, name), pd.DataFrame)
    for made in (fit.tidy(), fit.glance(), fit.augment(), fit.model_frame(), fit.ranef["Subject"]):
        assert isinstance(made, pl.DataFrame)
    assert fit.ranef["Subject"].columns == ["Subject", "(Intercept)", "Days"]
    assert fit.augment().columns == list(same.augment())
    assert len(fit.augment()) == fit.nobs
    for values in (fit.fitted, fit.residuals):
        assert isinstance(values, pl.Series)
        assert len(values) == len(table)
        assert values.is_nan().sum() + values.null_count() == len(table) - fit.nobs
    np.testing.assert_array_equal(fit.coef_table["estimate"], same.fixef)
    assert fit.fixef.index.tolist() == ["(Intercept)", "Days"]
    assert str(fit.summary()) == str(same.summary())


def test_plots_take_fits_to_data_of_any_library(sleepstudy):
    ours, theirs = (
        pylme.lmer(MODEL, table, engine="numpy")
        for table in (pl.from_pandas(sleepstudy.astype({"Subject": str})), sleepstudy)
    )
    for data_of in (pylme.plot.caterpillar_data, pylme.plot.residuals_data):
        np.testing.assert_allclose(
            data_of(ours).select(cs.numeric()), data_of(theirs).select_dtypes("number")
        )
