"""Every frame comes in the library of the data: polars in, polars out, and pyarrow too."""

from functools import cache

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
    "plot.convergence_data": lambda fit: fit.plot.convergence_data(),
    "plot.profile_criterion_data": lambda fit: fit.plot.profile_criterion_data(
        "Subject.Days", points=3
    ),
    "plot.random_effects_data": lambda fit: fit.plot.random_effects_data(),
    "plot.residuals_data": lambda fit: fit.plot.residuals_data(),
    "plot.residuals_data, normal": lambda fit: fit.plot.residuals_data("normal"),
    "plot.varcorr_data": lambda fit: fit.plot.varcorr_data(),
    "plot.varcorr_data, corr": lambda fit: fit.plot.varcorr_data("corr"),
}


@cache
def fitted(library):
    return pylme.lmer(FORMULA, DATA[library], engine="numpy")


@pytest.mark.parametrize("library", DATA)
@pytest.mark.parametrize("name", OF_FITS)
def test_a_frame_of_a_fit_is_of_the_library_of_the_data(name, library):
    assert isinstance(OF_FITS[name](fitted(library)), CLASSES[library])


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


@pytest.mark.parametrize("library", DATA)
def test_labelled_parts_are_of_pandas(library):
    fit = fitted(library)
    own = fit.varcorr["Subject"]
    for labelled in (fit.fixef, own.sd, own.cov, own.corr):
        assert isinstance(labelled, CLASSES["pandas"])
