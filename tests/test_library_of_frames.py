"""Every frame comes in the library of the data: polars in, polars out, and pyarrow too."""

import ast
from functools import cache
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import pylme

SLEEPSTUDY = pylme.datasets.load("sleepstudy").astype({"Subject": str})
FORMULA = "Reaction ~ Days + (Days | Subject)"
DATA = {
    "pandas": SLEEPSTUDY,
    "polars": pl.from_pandas(SLEEPSTUDY),
    "pyarrow": pa.Table.from_pandas(SLEEPSTUDY, preserve_index=False),
}
CLASSES = {
    "pandas": (pd.DataFrame, pd.Series),
    "polars": (pl.DataFrame, pl.Series),
    "pyarrow": (pa.Table, pa.ChunkedArray),
}

#: What gives a frame, or a Series of rows, of a fit.
OF_FITS = {
    "data": lambda fit: fit.data,
    "vcov": lambda fit: fit.vcov,
    "coef_table": lambda fit: fit.coef_table,
    "varcorr": lambda fit: fit.varcorr.to_frame(),
    "varcorr_table": lambda fit: fit.varcorr_table,
    "ranef": lambda fit: fit.ranef["Subject"],
    "optinfo.trace": lambda fit: fit.optinfo.trace.to_frame(),
    "cross_check": lambda fit: fit.cross_check().to_frame(),
    "fitted": lambda fit: fit.fitted,
    "residuals": lambda fit: fit.residuals,
    "residuals_of": lambda fit: fit.residuals_of("pearson"),
    "summary": lambda fit: fit.summary().coefficients,
    "summary.varcorr": lambda fit: fit.summary().varcorr.to_frame(),
    "tidy": lambda fit: fit.tidy(),
    "glance": lambda fit: fit.glance(),
    "augment": lambda fit: fit.augment(),
    "model_frame": lambda fit: fit.model_frame(),
    "plot.caterpillar_data": lambda fit: fit.plot.caterpillar_data(),
    "plot.coefficients_data": lambda fit: fit.plot.coefficients_data(),
    "plot.random_effects_qq_data": lambda fit: fit.plot.random_effects_qq_data(),
    "plot.shrinkage_data": lambda fit: fit.plot.shrinkage_data(),
    "plot.simulated_residuals_data": lambda fit: fit.plot.simulated_residuals_data(),
    "plot.influence_data": lambda fit: fit.plot.influence_data("Subject"),
    "plot.predictions_data": lambda fit: fit.plot.predictions_data("Days"),
    "plot.emmeans_data": lambda fit: fit.plot.emmeans_data("Days"),
    "plot.profile_data": lambda fit: fit.plot.profile_data("sigma"),
    "plot.profile_pairs_data": lambda fit: fit.plot.profile_pairs_data(["(Intercept)", "Days"]),
    "coef_test": lambda fit: fit.coef_test().to_frame(),
    "test": lambda fit: fit.test("Days = 0, (Intercept) = 0").to_frame(),
    "anova": lambda fit: fit.anova().to_frame(),
    "drop1": lambda fit: fit.drop1().to_frame(),
    "ranova": lambda fit: fit.ranova().to_frame(),
    "confint": lambda fit: fit.confint(method="wald"),
    "profile": lambda fit: fit.profile(["sigma"]).to_frame(),
    "predict": lambda fit: fit.predict(),
    "predict, interval": lambda fit: fit.predict(interval="confidence"),
    "emmeans": lambda fit: fit.emmeans("Days").to_frame(),
    "emmeans.contrast": lambda fit: (
        fit.emmeans("Days", at={"Days": [0, 5]}).contrast("pairwise").to_frame()
    ),
    "emtrends": lambda fit: fit.emtrends("Days").to_frame(),
    "shrinkage": lambda fit: fit.shrinkage(),
    "table": lambda fit: pylme.table(fit).to_frame(),
    "pool": lambda fit: pylme.pool([fit, fit]).to_frame(),
    "plot.convergence_data": lambda fit: fit.plot.convergence_data(),
    "plot.profile_criterion_data": lambda fit: fit.plot.profile_criterion_data(
        "Subject.Days", points=3
    ),
    "plot.random_effects_data": lambda fit: fit.plot.random_effects_data(),
    "plot.residuals_data": lambda fit: fit.plot.residuals_data(),
    "plot.residuals_data, normal": lambda fit: fit.plot.residuals_data("normal"),
    "plot.varcorr_data": lambda fit: fit.plot.varcorr_data(),
    "plot.varcorr_data, corr": lambda fit: fit.plot.varcorr_data("corr"),
    "coef": lambda fit: fit.coef["Subject"],
    "re_pca": lambda fit: fit.re_pca()["Subject"],
    "r2": lambda fit: fit.r2().to_frame(),
    "icc": lambda fit: fit.icc().to_frame(),
    "influence": lambda fit: fit.influence(),
    "influence, by": lambda fit: fit.influence(by="Subject").to_frame(),
    "fit.simulate": lambda fit: fit.simulate(seed=1),
    "simulated_residuals": lambda fit: fit.simulated_residuals().to_frame(),
    "simulator.data": lambda fit: fit.simulator().data,
    "simulator.table": lambda fit: fit.simulator().table(),
    "simulation.data": lambda fit: fit.simulator().draw(seed=1).data,
    "simulation.to_frame": lambda fit: fit.simulator().draw(seed=1).to_frame(),
    "simulation.frames": lambda fit: next(fit.simulator().draw(seed=1).frames()),
    "simulation.ranef": lambda fit: fit.simulator().draw(seed=1).ranef()["Days | Subject"],
    "simulate": lambda fit: pylme.simulate(fit, seed=1).to_frame(),
    "bootstrap": lambda fit: _bootstrap(fit).to_frame(),
    "bootstrap.intervals": lambda fit: _bootstrap(fit).intervals("percentile"),
    "bootstrap.replicates": lambda fit: _bootstrap(fit).replicates,
    "bootstrap.fits": lambda fit: _bootstrap(fit).fits,
    "bootstrap.failures": lambda fit: _bootstrap(fit).failures,
    "design.identifiability": lambda fit: fit.design.identifiability().to_frame(),
    "design.fit_many": lambda fit: pylme.reference.fit_many(
        fit.design, fit.design.y[None]
    ).to_frame(),
}

