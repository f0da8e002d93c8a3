"""Formulas that are too long for the stack: an error in time, and R goes on living."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from pylme.versions import current
from tests.tolerances import HANGS

pytestmark = pytest.mark.needs_r

SHALLOW = current().r >= (4, 6)

START = """
    import faulthandler, sys, threading, time, warnings
    faulthandler.enable()
    warnings.simplefilter("ignore")
    import numpy as np, pandas as pd, pylme
    rng = np.random.default_rng(1)
    data = pd.DataFrame(rng.normal(size=(400, 700)), columns=[f"x{i}" for i in range(700)])
    data["y"], data["g"] = rng.normal(size=400), np.repeat(np.arange(40), 10).astype(str)
    def total(n):
        return " + ".join(f"x{i}" for i in range(n))
    def fit(formula, engine="lme4"):
        try:
            return str(len(pylme.lmer(formula, data, engine=engine).fixef))
        except pylme.errors.PylmeError as error:
            return type(error).__name__
    def in_thread(size, work):
        found = []
        threading.stack_size(size)
        thread = threading.Thread(target=lambda: found.append(work()))
        thread.start(); thread.join()
        return found[0]
"""


def printed(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(START) + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
def test_long_formulas_are_refused_in_time():
    wide = printed(
        """
        same = " + ".join(["x1"] * 9_000)
        print(fit(f"y ~ {total(20)} + (1 | g)"))
        print(fit(f"y ~ {same} + (1 | g)"))
        print(in_thread(2**21, lambda: fit(f"y ~ {total(150)} + (1 | g)")))
        print(in_thread(2**21, lambda: fit(f"y ~ {same} + (1 | g)")))
        print(in_thread(2**18, lambda: fit(f"y ~ {same} + (1 | g)")))
        print(fit("y ~ x1 + (1 | g)"))
        """
    )
    refused = "StackLimitError"
    # R 4.6 takes less of the stack for each term.
    assert wide == ["21", refused, "151" if SHALLOW else refused, refused, refused, "2"]


@pytest.mark.slow
@pytest.mark.skipif(SHALLOW, reason="R 4.6 needs no more than the usual stack for 700 columns")
def test_many_columns_are_refused_in_time():
    assert printed('print(fit(f"y ~ {total(700)} + (1 | g)"))') == ["StackLimitError"]


@pytest.mark.slow
def test_what_the_error_advises_works():
    assert printed(
        """
        same = " + ".join(["x1"] * 400)
        long = f"y ~ {same} + (1 | g)"
        print(in_thread(2**21, lambda: fit(long)))
        print(in_thread(2**29, lambda: fit(long)))
        print(fit(long, "numpy"))
        """
    ) == ["StackLimitError", "2", "2"]


def test_the_stack_is_that_of_the_thread():
    """In a new process: the C library gives the larger stack of an ended thread to a later one."""
    assert printed(
        """
        from pylme.lme4.stack import thread_stack
        for size in (2**20, 2**24):
            print(in_thread(size, lambda: thread_stack()[1]) == size)
        """
    ) == ["True", "True"]


def test_r_finds_its_own_limit_after_a_call():
    """Other users of rpy2 in the process do not inherit one thread's stack."""
    from rpy2.rinterface_lib import openrlib

    import pylme

    pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
    before = openrlib.rlib.R_CStackStart, openrlib.rlib.R_CStackLimit
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
    assert len(fit.fixef) == 1
    assert (openrlib.rlib.R_CStackStart, openrlib.rlib.R_CStackLimit) == before


def test_r_may_be_started_from_a_thread_with_a_small_stack() -> None:
    """The start of R alone needs more than 0.5 MB; the first fit says so of itself, or works."""
    small, later, size = printed(
        """
        print(in_thread(2**19, lambda: fit("y ~ x0 + (1 | g)")))
        print(fit("y ~ x0 + (1 | g)"))
        print(threading.stack_size() == 2**19)
        """
    )
    assert small in {"StackLimitError", "2"}
    assert later == "2"
    assert size == "True"
