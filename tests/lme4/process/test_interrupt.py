"""What stops a fit while R computes: signals, Ctrl-C for other threads, a limit of time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

import pylme
from pylme.errors import FitTimeoutError, OptionError
from tests.tolerances import HANGS

pytestmark = pytest.mark.needs_r

START = """
    import asyncio, os, signal, sys, threading, time, warnings
    from concurrent.futures import ThreadPoolExecutor
    import pylme
    warnings.simplefilter("ignore")
    small, large = pylme.datasets.load("dyestuff"), pylme.datasets.load("insteval")
    def short():
        return pylme.lmer("Yield ~ 1 + (1 | Batch)", small)
    def long(**arguments):
        begun.set()
        return pylme.lmer("y ~ service + (1 | s) + (1 | d)", large, **arguments)
    def interrupt(number=signal.SIGINT, after=1.5):
        def send():
            begun.wait()
            time.sleep(after)
            clock.append(time.monotonic())
            os.kill(os.getpid(), number)
        threading.Thread(target=send, daemon=True).start()
    begun, clock = threading.Event(), []
    def stopped(error):
        print(type(error).__name__, time.monotonic() - clock[-1] < 8 if clock else None)
    short()
    before = [signal.getsignal(number) for number in signal.valid_signals()]
"""
END = """
    assert [signal.getsignal(number) for number in signal.valid_signals()] == before
    print(f"{short().criterion:.3f}")
"""


def printed(code: str) -> list[str]:
    whole = "".join(textwrap.dedent(part) for part in (START, code, END))
    done = subprocess.run(
        [sys.executable, "-c", whole], capture_output=True, text=True, timeout=HANGS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_signals_in_the_main_thread():
    """Python's own handler, a user's that raises, one that returns; and SIGALRM."""
    assert printed(
        """
        class Enough(Exception):
            pass
        def enough(*_):
            raise Enough
        def patient(*_):
            print("seen")
        interrupt()
        try:
            long()
        except KeyboardInterrupt as error:
            stopped(error)
        clock.clear()
        signal.signal(signal.SIGALRM, enough)
        signal.setitimer(signal.ITIMER_REAL, 1.5)
        try:
            long()
        except Enough as error:
            print("Enough")
        signal.signal(signal.SIGINT, patient)
        interrupt(after=0.5)
        print(long().nobs)
        signal.signal(signal.SIGINT, enough)
        interrupt()
        try:
            long()
        except Enough as error:
            stopped(error)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        """
    ) == ["KeyboardInterrupt True", "Enough", "seen", "73421", "Enough True", "319.654"]


@pytest.mark.slow
def test_ctrl_c_under_asyncio():
    assert printed(
        """
        async def in_the_loop():
            long()
        async def in_a_thread():
            await asyncio.to_thread(long)
        for work in (in_the_loop, in_a_thread):
            begun.clear(); clock.clear()
            interrupt()
            try:
                asyncio.run(work())
            except KeyboardInterrupt as error:
                stopped(error)
        """
    ) == ["KeyboardInterrupt True", "KeyboardInterrupt True", "319.654"]


@pytest.mark.slow
def test_ctrl_c_stops_the_work_of_threads():
    """That in R, and that which waits for R; what a pool begins afterwards is the pool's matter."""
    assert printed(
        """
        interrupt()
        found = []
        try:
            with ThreadPoolExecutor(3) as pool:
                found = [pool.submit(long) for _ in range(3)]
                [future.result() for future in found]
        except KeyboardInterrupt as error:
            stopped(error)
        print([type(future.exception()).__name__ for future in found])
        """
    ) == ["KeyboardInterrupt True", str(["KeyboardInterrupt"] * 3), "319.654"]


@pytest.mark.slow
def test_a_users_own_handler_decides_for_threads():
    assert printed(
        """
        signal.signal(signal.SIGINT, lambda *_: print("seen"))
        interrupt(after=0.5)
        with ThreadPoolExecutor(1) as pool:
            print(pool.submit(long).result().nobs)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        """
    ) == ["seen", "73421", "319.654"]