HSB = pylme.datasets.load("hsb")[["math", "ses", "sector", "sch.id"]].astype(str)
HSB[["math", "ses"]] = HSB[["math", "ses"]].astype(float)
#: What gives a frame of data alone.
OF_DATA = {
    "identifiability": lambda data: pylme.design(BY, data).identifiability().to_frame(),
    "identifiability.fixed": lambda data: pylme.design(BY, data).identifiability().fixed.to_frame(),
    "explain, terms": lambda data: pylme.explain(BY, data).to_frame(),
    "explain, effects": lambda data: pylme.explain(BY, data).to_frame("effects"),
    "explain, parameters": lambda data: pylme.explain(BY, data).to_frame("parameters"),
    "explain, levels": lambda data: pylme.explain(BY, data).levels[0].to_frame(),
    "compare_formulas": lambda data: pylme.compare_formulas(
        BY, "math ~ ses + (ses | `sch.id`)", data=data
    ).to_frame(),
    "simulate": lambda data: pylme.simulate(
        "math ~ ses + (1 | `sch.id`)", data, beta=[1, 2], sigma=1, covariances=[[1]], seed=1
    ).to_frame(),
}
BY = "math ~ ses + (ses:sector | `sch.id`)"
HSB_BY_LIBRARY = {
    "pandas": HSB,
    "polars": pl.from_pandas(HSB),
    "pyarrow": pa.Table.from_pandas(HSB, preserve_index=False),
}


def _bootstrap(fit):
    return fit.bootstrap(5, seed=1)


@cache
def fitted(library):
    return pylme.lmer(FORMULA, DATA[library], engine="numpy")


@pytest.mark.parametrize("library", DATA)
@pytest.mark.parametrize("name", OF_FITS)
def test_a_frame_of_a_fit_is_of_the_library_of_the_data(name, library):
    assert isinstance(OF_FITS[name](fitted(library)), CLASSES[library])


