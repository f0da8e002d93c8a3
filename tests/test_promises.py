"""What the design promises of the package as a whole."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pylme

ROOT = Path(__file__).parents[1]
#: Heavy, or not to be started before it is needed.
LATE = (
    "rpy2", "pandas", "matplotlib", "scipy", "polars", "pyarrow", "cyclopts", "joblib", "tqdm",
    "altair",
)  # fmt: skip


def fresh(code):
    """What code prints in a new interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout


def test_importing_pylme_is_quick():
    timed = "import time; t = time.perf_counter(); import pylme; print(time.perf_counter() - t)"
    # The least of several: what else the machine does can only add to it.
    assert min(float(fresh(timed)) for _ in range(5)) < 0.15


def test_importing_pylme_loads_nothing_heavy():
    code = f"import sys, pylme; print([n for n in {LATE} if n in sys.modules])"
    assert fresh(code).strip() == "[]"


def test_fitting_is_what_starts_r():
    code = (
        "import sys, pylme; pylme.datasets.load('cbpp'); pylme.lmer, pylme.Fit, pylme.doctor; "
        "print('rpy2' in sys.modules)"
    )
    assert fresh(code).strip() == "False"


@pytest.mark.parametrize("name", pylme.__all__)
def test_every_public_name_is_there(name):
    assert getattr(pylme, name) is not None


def test_the_class_of_fits_loads_neither_the_other_engine_nor_what_comes_after_the_fit():
    code = (
        "import sys, pylme.fit; "
        "print([n for n in ('pylme.reference', 'pylme.inference.kernels', 'scipy.stats') "
        "if n in sys.modules])"
    )
    assert fresh(code).strip() == "[]"


def test_the_rooms_import_as_the_design_says():
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("required", "outcome"), [(None, "1 skipped"), ("1", "1 error")])
def test_a_missing_r_skips_tests_or_fails_them(required, outcome, tmp_path):
    variables = {"PATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    if required is not None:
        variables["PYLME_REQUIRE_R"] = required
    for name in ("HOME", "SYSTEMROOT"):
        if name in os.environ:
            variables[name] = os.environ[name]
    of_r = "tests/lme4/process/test_session.py::test_the_users_console_callbacks_are_put_back"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", of_r],
        cwd=ROOT, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert outcome in done.stdout.splitlines()[-1], done.stdout + done.stderr
    assert "R was not found" in done.stdout
    assert done.returncode == (0 if required is None else 1)


def test_no_library_code_changes_the_filters_of_warnings():
    """They belong to all threads of the process; the command line has one."""
    change = re.compile(r"\b(catch_warnings|simplefilter|filterwarnings|resetwarnings)\b *\(")
    package = ROOT / "pylme"
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in package.rglob("*.py")
        if package / "cli" not in path.parents
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if change.search(line)
    ]
    assert found == []


def test_the_rooms_are_plain_modules_and_sent_by_their_names():
    """cloudpickle takes no module of another class, and so no function that names pylme."""
    code = (
        "import pickle, sys, types, cloudpickle, pylme\n"
        "for name in pylme.__all__: getattr(pylme, name)\n"
        "rooms = {n: m for n, m in sys.modules.items() if n.split('.')[0] == 'pylme'}\n"
        "assert all(type(m) is types.ModuleType for m in rooms.values()), rooms\n"
        "for m in rooms.values(): assert pickle.loads(cloudpickle.dumps(m)) is m\n"
        "print(len(rooms), len(cloudpickle.dumps(pylme)) < 100, callable(pylme.study), "
        "callable(pylme.design))"
    )
    number, *right = fresh(code).split()
    assert int(number) > 100
    assert right == ["True", "True", "True"]


def _modules():
    """The files of the package by the names of their modules."""
    found = {}
    for path in (ROOT / "pylme").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imported(name, path, modules):
    """The modules that a file imports, for types too and within functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                within = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
                above = within[: len(within) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            named = {f"{base}.{alias.name}" for alias in node.names}
            found |= {one if one in modules else base for one in named}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return (found & modules.keys()) - {name}


def _circles(graph):
    """Sets of modules each of which leads to all the others (Tarjan, 1972)."""
    number, lowest, waiting, circles = {}, {}, [], []

    def visit(module):
        number[module] = lowest[module] = len(number)
        waiting.append(module)
        for other in graph[module]:
            if other not in number:
                visit(other)
            if other in waiting:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == number[module]:
            at = waiting.index(module)
            circle = waiting[at:]
            del waiting[at:]
            if len(circle) > 1:
                circles.append(sorted(circle))

    for module in graph:
        if module not in number:
            visit(module)
    return circles


def test_no_files_import_each_other_in_a_circle():
    modules = _modules()
    graph = {name: _imported(name, path, modules) for name, path in modules.items()}
    assert _circles(graph) == []


def test_a_circle_is_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}
    assert _circles(graph) == [["a", "b", "c"]]
