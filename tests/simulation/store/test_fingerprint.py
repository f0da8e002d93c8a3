"""Hashes of functions: the same for the same work, in every process, and no other."""

from __future__ import annotations

import functools
import importlib
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.simulation.store.fingerprint import fingerprint

ROOT = Path(__file__).parents[3]
LOCK = threading.Lock()
SETTING = {"shift": 0, "names": {"b", "a"}}


def make(value):
    def function(rng):
        return value, rng

    return function


class Own:
    factor = 2

    def __init__(self, value):
        self.value = value

    def __call__(self, rng):
        return self.inner(rng) * self.factor

    def inner(self, rng):
        return self.value, rng

    @functools.cached_property
    def computed(self):
        return self.value


def uses_setting(rng):
    with LOCK:
        return [SETTING["shift"] for _ in rng]


def uses_a_function(rng):
    return uses_setting(rng)


def calls_itself(n):
    return calls_itself(n - 1) if n else uses_a_function


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (make(1), make(2)),
        (make(1), make(1.0)),
        (make([1, 2]), make((1, 2))),
        (make(b"a"), make("a")),
        (make({"a": 1}), make({"a": 2})),
        (make(np.arange(3)), make(np.arange(3.0))),
        (make(np.ma.array([1, 2], mask=[0, 1])), make(np.ma.array([1, 2], mask=[1, 0]))),
        (make(pd.DataFrame({"a": [1]})), make(pd.DataFrame({"b": [1]}))),
        (make(pd.DataFrame({"a": ["u"]})), make(pd.DataFrame({"a": ["v"]}))),
        (make(pd.Categorical(["a", "b"])), make(pd.Categorical(["a", "b"], ["b", "a"]))),
        (make(make(1)), make(make(2))),
        (make(np.mean), make(np.median)),
        (make(np.random.default_rng(1)), make(np.random.default_rng(2))),
        (Own(1), Own(2)),
        (Own(1).inner, Own(2).inner),
        (functools.partial(make, 1), functools.partial(make, 2)),
        (functools.partial(make, value=1), functools.partial(make, value=2)),
        (lambda rng, value=1: rng * value, lambda rng, value=2: rng * value),
        (lambda rng, *, value=1: rng * value, lambda rng, *, value=2: rng * value),
        (lambda rng: rng + 1, lambda rng: rng + 2),
        (lambda rng: rng + 1, lambda rng: rng - 1),
        (lambda rng: rng.normal(), lambda rng: rng.uniform()),
    ],
)
def test_what_differs_has_another_hash(one, other):
    assert fingerprint(one) == fingerprint(one)
    assert fingerprint(one) != fingerprint(other)


def test_a_global_counts_wherever_it_is_used(monkeypatch):
    before = [fingerprint(f) for f in (uses_setting, uses_a_function, calls_itself)]
    monkeypatch.setitem(SETTING, "shift", 1)
    after = [fingerprint(f) for f in (uses_setting, uses_a_function, calls_itself)]
    assert all(a != b for a, b in zip(before, after, strict=True))
    monkeypatch.setitem(SETTING, "shift", 0)
    assert before == [fingerprint(f) for f in (uses_setting, uses_a_function, calls_itself)]


IMPORTS = """
def of_module(rng):
    import pylme_own
    return pylme_own.SHIFT
def of_name(rng):
    from pylme_own import shift
    return shift()
def of_package(rng):
    from pylme_package import part
    return part.SHIFT
def of_nothing(rng):
    import pylme_not_there, numpy
"""