@pytest.mark.slow
def test_a_time_limit_stops_r():
    found = printed(
        """
        def limited(timeout=1, **arguments):
            start = time.monotonic()
            try:
                long(timeout=timeout, **arguments)
            except pylme.errors.FitTimeoutError as error:
                print(error.timeout, error.engine, time.monotonic() - start < 15)
        limited()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(limited).result()
        limited(timeout=0.05, engine="numpy")
        try:
            pylme.glmer("y ~ service + (1 | s) + (1 | d)", large, family="poisson", timeout=2)
        except pylme.errors.FitTimeoutError as error:
            print(error)
        """
    )
    assert found[:3] == ["1.0 lme4 True", "1.0 lme4 True", "0.05 numpy True"]
    assert found[3].startswith("Fitting the model with engine='lme4': it was not finished within")
    assert found[-1] == "319.654"


@pytest.mark.parametrize("engine", ["lme4", "numpy"])
def test_a_fit_within_its_time_is_the_same_fit(engine):
    data = pylme.datasets.load("sleepstudy")
    formula = "Reaction ~ Days + (Days | Subject)"
    limited = pylme.lmer(formula, data, engine=engine, timeout=300)
    assert limited.criterion == pylme.lmer(formula, data, engine=engine).criterion


@pytest.mark.parametrize("engine", ["lme4", "numpy"])
def test_a_limit_that_nothing_could_meet(engine):
    data = pylme.datasets.load("sleepstudy")
    with pytest.raises(FitTimeoutError, match="timeout=1e-09"):
        pylme.lmer("Reaction ~ Days + (Days | Subject)", data, engine=engine, timeout=1e-9)
    with pytest.raises(TimeoutError):
        pylme.lmer("Reaction ~ Days + (Days | Subject)", data, engine=engine, timeout=1e-9)
    pylme.lmer("Reaction ~ Days + (Days | Subject)", data, engine=engine)


@pytest.mark.parametrize("timeout", [0, -1, "5", float("nan"), True, [1]])
def test_a_limit_is_a_positive_number(timeout):
    data = pylme.datasets.load("dyestuff")
    cbpp = pylme.datasets.load("cbpp")
    with pytest.raises(OptionError, match="timeout"):
        pylme.lmer("Yield ~ 1 + (1 | Batch)", data, timeout=timeout)
    for function in (pylme.glmer, pylme.glmer_nb):
        with pytest.raises(OptionError, match="timeout"):
            function("incidence ~ period + (1 | herd)", cbpp, timeout=timeout)


def test_the_users_handlers_stay(monkeypatch):
    """Every handler of a signal is in place again after a call, and runs during one."""

    def mine(*_):
        raise AssertionError

    for number in (signal.SIGINT, signal.SIGUSR1):
        before = signal.signal(number, mine)
        try:
            pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
            assert signal.getsignal(number) is mine
        finally:
            signal.signal(number, before)


def test_many_interrupts_do_not_fill_what_they_are_written_to():
    """Of the other threads: a full pipe must not block the handler."""
    from concurrent.futures import ThreadPoolExecutor

    from pylme.lme4.interrupt import stoppable
    from pylme.lme4.session import session

    def many():
        with stoppable(session()._rlib, session()._callbacks):
            for _ in range(500):
                os.kill(os.getpid(), signal.SIGINT)
                # Signals that nobody has received yet are one.
                time.sleep(0.002)

    def asks_to_stop(*_):
        pass

    asks_to_stop.__module__ = "asyncio"
    session()
    before = signal.signal(signal.SIGINT, asks_to_stop)
    try:
        with ThreadPoolExecutor(1) as pool:
            error = pool.submit(many).exception(timeout=60)
    finally:
        signal.signal(signal.SIGINT, before)
    assert isinstance(error, KeyboardInterrupt)
