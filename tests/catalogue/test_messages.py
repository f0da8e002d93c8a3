"""Each message has a trigger, its class and its words, and what it says to do works."""

from __future__ import annotations

import importlib.util
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pylme import errors
from pylme.lme4.causes import Cause
from pylme.versions import has

from .of_commands import CASES as OF_COMMANDS
from .of_drawing import CASES as OF_DRAWING
from .of_failures import CASES as OF_FAILURES
from .of_fits import CASES as OF_FITS
from .of_input.data import CASES as OF_DATA
from .of_input.expressions import CASES as OF_EXPRESSIONS
from .of_input.formulas import CASES as OF_FORMULAS
from .of_input.lazy_data import CASES as OF_LAZY_DATA
from .of_input.names import CASES as OF_NAMES
from .of_input.tables import CASES as OF_TABLES
from .of_input.wrong_types import CASES as OF_TYPES
from .of_notebooks import CASES as OF_NOTEBOOKS
from .of_plots import CASES as OF_PLOTS
from .of_results.inference import CASES as OF_INFERENCE
from .of_results.intervals import CASES as OF_INTERVALS
from .of_results.predictions import CASES as OF_PREDICTIONS
from .of_results.quality import CASES as OF_QUALITY
from .of_results.responses import CASES as OF_RESPONSES
from .of_results.studies import CASES as OF_STUDIES
from .of_saved_fits import CASES as OF_SAVED_FITS
from .of_searches import CASES as OF_SEARCHES
from .of_structures import CASES as OF_STRUCTURES

if TYPE_CHECKING:
    from .case import Case

ROOT = Path(__file__).parent.parent.parent
#: Messages without a trigger here, by the keys of `message_sites`, each with the reason after a
#: colon. A new message has a trigger, or this test fails; to write the file anew, with a question
#: mark where a reason is to be given: python -m tests.catalogue.test_messages
WITHOUT = Path(__file__).parent / "without_trigger.txt"
CASES: dict[str, Case] = {
    f"{room}: {name}": case
    for room, cases in (
        ("formulas", OF_FORMULAS),
        ("expressions", OF_EXPRESSIONS),
        ("data", OF_DATA),
        ("tables", OF_TABLES),
        ("commands", OF_COMMANDS),
        ("fits", OF_FITS),
        ("failures", OF_FAILURES),
        ("searches", OF_SEARCHES),
        ("drawing", OF_DRAWING),
        ("studies", OF_STUDIES),
        ("responses", OF_RESPONSES),
        ("plots", OF_PLOTS),
        ("predictions", OF_PREDICTIONS),
        ("quality", OF_QUALITY),
        ("types", OF_TYPES),
        ("names", OF_NAMES),
        ("saved fits", OF_SAVED_FITS),
        ("inference", OF_INFERENCE),
        ("intervals", OF_INTERVALS),
        ("structures", OF_STRUCTURES),
        ("lazy data", OF_LAZY_DATA),
        ("notebooks", OF_NOTEBOOKS),
    )
    for name, case in cases.items()
}
#: What the triggers made: (file relative to the package, line).
_MADE: set[tuple[str, int]] = set()
_RAN: set[str] = set()


def _message_sites() -> Any:
    path = ROOT / "docs" / "message_sites.py"
    spec = importlib.util.spec_from_file_location("message_sites", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["message_sites"] = module
    spec.loader.exec_module(module)
    return module


SITES = _message_sites()
ALL_SITES = SITES.sites()


def _note() -> None:
    """Note the place in the sources that asks for a message: who calls the caller."""
    frame = sys._getframe(2)
    while frame is not None and Path(frame.f_code.co_filename).parent == SITES.SOURCES / "errors":
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    if path.is_relative_to(SITES.SOURCES):
        _MADE.add((path.relative_to(SITES.SOURCES).as_posix(), frame.f_lineno))


def _recording(initialise: Any) -> Any:
    """`initialise`, which notes who calls it first."""

    def recorded(self: Any, *args: Any, **parts: Any) -> None:
        _note()
        initialise(self, *args, **parts)

    return recorded


def _trigger(case: Case) -> Exception:
    """What a trigger raises, or the warning that it gives."""
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        try:
            case.trigger()
        except errors.PylmeError as error:
            return error
    kind = getattr(errors, case.kind)
    found = [each.message for each in given if isinstance(each.message, kind)]
    assert found, f"no {case.kind} came"
    return found[0]


def _run(name: str, patch: pytest.MonkeyPatch) -> Exception:
    with patch.context() as patched:
        # Never __new__: a class keeps a slot of its own once it had one, and OSError's and
        # MemoryError's subclasses cannot be made any more after that.
        for kind in (errors.PylmeError, errors.PylmeWarning, Cause):
            patched.setattr(kind, "__init__", _recording(kind.__init__))
        found = _trigger(CASES[name])
    _RAN.add(name)
    return found


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.needs_r] if c.needs_r else []) for n, c in CASES.items()],
)
def test_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    if case.until is not None and has(case.until):
        pytest.skip(f"the installed R and lme4 do without: {case.until}")
    found = _run(name, monkeypatch)
    assert isinstance(found, getattr(errors, case.kind)), repr(found)
    assert case.said in str(found)
    if isinstance(found, errors.PylmeError):
        assert found.asked
        assert found.found
        assert found.remedy
    if case.remedy is not None:
        with warnings.catch_warnings():
            # What is remedied is an error; a fit may have warnings of its own.
            warnings.simplefilter("ignore")
            case.remedy(*_written(case, str(found)))


def _written(case: Case, message: str) -> tuple[str, ...]:
    """What the message says to write; empty where the case does not ask for it."""
    if case.parsed is None:
        return ()
    match = re.search(case.parsed, message)
    assert match is not None, f"{case.parsed} is not in: {message}"
    return match.groups()


def _untriggered() -> list[str]:
    return sorted(
        site.key
        for site in ALL_SITES
        if not any(
            module == site.module and site.first <= line <= site.last for module, line in _MADE
        )
    )


def _listed() -> dict[str, str]:
    """The reasons of the messages without a trigger, by key."""
    lines = WITHOUT.read_text(encoding="utf-8").splitlines()
    return {key: reason.strip() for key, _, reason in (line.partition(":") for line in lines)}


@pytest.mark.needs_r
def test_each_message_in_the_sources_has_a_trigger_or_is_listed() -> None:
    """Runs last: it reads what the triggers above have made."""
    if len(_RAN) < len(CASES):
        pytest.skip("only some of the triggers ran")
    untriggered = set(_untriggered())
    new = sorted(untriggered - _listed().keys())
    assert not new, f"write a trigger in tests/catalogue for: {new}"
    old = sorted(_listed().keys() - untriggered)
    assert not old, f"these have a trigger: take them from the list: {old}"


def test_what_is_listed_exists_and_has_a_reason() -> None:
    keys = {site.key for site in ALL_SITES}
    for key, reason in _listed().items():
        assert key in keys, f"there is no message {key}: take it from the list"
        assert len(reason.split()) >= 4, f"no reason is given for {key}"


if __name__ == "__main__":
    patch = pytest.MonkeyPatch()
    for each in CASES:
        try:
            _run(each, patch)
        except (errors.PylmeError, AssertionError) as error:
            print(f"{each}: {error!r}")
    reasons = _listed()
    lines = [f"{key}: {reasons.get(key) or '?'}" for key in _untriggered()]
    WITHOUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} of {len(ALL_SITES)} messages have no trigger")