def test_what_is_imported_within_a_function_counts(tmp_path, monkeypatch):
    """A module of the user's own, edited between two calls; loaded or not, the hash is the same."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "pylme_functions.py").write_text(IMPORTS, encoding="utf-8")
    made = importlib.import_module("pylme_functions")
    functions = [made.of_module, made.of_name, made.of_package, made.of_nothing]
    part = tmp_path / "pylme_package" / "part.py"
    part.parent.mkdir()
    part.with_name("__init__.py").touch()

    def hashes(shift):
        text = f"SHIFT = {shift}\ndef shift():\n    return SHIFT\n"
        for path in (part, tmp_path / "pylme_own.py"):
            path.write_text(text, encoding="utf-8")
        for name in ("pylme_own", "pylme_package", "pylme_package.part"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.invalidate_caches()
        before = [fingerprint(f) for f in functions]
        assert [f(None) for f in functions[:3]] == [shift] * 3
        assert [fingerprint(f) for f in functions] == before
        return before

    first, second = hashes(0), hashes(100)
    assert [a == b for a, b in zip(first, second, strict=True)] == [False, False, False, True]
    assert hashes(0) == first


def test_an_attribute_of_a_class_and_its_methods_count(monkeypatch):
    before = fingerprint(Own(1))
    monkeypatch.setattr(Own, "factor", 3)
    assert fingerprint(Own(1)) != before


def test_what_was_computed_on_first_access_does_not_count():
    own, used = Own(1), Own(1)
    assert used.computed == 1
    assert fingerprint(own) == fingerprint(used)
    data = pylme.datasets.load("sleepstudy")
    fit, used = (pylme.lmer("Reaction ~ Days + (1 | Subject)", data, engine="numpy") for _ in "ab")
    str(used.summary())
    assert fingerprint(make(fit)) == fingerprint(make(used))
    other = pylme.lmer("Reaction ~ Days + (1 | Subject)", data[:100], engine="numpy")
    assert fingerprint(make(fit)) != fingerprint(make(other))


def test_what_cannot_be_copied_is_refused():
    with Path(__file__).open(encoding="utf-8") as file, pytest.raises(TypeError, match="pickle"):
        fingerprint(make(file))


#: A script whose functions hold all sorts of things, in a module of its own and in itself.
SCRIPT = """
import functools, dataclasses, enum, numpy as np, pandas as pd, pylme, own_module
from pylme.simulation.store.fingerprint import fingerprint

NAMES = {"one", "two", "three", "four"}
class Kind(enum.Enum):
    A = 1
@dataclasses.dataclass(frozen=True)
class Settings:
    names: frozenset = frozenset({"x", "y", "z"})
    kind: Kind = Kind.A
class Draws:
    def __init__(self, settings):
        self.settings = settings
        self.data = pd.DataFrame({"a": ["u", "v"], "b": pd.Categorical(["q", "r"])})
    def __call__(self, rng):
        return self.data, NAMES, own_module.scaled(rng), helper
def helper(rng, options={"a", "b", "c"}):
    return Draws, pylme.lmer, np.random.default_rng, [x for x in NAMES if x in {"one", "two"}]
@functools.lru_cache
def cached(rng):
    return helper(rng)
print(*map(fingerprint, (Draws(Settings()), helper, cached, lambda rng: (rng, cached))))
"""


@pytest.mark.slow
def test_a_script_that_is_run_again_has_the_same_hashes(tmp_path):
    """Whatever the order of sets, its name, comments, blank lines, and whence modules are read."""
    module = tmp_path / "own_module.py"
    module.write_text("FACTOR = 2\ndef scaled(x):\n    return FACTOR * x\n", encoding="utf-8")
    found = []
    for seed, name, above in ((0, "a.py", ""), (1, "a.py", ""), (2, "b.py", "# new\n\n\n")):
        (tmp_path / name).write_text(above + textwrap.dedent(SCRIPT), encoding="utf-8")
        found.append(printed([name], tmp_path, seed))
    found.append(printed(["-c", SCRIPT], tmp_path, 3))
    assert len(set(found)) == 1
    assert len(set(found[0].split())) == 4
    module.write_text("FACTOR = 3\ndef scaled(x):\n    return FACTOR * x\n", encoding="utf-8")
    os.utime(module, (1, 1))  # Not the same second as before, by which Python knows it is new.
    before, after = found[0].split(), printed(["a.py"], tmp_path, 0).split()
    assert all(a != b for a, b in zip(before, after, strict=True))


def printed(arguments, folder, seed):
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False,
        env={
            **os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "PYTHONHASHSEED": str(seed)
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
