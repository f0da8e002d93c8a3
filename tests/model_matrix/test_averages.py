"""ave(): means and other summaries of groups, as R computes them, and on new rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import ColumnValueError, FormulaError

pytestmark = pytest.mark.needs_r


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"g": rng.integers(0, 15, 150), "x": rng.normal(size=150)})
    frame["f"] = np.where(rng.uniform(size=150) < 0.4, "a", "b")
    frame["y"] = frame["x"] + rng.normal(size=15)[frame["g"]] + rng.normal(size=150)
    return frame


@pytest.mark.parametrize(
    ("call", "by_pandas"),
    [
        ("ave(x, g)", lambda d: d.groupby("g")["x"].transform("mean")),
        ("ave(x, f, g)", lambda d: d.groupby(["f", "g"])["x"].transform("mean")),
        ("I(x^2 - ave(x))", lambda d: d["x"] ** 2 - d["x"].mean()),
        ("ave(x, g, FUN = median)", lambda d: d.groupby("g")["x"].transform("median")),
        ("ave(x, f, FUN = sd)", lambda d: d.groupby("f")["x"].transform("std")),
        ("ave(x, g, FUN = length)", lambda d: d.groupby("g")["x"].transform("size")),
        ("I(x - ave(x, g))", lambda d: d["x"] - d.groupby("g")["x"].transform("mean")),
        ("ave(x^2, g)", lambda d: (d["x"] ** 2).groupby(d["g"]).transform("mean")),
    ],
)
def test_both_engines_give_what_pandas_gives(call, by_pandas, data: pd.DataFrame) -> None:
    formula = f"y ~ x + {call} + (1 | g)"
    by_r, ours = (pylme.lmer(formula, data, engine=engine) for engine in ("lme4", "numpy"))
    for fit in (by_r, ours):
        assert list(fit.fixef.index) == ["(Intercept)", "x", call]
        np.testing.assert_allclose(fit.getme("X")[:, 2], by_pandas(data), rtol=1e-12, atol=1e-14)
    assert ours.criterion == pytest.approx(by_r.criterion, abs=1e-5)
    assert by_r.cross_check().ok


def test_a_random_slope_of_group_means(data: pd.DataFrame) -> None:
    design = pylme.design("y ~ x + (ave(x, f) | g)", data)
    means = data.groupby("f")["x"].transform("mean")
    np.testing.assert_allclose(design.terms[0].columns[:, 1], means)


def test_new_rows_have_the_means_of_the_model(data: pd.DataFrame) -> None:
    design = pylme.design("y ~ ave(x, g) + (1 | f)", data)
    row = data.iloc[[7]].assign(x=1000.0)
    assert design.on(row).X[0, 1] == design.X[7, 1]
    with pytest.raises(ColumnValueError, match=r"ave\(x, g\).*'99' did not occur"):
        design.on(row.assign(g=99))


@pytest.mark.parametrize("argument", ["FUN = system", "FUN = function(z) z", "FUN = x", "FU = sd"])
def test_only_summaries_are_called(argument: str, data: pd.DataFrame) -> None:
    with pytest.raises(FormulaError):
        pylme.lmer(f"y ~ ave(x, g, {argument}) + (1 | g)", data)
