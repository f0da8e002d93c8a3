"""R's vectors as Python values: what they are, and that reading them costs Python nothing."""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest

import pylme
from tests.tolerances import HANGS

pytestmark = pytest.mark.needs_r

TIMES = 20

OPERATIONS = {
    "repr": repr,
    "html": lambda fit: fit._repr_html_(),
    "json": lambda fit: pylme.from_json(fit.to_json()),
    "pickle": lambda fit: pickle.loads(pickle.dumps(fit)).fixef,
    "summary": lambda fit: str(fit.summary()),
    "tidy": lambda fit: fit.tidy(),
    "glance": lambda fit: fit.glance(),
    "model_frame": lambda fit: fit.model_frame(),
    "augment": lambda fit: fit.augment(),
    "residuals_of": lambda fit: fit.residuals_of("scaled"),
    "is_singular": lambda fit: fit.is_singular(),
    "refit_from": lambda fit: fit.refit_from(fit.theta).fixef,
    "cross_check": lambda fit: str(fit.cross_check()),
    "simulation by R": lambda fit: fit.simulator(rng="R").draw(2, seed=1),
    "bootstrap": lambda fit: fit.bootstrap(2, seed=1, n_jobs=1),
    **{
        f"getme {name}": lambda fit, name=name: fit.getme(name)
        for name in ("X", "Zt", "L", "Lambdat", "flist", "devcomp", "cnms", "Gp")
    },
    "devfun": lambda fit: fit.getme("devfun")(fit.theta),
}
#: All that a fit shows by a plain name.
PROPERTIES = [
    name
    for name in dir(pylme.Fit)
    if not name.startswith("_") and not callable(getattr(pylme.Fit, name))
]


@pytest.fixture(scope="module")
def fit():
    data = pylme.datasets.load("sleepstudy")
    return pylme.lmer("Reaction ~ Days + (Days | Subject)", data)


def again(fit) -> pylme.Fit:
    """The fit without what it remembers of earlier questions."""
    return pylme.Fit(fit._model)


def lost(action, fit) -> int:
    """References to None that an action gives away in so many times; it may keep some at first."""
    for _ in range(3):
        action(again(fit))
    gc.collect()
    before = sys.getrefcount(None)
    for _ in range(TIMES):
        action(again(fit))
    gc.collect()
    return before - sys.getrefcount(None)


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_property_gives_away_no_reference_to_none(name, fit):
    assert lost(lambda fit: getattr(fit, name), fit) < TIMES / 2


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_gives_away_no_reference_to_none(name, fit):
    assert lost(OPERATIONS[name], fit) < TIMES / 2


@pytest.mark.slow
def test_hundreds_of_fits_give_away_no_reference_to_none():
    """Five references to None a fit, given away, would end Python 3.11 after some 1,900 fits."""
    code = """
        import gc, sys, pylme
        data = pylme.datasets.load("dyestuff")
        def look():
            fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", data)
            return fit.fixef, fit.varcorr, fit.convergence
        look()
        gc.collect()
        before = sys.getrefcount(None)
        for _ in range(400):
            look()
        gc.collect()
        print(before - sys.getrefcount(None))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100


@pytest.mark.slow
def test_a_process_lives_through_many_fits():
    """Of the references to None that Python starts with, all but a few are taken away first."""
    code = """
        import ctypes, os, sys, pylme
        data = pylme.datasets.load("dyestuff")
        def look():
            fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", data)
            return fit.fixef, fit.varcorr, fit.convergence
        look()
        for _ in range(sys.getrefcount(None) - 1000):
            ctypes.pythonapi.Py_DecRef(ctypes.py_object(None))
        before = sys.getrefcount(None)
        for _ in range(60):
            look()
        print(before - sys.getrefcount(None), flush=True)
        os._exit(0)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 50


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("numeric(0)", np.empty(0)),
        ("integer(0)", np.empty(0, np.int32)),
        ("c(1, NA, Inf)", np.array([1, np.nan, np.inf])),
        ("c(1L, NA)", np.array([1, np.nan])),
        ("1:4", np.array([1, 2, 3, 4], np.int32)),
        ("matrix(1:6, 2)", np.array([[1, 3, 5], [2, 4, 6]], np.int32)),
        ("matrix(1:6 / 2, 2)", np.array([[0.5, 1.5, 2.5], [1.0, 2.0, 3.0]])),
        ("array(1:24 + 0, c(2, 3, 4))", np.arange(1.0, 25).reshape((2, 3, 4), order="F")),
        ("matrix(0, 0, 3)", np.empty((0, 3))),
        ("matrix(7)", np.array([[7.0]])),
        ("array(7, 1)", np.array([7.0])),
    ],
)
def test_numbers_arrive_in_their_shape(code, value):
    found = read(code)
    np.testing.assert_array_equal(found, value)
    assert (found.shape, found.dtype) == (value.shape, value.dtype)


@pytest.mark.parametrize(
    ("code", "value"),
    [("1.5", 1.5), ("2L", 2), ("NA_integer_", None), ("as.raw(c(0, 255))", b"\x00\xff"),
     ("raw(0)", b""), ("c(TRUE, NA)", (True, None)), ("c(a = 'x')", "x")],
)  # fmt: skip
def test_single_values_and_tuples(code, value):
    assert read(code) == value


def test_an_array_from_r_is_a_copy():
    from rpy2 import rinterface as ri

    from pylme.lme4.from_r import from_r

    sexp = ri.evalr("c(1, 2, 3)")
    from_r(sexp)[0] = 9.0
    np.testing.assert_array_equal(from_r(sexp), [1, 2, 3])


def test_a_factor_keeps_its_levels_and_their_order():
    expected = pd.Categorical(["b", None, "a"], categories=["b", "a"], ordered=True)
    found = read("factor(c('b', NA, 'a'), c('b', 'a'), ordered = TRUE)")
    assert list(found.categories) == ["b", "a"]
    assert found.ordered
    np.testing.assert_array_equal(found.codes, expected.codes)


def read(code):
    from rpy2 import rinterface as ri

    from pylme.lme4.from_r import from_r
    from pylme.lme4.session import session

    session()
    return from_r(ri.evalr(code))