@pytest.mark.parametrize("library", DATA)
@pytest.mark.parametrize("name", OF_DATA)
def test_a_frame_of_data_is_of_their_library(name, library):
    assert isinstance(OF_DATA[name](HSB_BY_LIBRARY[library]), CLASSES[library])


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_a_simulator_draws_the_same_whatever_the_library(library):
    """The levels keep their order, so that the model of what is drawn is that of the fit."""
    levels = ["b", "a"] * 90
    table = SLEEPSTUDY.assign(f=pd.Categorical(levels, categories=["b", "a"]))
    frames = {
        "polars": pl.from_pandas(table).with_columns(pl.col("f").cast(pl.Enum(["b", "a"]))),
        "pyarrow": pa.Table.from_pandas(table, preserve_index=False),
    }
    formula = "Reaction ~ f + Days + (1 | Subject)"
    fits = [pylme.lmer(formula, data, engine="numpy") for data in (table, frames[library])]
    drawn = [fit.simulator().draw(seed=1).to_frame() for fit in fits]
    again = [pylme.lmer(formula, data, engine="numpy") for data in drawn]
    pd.testing.assert_series_equal(again[0].fixef, again[1].fixef)
    assert list(again[0].fixef.index) == ["(Intercept)", "fa", "Days"]


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
@pytest.mark.parametrize("name", OF_FITS)
def test_to_pandas_makes_it_one_of_pandas_and_leaves_the_fit_as_it_is(name, library):
    assert isinstance(OF_FITS[name](fitted(library).to_pandas()), CLASSES["pandas"])
    assert isinstance(OF_FITS[name](fitted(library)), CLASSES[library])


@pytest.mark.parametrize("library", DATA)
def test_a_fit_from_json_keeps_the_library(library):
    saved = pylme.from_json(fitted(library).to_json())
    assert saved.library == library
    for name in ("varcorr", "coef_table", "optinfo.trace", "summary"):
        assert isinstance(OF_FITS[name](saved), CLASSES[library])


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
@pytest.mark.parametrize("name", ["coef_table", "vcov", "summary"])
def test_the_names_of_coefficients_are_the_column_term(name, library):
    frame = OF_FITS[name](fitted(library))
    assert next(iter(getattr(frame, "column_names", frame.columns))) == "term"


#: What is public by its name and always returns a pandas frame. A new entry needs a reason here or
#: in the page on data.
PANDAS = {
    # Read by its labels.
    "GroupVarCorr.cov", "GroupVarCorr.corr",
    # Of generated tables.
    "StudyResult.to_frame", "StudyResult.fits", "StudyResult.estimates", "StudySummary.to_frame",
    "SectorCorrelation.table", "Power.table", "study_data", "Tabled.to_frame", "expand_grid",
    "load", "read_table",
    # Inside of the command line, which reads files with pandas.
    "Reading.rows", "Reading.table", "begin",
    # Inside of pylme, before the result is converted.
    "frame_of_given", "frame_of_used", "to_pandas", "Fitted.varcorr_table", "Fitted.ranef",
    "modes_of", "effect_line", "against_fitted", "against_normal",
    "Fitted.model_frame", "coefficient_table", "RandomEffects.to_frame", "tidy", "fixed_rows",
    "parameter_rows", "value_rows", "glance_row", "augmented", "named", "varcorr_rows",
    "varcorr_table", "Block.fits_frame", "Block.to_frame", "framed", "Store.kept",
    "ShardFile.read", "run", "Fitted.data", "coefficients_by_level", "exponentiated", "grid_rows",
    "interval_table", "principal_components", "shrinkage", "target_levels", "tested_frame",
}  # fmt: skip


def _functions(node, prefix=""):
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.ClassDef):
            yield from _functions(part, f"{prefix}{part.name}.")
        elif isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
            yield prefix + part.name, part


def test_what_returns_pandas_whatever_the_data_is_listed():
    found = {
        name
        for path in Path(pylme.__file__).parent.rglob("*.py")
        for name, function in _functions(ast.parse(path.read_text(encoding="utf-8")))
        if function.returns is not None and "DataFrame" in ast.unparse(function.returns)
    }
    assert found <= PANDAS


def test_every_frame_of_a_plot_is_tried():
    frames = {f"plot.{name}" for name in vars(pylme.plot.Pictures) if name.endswith("_data")}
    assert frames <= set(OF_FITS)


@pytest.mark.parametrize("library", DATA)
def test_labelled_parts_are_of_pandas(library):
    fit = fitted(library)
    own = fit.varcorr["Subject"]
    for labelled in (fit.fixef, own.sd, own.cov, own.corr):
        assert isinstance(labelled, CLASSES["pandas"])
