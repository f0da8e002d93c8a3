"""Which engine fits: what "auto" means with R and without it, and what the errors say."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import pylme
from pylme.errors import EngineWarning, NotAvailableError, OptionError, RUnavailableError
from pylme.lme4 import engine as lme4
from pylme.lme4 import fitting as r_fitting
from pylme.results import engine as engines

ROOT = Path(__file__).parents[2]
MODEL = "Yield ~ 1 + (1 | Batch)"
BINOMIAL = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
NO_R = RUnavailableError(asked="Calling R's lme4", found="there is no R", remedy="Install R.")


@pytest.fixture
def dyestuff():
    return pylme.datasets.load("dyestuff")


@pytest.fixture
def no_r(monkeypatch):
    """A process in which R cannot start, and no notice was given yet."""
    monkeypatch.setattr(lme4, "unavailable", lambda: NO_R)
    monkeypatch.setattr(engines, "_noticed", set())
    monkeypatch.delenv("PYLME_ENGINE", raising=False)


@pytest.mark.needs_r
def test_auto_is_lme4_where_r_is_there(dyestuff, monkeypatch):
    monkeypatch.delenv("PYLME_ENGINE", raising=False)
    fit = pylme.lmer(MODEL, dyestuff)
    assert fit.engine == "lme4"
    assert "Engine: lme4" in repr(fit)
    assert pylme.glmer(BINOMIAL, pylme.datasets.load("cbpp")).engine == "lme4"
    assert pylme.lmer(MODEL, dyestuff, control=pylme.LmerControl()).engine == "lme4"


def test_without_r_auto_is_the_numpy_engine_with_one_notice(dyestuff, no_r):
    with pytest.warns(EngineWarning, match="lme4 is not used: there is no R") as given:
        fit = pylme.lmer(MODEL, dyestuff)
    assert len(given) == 1
    assert (given[0].message.engine, fit.engine) == ("numpy", "numpy")
    assert "PYLME_ENGINE=numpy" in str(given[0].message)
    assert "Engine: numpy" in repr(fit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pylme.lmer(MODEL, dyestuff).engine == "numpy"


@pytest.mark.filterwarnings("ignore::pylme.errors.EngineWarning")
@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
def test_a_generalized_model_without_r_is_fitted_by_numpy(no_r):
    cbpp = pylme.datasets.load("cbpp")
    assert pylme.glmer(BINOMIAL, cbpp).engine == "numpy"
    assert pylme.glmer_nb("incidence ~ period + (1 | herd)", cbpp).engine == "numpy"
    control = pylme.GlmerControl()
    with pytest.raises(RUnavailableError, match="a control is for lme4") as caught:
        pylme.glmer(BINOMIAL, cbpp, control=control)
    assert "there is no R" in str(caught.value)


def test_what_lme4_does_not_have_asks_for_numpy():
    cbpp = pylme.datasets.load("cbpp")
    with pytest.raises(NotAvailableError, match='lme4 has no laplace="observed"'):
        pylme.glmer(BINOMIAL, cbpp, laplace="observed", engine="lme4")
    with pytest.warns(EngineWarning, match='lme4 has no laplace="observed"'):
        fit = pylme.glmer(BINOMIAL, cbpp, link="probit", laplace="observed")
    assert fit.engine == "numpy"


def test_without_r_nobody_is_sent_to_an_engine_that_refuses(dyestuff, monkeypatch):
    """lme4's own error where R is missing: the NumPy engine is named where it can fit the model."""
    monkeypatch.setattr(r_fitting, "session_for_fits", _no_session)
    cbpp = pylme.datasets.load("cbpp")
    with pytest.raises(RUnavailableError) as caught:
        pylme.glmer(BINOMIAL, cbpp, engine="lme4")
    assert 'fitted by engine="numpy".' in str(caught.value)
    with pytest.raises(RUnavailableError) as caught:
        pylme.lmer(MODEL, dyestuff, engine="lme4")
    assert 'fitted by engine="numpy".' in str(caught.value)
    with pytest.raises(RUnavailableError) as caught:
        pylme.lmer(MODEL, dyestuff, engine="lme4", control=pylme.LmerControl())
    assert "without `control`" in str(caught.value)


def _no_session():
    raise NO_R


def test_a_control_asks_for_lme4(dyestuff, no_r):
    control = pylme.LmerControl()
    with pytest.raises(RUnavailableError, match="a control is for lme4"):
        pylme.lmer(MODEL, dyestuff, control=control)
    with pytest.raises(RUnavailableError, match="Without `control`, the NumPy engine fits"):
        pylme.lmer(MODEL, dyestuff, control=control)
    with pytest.raises(OptionError, match="a control is for lme4"):
        pylme.lmer(MODEL, dyestuff, control=control, engine="numpy")


