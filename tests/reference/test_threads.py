"""One BLAS thread for a fit, and as many as before when the last fit has ended."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import threadpoolctl

from pylme.reference.threads import LARGE, _libraries, one_thread, threads_for


def numbers():
    """Of the libraries that the limit knows; that of an R started later is none of them."""
    return [library.get_num_threads() for library in _libraries()]


@pytest.fixture
def three():
    """Three threads, whatever the machine has."""
    with one_thread():
        pass
    before = threadpoolctl.threadpool_limits(3, user_api="blas")
    for library in threadpoolctl.ThreadpoolController().lib_controllers:
        # From threadpoolctl 3.8 on, this thread would be the only one to set them.
        getattr(library, "clear_controlling_thread", bool)()
    usual = numbers()
    assert set(usual) == {3}
    yield usual
    before.restore_original_limits()


def test_the_limit_holds_within_and_ends_after(three):
    with one_thread():
        assert set(numbers()) == {1}
        with one_thread():
            assert set(numbers()) == {1}
        assert set(numbers()) == {1}
    assert numbers() == three


def test_limits_of_the_user_stay(three):
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        for _ in range(2):
            with one_thread():
                assert set(numbers()) == {1}
            assert set(numbers()) == {2}
            # Elsewhere the user's limit is in force, as threadpoolctl has it from 3.8 on, or ours.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(one_fit).result()
            assert set(numbers()) == {2}
    assert numbers() == three


def one_fit():
    with one_thread():
        pass


def test_it_ends_with_an_error(three):
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert numbers() == three


def test_a_large_product_has_all_threads(three):
    with one_thread():
        with threads_for(2 * LARGE):
            assert numbers() == three
        with threads_for(0.5 * LARGE):
            assert set(numbers()) == {1}
        assert set(numbers()) == {1}
    with threads_for(2 * LARGE):
        assert numbers() == three
    assert numbers() == three


def test_the_last_of_overlapping_fits_takes_the_limit_back(three):
    """The first to begin ends first: set and restored in this order, the limit would stay."""
    second_began, first_ended = threading.Event(), threading.Event()
    seen = {}

    def first():
        with one_thread():
            assert second_began.wait(20)
            with threads_for(2 * LARGE):
                seen["large, beside another"] = numbers()
        first_ended.set()

    def second():
        with one_thread():
            second_began.set()
            assert first_ended.wait(20)
            seen["after the first"] = numbers()
            with threads_for(2 * LARGE):
                seen["large, alone"] = numbers()

    with ThreadPoolExecutor(2) as pool:
        began = pool.submit(first)
        pool.submit(second).result()
        began.result()
    assert set(seen["large, beside another"]) == {1}
    assert set(seen["after the first"]) == {1}
    assert seen["large, alone"] == three
    assert numbers() == three


def test_many_threads_leave_nothing_behind(three):
    def work(i):
        with one_thread(), threads_for(2 * LARGE if i % 3 else 0):
            if i % 7 == 0:
                raise ZeroDivisionError

    with ThreadPoolExecutor(16) as pool:
        done = [pool.submit(work, i) for i in range(400)]
    failed = sum(each.exception() is not None for each in done)
    assert failed == sum(i % 7 == 0 for i in range(400))
    assert numbers() == three


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_the_fits_of_its_parent(three):
    release, held = threading.Event(), threading.Event()

    def hold():
        with one_thread():
            held.set()
            release.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(20)
    child = os.fork()
    if child == 0:
        before = numbers()
        with one_thread():
            within = numbers()
        right = before == three == numbers() and set(within) == {1}
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    release.set()
    thread.join()
    assert numbers() == three
