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


def in_order_of(theirs: dict, frame: pd.DataFrame) -> pd.DataFrame:
    """broom.mixed 0.2.9.7 has standard deviations before correlations; earlier ones as pylme."""
    if native("packageVersion('broom.mixed') < '0.2.9.7'"):
        return frame
    keys = ["effect", "group", "term", "level"]
    keys = [key for key in keys if key in frame]
    ours = [tuple(str(None if pd.isna(v) else v) for v in row) for row in frame[keys].to_numpy()]
    cells = {key: np.atleast_1d(np.array(theirs[key], dtype=object)) for key in keys}
    wanted = zip(*([str(v) for v in cells[key]] for key in keys), strict=True)
    return frame.iloc[[ours.index(row) for row in wanted]].reset_index(drop=True)


@pytest.mark.parametrize("effects", ["fixed", "ran_pars", "ran_vals"])
def test_tidy_one_kind(pair, effects):
    fit, broom = pair
    theirs = broom(f"tidy(fit, effects = '{effects}')")
    assert_same(in_order_of(theirs, fit.tidy(effects, names="broom")), theirs, rtol=1e-8)


def test_tidy_with_intervals(pair):
    fit, broom = pair
    theirs = broom("tidy(fit, conf.int = TRUE, conf.level = .9)")
    frame = fit.tidy(conf_int=True, conf_level=0.9, names="broom")
    assert_same(in_order_of(theirs, frame), theirs)


def test_glance(pair):
    fit, broom = pair
    glance = fit.glance(names="broom")
    assert glance.pop("engine").tolist() == ["lme4"]
    assert glance.pop("AICc").item() == fit.aicc
    assert_same(glance, broom("glance(fit)"))


def test_augment(pair):
    fit, broom = pair
    theirs = broom("augment(fit)")
    frame = fit.augment(names="broom")
    if ".std.resid" in theirs:
        # broom 1.0.13 adds these to generalized models alone, as NaN where a "hat" value exceeds 1,
        # and leaves the rows of those out of the columns of the response that follow.
        seen = list(theirs)[: list(theirs).index(".std.resid")]
        frame, theirs = frame[seen], {name: theirs[name] for name in seen}
    assert_same(frame, theirs, rtol=1e-9)


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
