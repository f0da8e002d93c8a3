"""Processes forked off from one in which R runs: they leave its R alone, and are told why."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from tests.tolerances import HANGS

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

START = """
    import multiprocessing, os, sys, threading, pylme
    data = pylme.datasets.load("dyestuff")
    def fit():
        return pylme.lmer("Yield ~ 1 + (1 | Batch)", data)
    def refused():
        try:
            fit()
        except pylme.errors.NotAvailableError as error:
            return str(error)
    def in_child(work):
        sys.stdout.flush()
        if (child := os.fork()) == 0:
            work()
            sys.exit(0)
        os.waitpid(child, 0)
    def folder():
        from rpy2 import rinterface
        return rinterface.evalr("tempdir()")[0]
"""


def printed(code: str) -> list[str]:
    """The lines that a script prints after the common start."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(START) + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_child_leaves_the_folder_of_its_parents_r():
    *found, at_exit = printed(
        """
        fork = multiprocessing.get_context("fork")
        def in_a_thread():
            thread = threading.Thread(target=in_child, args=(refused,))
            thread.start(); thread.join()
        def in_a_pool():
            with fork.Pool(2) as pool:
                pool.map(abs, range(4))
        def in_a_process():
            process = fork.Process(target=refused)
            process.start(); process.join()
        kinds = [
            lambda: None, lambda: in_child(lambda: None), lambda: in_child(refused),
            lambda: in_child(lambda: in_child(lambda: None)), in_a_thread, in_a_pool, in_a_process,
        ]
        before = fit().criterion
        for kind in kinds:
            kind()
            print(os.path.isdir(folder()) and fit().criterion == before)
        print(folder())
        """
    )
    assert found == ["True"] * 7
    assert not os.path.exists(at_exit)  # noqa: PTH110


def test_a_child_that_would_use_its_parents_r_is_refused():
    said = printed(
        """
        fit()
        in_child(lambda: print(refused()))
        """
    )
    assert said[0].startswith("Calling R in a forked process")
    assert "loky" in said[1]


def test_also_where_somebody_else_started_r():
    said = printed(
        """
        from rpy2 import rinterface
        rinterface.initr()
        in_child(lambda: print(refused()))
        print(round(fit().criterion, 3))
        """
    )
    assert said[0].startswith("Calling R in a forked process")
    assert said[-1] == "319.654"


def test_a_child_forked_before_r_started_has_its_own():
    assert printed(
        """
        in_child(lambda: print(round(fit().criterion, 3)))
        print(round(fit().criterion, 3))
        in_child(lambda: print(refused() is not None))
        print(os.path.isdir(folder()))
        """
    ) == ["319.654", "319.654", "True", "True"]


def test_a_child_may_use_the_numpy_engine():
    assert printed(
        """
        fit()
        def by_numpy():
            model = pylme.lmer("Yield ~ 1 + (1 | Batch)", data, engine="numpy")
            print(round(model.criterion, 3))
        in_child(by_numpy)
        """
    ) == ["319.654"]
