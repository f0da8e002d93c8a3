"""What a notebook shows of each object: its own HTML, with nothing of the data as markup."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import pylme
from tests.render.test_html import Reader

NAME, LEVEL = "<i>x", "<script>&"


def _data():
    rng = np.random.default_rng(1)
    group = np.repeat([f"{LEVEL}{i}" for i in range(12)], 6)
    x = rng.standard_normal(72)
    y = 1 + x + np.repeat(rng.standard_normal(12), 6) + rng.standard_normal(72)
    return pd.DataFrame({"y": y, NAME: x, "<b>g": group})


DATA = _data()
FORMULA = f"y ~ `{NAME}` + (1 | `<b>g`)"


@pytest.fixture(scope="module")
def fit():
    return pylme.lmer(FORMULA, DATA, engine="numpy")


SHOWN = {
    "fit": lambda fit: fit,
    "convergence": lambda fit: fit.convergence,
    "design": lambda fit: fit.design,
    "identifiability": lambda fit: fit.design.identifiability(),
    "ranef": lambda fit: fit.ranef,
    "coef": lambda fit: fit.coef,
    "simulator": lambda fit: fit.simulator(),
    "simulation": lambda fit: fit.simulator().draw(2, seed=1),
    "r2": lambda fit: fit.r2(),
    "icc": lambda fit: fit.icc(),
    "influence": lambda fit: fit.influence("<b>g"),
    "simulated_residuals": lambda fit: fit.simulated_residuals(),
    "summary": lambda fit: fit.summary(),
    "cross_check": lambda fit: fit.cross_check(),
    "pool": lambda fit: pylme.pool([fit, fit]),
    "table": pylme.table,
    "explain": lambda _: pylme.explain(FORMULA, DATA),
    "show_versions": lambda _: pylme.show_versions(),
    "study": lambda fit: pylme.study(
        fit.simulator(), {"one": FORMULA}, n=2, seed=1, engine="numpy"
    ),
    "lmer_many": lambda _: pylme.lmer_many(FORMULA.partition("y ")[2], DATA, ["y"]),
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_an_object_has_html_of_its_own(fit, name):
    shown = SHOWN[name](fit)
    html = shown._repr_html_()
    read = Reader(html)
    assert read.rows or read.texts.get("p") or read.texts.get("li")
    assert "object at 0x" not in html
    assert str(shown)


def test_a_fit_prints_what_it_is(fit):
    text = repr(fit)
    assert text == str(fit)
    for part in (FORMULA, "Engine: numpy", f"{fit.criterion:.4f}", "72; 12 levels", "converged"):
        assert part in text
    assert all(name in text for name in fit.fixef.index)
    assert "Residual" in text


def test_modes_are_a_dict_of_frames(fit):
    assert isinstance(fit.ranef, dict)
    assert "… and 2 more rows." in str(fit.ranef)
    copy = pickle.loads(pickle.dumps(fit.ranef))
    pd.testing.assert_frame_equal(copy["<b>g"], fit.ranef["<b>g"])
