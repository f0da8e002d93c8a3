"""R in a process of its own: the same fits, and crashes that cost nothing but them."""

import pickle
import resource
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd
import psutil
import pytest

import pylme
from pylme.errors import FitTimeoutError, OptionError, PylmeError, RProcessError
from pylme.lme4.isolation.isolated_session import isolated_session

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.skipif(sys.platform != "linux", reason="limits and signals of Linux"),
]

SLEEP = pylme.datasets.load("sleepstudy")
FORMULA = "Reaction ~ Days + (Days | Subject)"
CBPP = pylme.datasets.load("cbpp")
COUNTS = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


def isolated(**options):
    return pylme.lmer(FORMULA, SLEEP, isolated=True, **options)


def works():
    """A fit after a crash is the fit of R in this process."""
    assert isolated().criterion == pytest.approx(1743.6282719599, abs=1e-6)


def test_the_same_fit_as_in_this_process():
    here, there = pylme.lmer(FORMULA, SLEEP, engine="lme4"), isolated()
    assert there.engine == "lme4"
    np.testing.assert_array_equal(there.theta, here.theta)
    pd.testing.assert_frame_equal(there.coef_table, here.coef_table)
    pd.testing.assert_frame_equal(there.varcorr.to_frame(), here.varcorr.to_frame())
    pd.testing.assert_series_equal(there.fitted, here.fitted)
    assert str(there.summary()) == str(here.summary())
    assert (there.getme("Zt") != here.getme("Zt")).nnz == 0
    assert there.getme("devfun")(here.theta) == here.getme("devfun")(here.theta)
    assert there.cross_check().verdict is here.cross_check().verdict
    y = SLEEP["Reaction"].to_numpy() + 1.0
    np.testing.assert_array_equal(there.refit(y).theta, here.refit(y).theta)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(there)).theta, here.theta)


def test_generalized_models_too():
    here = pylme.glmer(COUNTS, CBPP, family="binomial", engine="lme4")
    there = pylme.glmer(COUNTS, CBPP, family="binomial", isolated=True)
    np.testing.assert_array_equal(there.theta, here.theta)
    np.testing.assert_array_equal(there.fixef, here.fixef)


@pytest.mark.slow
def test_negative_binomial_models_too():
    data = CBPP.assign(count=CBPP["incidence"] * 3 + CBPP["size"] % 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        here = pylme.glmer_nb("count ~ period + (1 | herd)", data, engine="lme4")
        there = pylme.glmer_nb("count ~ period + (1 | herd)", data, isolated=True)
    assert there.getme("glmer.nb.theta") == here.getme("glmer.nb.theta")


def test_warnings_and_errors_come_from_there():
    data = SLEEP.assign(Reaction=np.random.default_rng(2).standard_normal(180))
    with pytest.warns(pylme.errors.SingularFitWarning):
        pylme.lmer(FORMULA, data, isolated=True)
    with pytest.raises(PylmeError, match="level"):
        pylme.lmer("Reaction ~ Days + (1 | g)", SLEEP.assign(g="a"), isolated=True)
    works()


def test_large_data_go_through_shared_memory():
    rng = np.random.default_rng(0)
    n = 60_000
    data = pd.DataFrame({"x": rng.standard_normal(n), "g": rng.integers(0, 40, n)})
    data["y"] = data["x"] + rng.standard_normal(40)[data["g"]] + rng.standard_normal(n)
    here = pylme.lmer("y ~ x + (1 | g)", data, engine="lme4")
    there = pylme.lmer("y ~ x + (1 | g)", data, isolated=True)
    np.testing.assert_array_equal(there.theta, here.theta)
    np.testing.assert_array_equal(there.fitted, here.fitted)


@pytest.mark.parametrize("code", [signal.SIGKILL, signal.SIGSEGV])
def test_an_end_from_outside_costs_the_fits_there(code):
    fit = isolated()
    # What was fetched before stays.
    assert fit.fixef["Days"] == pytest.approx(10.467286)
    psutil.Process(isolated_session().pid).send_signal(code)
    with pytest.raises(RProcessError, match=code.name):
        fit.getme("X")
    with pytest.raises(RProcessError, match="ended before"):
        fit.getme("X")
    assert fit.fixef["Days"] == pytest.approx(10.467286)
    works()


def function_of_r(path, body):
    """The handle of a function in the process of R."""
    program = f"f <- {body}; environment(f) <- baseenv(); saveRDS(f, '{path}')"
    subprocess.run(["Rscript", "--vanilla", "-e", program], check=True)
    return isolated_session().hold("read_object", str(path))[0]


def test_a_crash_in_the_c_stack_of_r(tmp_path):
    # Nested lists are compared by recursion in C, which does not look at the stack.
    body = (
        "function(x) { y <- z <- NULL; for (i in 1:3e6) { y <- list(y); z <- list(z) }; "
        "identical(y, z) }"
    )
    crash = function_of_r(tmp_path / "crash.rds", body)
    with pytest.raises(RProcessError, match="signal"):
        isolated_session().call("evaluate", crash, np.ones(1))
    works()


def test_a_hang_ends_at_the_limit(monkeypatch):
    # Nothing in R looks for interrupts while the process is stopped.
    isolated()
    session = isolated_session()
    monkeypatch.setattr(type(session), "answers", True)
    psutil.Process(session.pid).suspend()
    started = time.monotonic()
    with pytest.raises(FitTimeoutError, match="timeout=1"):
        isolated(timeout=1.0)
    assert time.monotonic() - started < 30
    monkeypatch.undo()
    works()


def test_a_limit_of_memory():
    isolated()
    pid = isolated_session().pid
    used = psutil.Process(pid).memory_info().vms
    resource.prlimit(pid, resource.RLIMIT_AS, (used + 2**26, used + 2**26))
    rng = np.random.default_rng(0)
    n = 3_000_000
    data = pd.DataFrame({"y": rng.standard_normal(n), "g": rng.integers(0, 40, n)})
    with pytest.raises((MemoryError, RProcessError, pylme.errors.RError)):
        pylme.lmer("y ~ 1 + (1 | g)", data, isolated=True)
    isolated_session().end()
    works()


def test_it_ends_with_its_parent():
    program = (
        "import pylme\n"
        "from pylme.lme4.isolation.isolated_session import isolated_session\n"
        "isolated_session().versions\n"
        "print(isolated_session().pid, flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    pid = int(done.stdout)
    end = time.monotonic() + 30
    while psutil.pid_exists(pid) and time.monotonic() < end:
        time.sleep(0.1)
    assert not psutil.pid_exists(pid)


def test_the_numpy_engine_is_not_isolated():
    with pytest.raises(OptionError, match="isolated"):
        pylme.lmer(FORMULA, SLEEP, engine="numpy", isolated=True)
