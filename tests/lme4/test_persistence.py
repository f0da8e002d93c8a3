"""Fits that travel: pickle with R inside, copies, JSON without R."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import pylme

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning"),
]


@pytest.fixture(scope="module", params=["lmm", "glmm", "singular", "gaps"])
def fit(request):
    if request.param == "lmm":
        data = pylme.datasets.load("sleepstudy")
        return pylme.lmer(
            "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)",
            data,
            control=pylme.LmerControl(optimizer="bobyqa"),
        )
    if request.param == "glmm":
        data = pylme.datasets.load("cbpp")
        return pylme.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", data)
    if request.param == "singular":
        return pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff2"))
    data = pylme.datasets.load("sleepstudy")
    data.index = [f"row {i}" for i in range(len(data))]
    data.loc["row 7", "Days"] = np.nan
    with pytest.warns(pylme.errors.MissingRowsWarning):
        return pylme.lmer("Reaction ~ Days + (Days | Subject)", data)


def same(a: pylme.Fit, b: pylme.Fit) -> None:
    """Every number of a is bitwise that of b."""
    assert (a.formula, a.engine, a.nobs, a.ngrps) == (b.formula, b.engine, b.nobs, b.ngrps)
    for name in ("sigma", "criterion", "loglik", "aic", "bic", "df_resid"):
        assert getattr(a, name) == getattr(b, name)
    np.testing.assert_array_equal(a.theta, b.theta)
    for name in ("fixef", "fitted", "residuals"):
        pd.testing.assert_series_equal(getattr(a, name), getattr(b, name), check_exact=True)
    for name in ("vcov", "coef_table"):
        pd.testing.assert_frame_equal(getattr(a, name), getattr(b, name), check_exact=True)
    pd.testing.assert_frame_equal(a.varcorr.to_frame(), b.varcorr.to_frame(), check_exact=True)
    for group in a.ranef:
        pd.testing.assert_frame_equal(a.ranef[group], b.ranef[group], check_exact=True)
        np.testing.assert_array_equal(a.ranef_var[group], b.ranef_var[group])
    assert a.conditions == b.conditions
    assert a.convergence == b.convergence
    assert a.is_singular() is b.is_singular()
    assert str(a.summary()) == str(b.summary())
    assert str(a.optinfo) == str(b.optinfo)


@pytest.mark.parametrize(
    "travel", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))]
)
def test_copies_are_alive(fit, travel):
    other = travel(fit)
    same(fit, other)
    np.testing.assert_array_equal(other.getme("u"), fit.getme("u"))


def test_a_pickle_comes_back_alive_in_another_process(fit, tmp_path):
    path = tmp_path / "fit.pickle"
    path.write_bytes(pickle.dumps(fit))
    code = (
        "import pickle, sys; fit = pickle.load(open(sys.argv[1], 'rb'));"
        "print(repr(fit.criterion), float(fit.getme('u').sum()).hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    criterion, total = done.stdout.split()
    assert criterion == repr(fit.criterion)
    assert float.fromhex(total) == float(fit.getme("u").sum())


def test_json_carries_all_numbers(fit):
    same(fit, pylme.from_json(fit.to_json()))


def test_json_of_json_is_the_same_text(fit):
    assert pylme.from_json(fit.to_json()).to_json() == fit.to_json()


def test_json_is_read_without_r(fit, tmp_path):
    path = tmp_path / "fit.json"
    path.write_text(fit.to_json(), encoding="utf-8")
    code = (
        "import sys; sys.modules['rpy2'] = None; import pylme;"
        "fit = pylme.from_json(open(sys.argv[1], encoding='utf-8').read());"
        "print(repr(fit.criterion)); str(fit.summary()); fit.varcorr; fit.ranef; fit.convergence"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == repr(fit.criterion), done.stderr


def test_json_says_what_it_cannot_do(fit):
    saved = pylme.from_json(fit.to_json())
    with pytest.raises(pylme.errors.NotAvailableError, match="came from JSON"):
        saved.getme("X")
    with pytest.raises(pylme.errors.NotAvailableError, match="came from JSON"):
        saved.augment()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": "pylme-fit/1"}', '{"format": "x"}'])
def test_text_that_is_no_fit(text):
    with pytest.raises(pylme.errors.NotAvailableError, match="from JSON"):
        pylme.from_json(text)
