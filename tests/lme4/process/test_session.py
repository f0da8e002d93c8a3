"""R as a guest in the user's process: threads, console, options, random numbers, memory, forks."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pylme
from tests.tolerances import HANGS

pytestmark = pytest.mark.needs_r

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleepstudy():
    return pylme.datasets.load("sleepstudy")


def script(code: str, **options):
    """Run Python code in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
        **options,
    )


def test_threads_give_the_same_numbers(sleepstudy):
    data = [sleepstudy.assign(Reaction=sleepstudy["Reaction"] + i) for i in range(12)]
    one_by_one = [pylme.lmer(SLEEP, d).fixef.to_numpy() for d in data]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda d: pylme.lmer(SLEEP, d).fixef.to_numpy(), data))
    np.testing.assert_array_equal(one_by_one, together)


def test_r_may_be_started_by_a_thread():
    done = script(
        """
        import threading, pylme
        def fit():
            data = pylme.datasets.load("dyestuff")
            print(pylme.lmer("Yield ~ 1 + (1 | Batch)", data).criterion)
        thread = threading.Thread(target=fit); thread.start(); thread.join()
        """
    )
    assert float(done.stdout) == pytest.approx(319.654276842, rel=1e-8), done.stderr
    # Workers of dask start R in a thread; rpy2's warning about that is no news of theirs.
    assert not done.stderr


def test_nothing_reaches_the_console(capfd, caplog, sleepstudy):
    with caplog.at_level(logging.INFO, logger="pylme.r"):
        control = pylme.LmerControl(opt_ctrl={"print_level": 1})
        pylme.lmer(SLEEP, sleepstudy, control=control)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_the_users_session_is_left_as_it_was(sleepstudy):
    from rpy2 import rinterface as ri

    pylme.lmer(SLEEP, sleepstudy)
    ri.evalr("set.seed(1); curWarnings <- 'mine'; options(digits = 11)")
    names = list(ri.evalr("ls(globalenv(), all.names = TRUE)"))
    seed = list(ri.evalr(".Random.seed"))
    search = list(ri.evalr("search()"))
    with pytest.warns(pylme.errors.FitWarning):
        pylme.lmer(
            SLEEP, sleepstudy, control=pylme.LmerControl(optimizer="bobyqa", opt_ctrl={"maxfun": 9})
        )
    assert list(ri.evalr("ls(globalenv(), all.names = TRUE)")) == names
    assert list(ri.evalr(".Random.seed")) == seed
    assert list(ri.evalr("curWarnings")) == ["mine"]
    assert list(ri.evalr("getOption('digits')")) == [11]
    assert list(ri.evalr("search()")) == search
    ri.evalr("rm(curWarnings); options(digits = 7)")
    with pytest.warns(pylme.errors.FitWarning):
        pylme.lmer(
            SLEEP, sleepstudy, control=pylme.LmerControl(optimizer="bobyqa", opt_ctrl={"maxfun": 9})
        )
    assert "curWarnings" not in list(ri.evalr("ls(globalenv(), all.names = TRUE)"))


def test_the_users_console_callbacks_are_put_back(sleepstudy):
    from rpy2.rinterface_lib import callbacks

    before = (callbacks.consolewrite_print, callbacks.consolewrite_warnerror)
    pylme.lmer(SLEEP, sleepstudy)
    assert (callbacks.consolewrite_print, callbacks.consolewrite_warnerror) == before


def test_children_of_the_process_find_their_own_libraries():
    """rpy2 puts R's folders into the environment, and with them perhaps another libpython."""
    done = script(
        """
        import os, pylme
        from pylme.lme4.session import session
        before = os.environ.get("LD_LIBRARY_PATH")
        session()
        print(os.environ.get("LD_LIBRARY_PATH") == before)
        """
    )
    assert done.stdout.strip() == "True", done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_is_refused():
    done = script(
        """
        import multiprocessing, pylme
        data = pylme.datasets.load("dyestuff")
        def fit(_):
            try:
                pylme.lmer("Yield ~ 1 + (1 | Batch)", data)
            except pylme.errors.NotAvailableError as error:
                return str(error)
        if __name__ == "__main__":
            pylme.lmer("Yield ~ 1 + (1 | Batch)", data)
            with multiprocessing.get_context("fork").Pool(1) as pool:
                print(pool.map(fit, [0])[0])
        """
    )
    assert "forked process" in done.stdout, done.stderr
    assert "loky" in done.stdout


def test_without_r_the_error_says_what_to_do(tmp_path):
    done = script(
        """
        import pylme
        data = pylme.datasets.load("dyestuff")
        try:
            pylme.lmer("Yield ~ 1 + (1 | Batch)", data, engine="lme4")
        except pylme.errors.RUnavailableError as error:
            print(error)
        """,
        env={"PATH": "/nonexistent", "HOME": str(tmp_path)},
    )
    assert "R was not found" in done.stdout, done.stderr
    assert "install" in done.stdout


def test_no_r_object_is_released_without_the_lock(sleepstudy, monkeypatch):
    """R's list of what it must keep is not safe to change from two threads."""
    from rpy2.rinterface_lib import _rinterface_capi, openrlib

    released = _rinterface_capi._release
    outside = []

    def watched(cdata):
        if not openrlib.rlock._is_owned():
            outside.append(cdata)
        released(cdata)

    monkeypatch.setattr(_rinterface_capi, "_release", watched)
    fit = pylme.lmer(SLEEP, sleepstudy)
    _ = fit.fixef, fit.varcorr, fit.optinfo, fit.fitted, fit.getme("devfun")(fit.theta)
    kept = []
    for _ in range(3):
        try:
            pylme.lmer("Reaction ~ bs(Days, degree = 0) + (1 | Subject)", sleepstudy)
        except pylme.errors.RError as error:
            kept.append(error)
    del fit
    kept.clear()
    pylme.lmer(SLEEP, sleepstudy)
    assert outside == []


def test_r_objects_are_released(sleepstudy):
    from pylme.lme4 import session

    fits = [pylme.lmer(SLEEP, sleepstudy) for _ in range(3)]
    del fits
    assert len(session._released) >= 3
    pylme.lmer(SLEEP, sleepstudy).fixef  # noqa: B018  (R is called again)
    assert len(session._released) <= 1
