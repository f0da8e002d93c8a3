"""tidy, glance and augment against broom.mixed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from tests.native import native

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore:the hat matrix:pylme.errors.RWarning"),
]

PAIRS = {
    "reml": (
        lambda: pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy")),
        "lmer(Reaction ~ Days + (Days | Subject), sleepstudy)",
    ),
    "ml, two terms": (
        lambda: pylme.lmer(
            "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)",
            pylme.datasets.load("sleepstudy"),
            reml=False,
        ),
        "lmer(Reaction ~ Days + (1 | Subject) + (0 + Days | Subject), sleepstudy, REML = FALSE)",
    ),
    "binomial": (
        lambda: pylme.glmer(
            "cbind(incidence, size - incidence) ~ period + (1 | herd)", pylme.datasets.load("cbpp")
        ),
        "glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, family = binomial)",
    ),
}


@pytest.fixture(scope="module", params=PAIRS)
def pair(request):
    make, code = PAIRS[request.param]
    return make(), lambda call: native(
        f"fit <- {code}; suppressWarnings(as.list(do.call(data.frame,"
        f" c(as.list(broom.mixed::{call}), list(check.names = FALSE)))))"
    )


def assert_same(frame: pd.DataFrame, theirs: dict, rtol: float = 1e-12) -> None:
    """Columns, their order, and every cell."""
    assert list(frame.columns) == list(theirs)
    for name, column in theirs.items():
        values = [column] if isinstance(column, str | float | int | None) else list(column)
        if frame[name].dtype.kind in "fi":
            np.testing.assert_allclose(
                frame[name].astype(float), np.array(values, dtype=float), rtol=rtol, atol=1e-12
            )
        else:
            ours = [None if pd.isna(v) else str(v) for v in frame[name]]
            assert ours == [None if v is None else str(v) for v in values]


@pytest.mark.parametrize("effects", ["fixed", "ran_pars", "ran_vals"])
def test_tidy_one_kind(pair, effects):
    fit, broom = pair
    assert_same(
        fit.tidy(effects, names="broom"), broom(f"tidy(fit, effects = '{effects}')"), rtol=1e-8
    )


def test_tidy_with_intervals(pair):
    fit, broom = pair
    theirs = broom("tidy(fit, conf.int = TRUE, conf.level = .9)")
    assert_same(fit.tidy(conf_int=True, conf_level=0.9, names="broom"), theirs)


def test_glance(pair):
    fit, broom = pair
    glance = fit.glance(names="broom")
    assert glance.pop("engine").tolist() == ["lme4"]
    assert_same(glance, broom("glance(fit)"))


def test_augment(pair):
    fit, broom = pair
    assert_same(fit.augment(names="broom"), broom("augment(fit)"), rtol=1e-9)


def test_augment_keeps_the_callers_labels():
    data = pylme.datasets.load("sleepstudy")
    data.index = [f"r{i}" for i in range(len(data))]
    data.loc["r3", "Days"] = np.nan
    with pytest.warns(pylme.errors.MissingRowsWarning):
        fit = pylme.lmer("Reaction ~ Days + (1 | Subject)", data)
    table = fit.augment()
    assert list(table.index) == [f"r{i}" for i in range(len(data)) if i != 3]
    np.testing.assert_array_equal(table["_fitted"], fit.fitted.dropna())


def test_pylmes_names_have_underscores_where_brooms_have_dots(pair):
    fit, _ = pair
    tables = {
        "tidy": lambda **names: fit.tidy(["fixed", "ran_vals"], conf_int=True, **names),
        "glance": fit.glance,
        "augment": fit.augment,
    }
    for table in tables.values():
        own, brooms = table(), table(names="broom")
        dotted = [name.replace(".", "_") for name in brooms]
        assert [str(name).replace(".", "_") for name in own] == dotted
        pd.testing.assert_frame_equal(own.set_axis(brooms.columns, axis=1), brooms)
    assert {"std_error", "conf_low", "conf_high"} <= set(tables["tidy"]())
    assert "df_residual" in fit.glance()
    assert {"_fitted", "_resid", "_hat", "_cooksd"} <= set(fit.augment())
    for table in tables.values():
        with pytest.raises(pylme.errors.OptionError, match="names: 'brom' is not allowed"):
            table(names="brom")


@pytest.mark.parametrize("level", [0, 1, -0.5, 2])
def test_wrong_level(level):
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
    with pytest.raises(pylme.errors.OptionError, match="between 0 and 1"):
        fit.tidy(conf_int=True, conf_level=level)
    with pytest.raises(pylme.errors.OptionError, match="ran_pars"):
        fit.tidy("ran_par")