def test_a_function_of_rs_asks_for_lme4(dyestuff, no_r):
    pylme.allow_function("digamma")
    with pytest.raises(RUnavailableError, match=r"R alone can evaluate the function digamma\(\)"):
        pylme.lmer("digamma(Yield) ~ 1 + (1 | Batch)", dyestuff)
    with pytest.raises(NotAvailableError, match=r"R alone can evaluate"):
        pylme.lmer("digamma(Yield) ~ 1 + (1 | Batch)", dyestuff, engine="numpy")


@pytest.mark.parametrize("variable", ["numpy", "", "auto"])
def test_the_variable_says_what_auto_means(dyestuff, no_r, monkeypatch, variable):
    monkeypatch.setenv("PYLME_ENGINE", variable)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        assert pylme.lmer(MODEL, dyestuff).engine == "numpy"
    assert [type(each.message) for each in given] == [EngineWarning] * (variable != "numpy")


def test_the_variable_names_an_engine_that_cannot_fit_the_model(dyestuff, no_r, monkeypatch):
    monkeypatch.setenv("PYLME_ENGINE", "numpy")
    with pytest.raises(NotAvailableError, match="a control is for lme4") as caught:
        pylme.lmer(MODEL, dyestuff, control=pylme.LmerControl())
    assert "PYLME_ENGINE asks for the NumPy engine" in caught.value.found
    assert "Unset PYLME_ENGINE" in caught.value.remedy


def test_the_variable_names_an_engine_that_cannot_start(dyestuff, no_r, monkeypatch):
    monkeypatch.setenv("PYLME_ENGINE", "lme4")
    with pytest.raises(
        RUnavailableError, match="PYLME_ENGINE asks for lme4: there is no R"
    ) as said:
        pylme.lmer(MODEL, dyestuff)
    assert said.value.remedy.startswith("Unset PYLME_ENGINE")


def test_the_variable_does_not_change_the_engine_of_a_study(dyestuff, no_r, monkeypatch):
    monkeypatch.setenv("PYLME_ENGINE", "lme4")
    simulator = pylme.lmer(MODEL, dyestuff, engine="numpy").simulator()
    assert pylme.study(simulator, MODEL, n=2, seed=1).engine == "numpy"


def test_an_argument_comes_before_the_variable(dyestuff, monkeypatch):
    monkeypatch.setenv("PYLME_ENGINE", "lme4")
    assert pylme.lmer(MODEL, dyestuff, engine="numpy").engine == "numpy"


@pytest.mark.parametrize("variable", ["R", "NumPy", "lme5"])
def test_a_bad_value_of_the_variable_is_refused(dyestuff, monkeypatch, variable):
    monkeypatch.setenv("PYLME_ENGINE", variable)
    with pytest.raises(OptionError, match="PYLME_ENGINE"):
        pylme.lmer(MODEL, dyestuff)


def test_studies_and_bootstraps_take_auto(dyestuff, no_r):
    fit = pylme.lmer(MODEL, dyestuff, engine="numpy")
    with pytest.warns(EngineWarning):
        found = fit.bootstrap(5, seed=1, engine="auto")
    assert found.engine == "numpy"
    same = fit.bootstrap(5, seed=1)
    assert found.replicates.equals(same.replicates)
    assert pylme.study(fit.simulator(), MODEL, n=3, seed=1, engine="auto").engine == "numpy"


def test_a_failed_start_is_not_tried_at_each_fit(monkeypatch):
    tried = []

    def session():
        tried.append(1)
        raise NO_R

    monkeypatch.setattr(lme4, "_failure", None)
    monkeypatch.setattr(lme4, "started", lambda: False)
    monkeypatch.setattr(lme4, "session", session)
    assert [lme4.unavailable(), lme4.unavailable(), len(tried)] == [NO_R, NO_R, 1]


def test_where_there_is_no_r_on_the_path(tmp_path):
    """The messages of a machine without R, and what the doctor says there."""
    code = (
        "import warnings, pylme; warnings.simplefilter('always');"
        f"data = pylme.datasets.load('dyestuff'); fit = pylme.lmer({MODEL!r}, data);"
        f"print(fit.engine, pylme.lmer({MODEL!r}, data).engine);\n"
        "try:\n"
        f"    pylme.lmer({MODEL!r}, data, engine='lme4')\n"
        "except pylme.errors.RUnavailableError as error:\n"
        "    print(error)\n"
        "print(pylme.doctor())"
    )
    kept = {name: os.environ[name] for name in ("HOME", "SYSTEMROOT") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1", **kept},
    )  # fmt: skip
    assert done.stdout.startswith("numpy numpy\n"), done.stdout + done.stderr
    assert done.stderr.count("EngineWarning") == 1
    assert "R home" not in done.stdout + done.stderr, "rpy2 looked for R"
    assert "R was not found" in done.stderr
    error, _, doctor = done.stdout.partition("lme4 cannot be called from here.")
    assert 'engine="numpy"' in error
    assert 'engine="numpy"' in doctor
