"""Each message has a trigger, its class and its words, and what it says to do works."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pylme import errors

from .of_data import CASES as OF_DATA
from .of_failures import CASES as OF_FAILURES
from .of_fits import CASES as OF_FITS
from .of_formulas import CASES as OF_FORMULAS
from .of_studies import CASES as OF_STUDIES

if TYPE_CHECKING:
    from .case import Case

ROOT = Path(__file__).parent.parent.parent
#: Messages without a trigger here, by the keys of `message_sites`. A new message has one, or this
#: test fails; to write the file anew: python -m tests.catalogue.test_messages
WITHOUT = Path(__file__).parent / "without_trigger.txt"
CASES: dict[str, Case] = {
    f"{room}: {name}": case
    for room, cases in (
        ("formulas", OF_FORMULAS),
        ("data", OF_DATA),
        ("fits", OF_FITS),
        ("failures", OF_FAILURES),
        ("studies", OF_STUDIES),
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


def _recording(cls: type, *args: object, **_: object) -> Any:
    """Make an error or warning, and note the place in the sources that asks for it."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.endswith("errors.py"):
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    if path.is_relative_to(SITES.SOURCES):
        _MADE.add((path.relative_to(SITES.SOURCES).as_posix(), frame.f_lineno))
    # OSError insists on its own.
    return (OSError if issubclass(cls, OSError) else BaseException).__new__(cls, *args)


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
        patched.setattr(errors._Told, "__new__", _recording, raising=False)
        found = _trigger(CASES[name])
    _RAN.add(name)
    return found


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.needs_r] if c.needs_r else []) for n, c in CASES.items()],
)
def test_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
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
            case.remedy()


def _untriggered() -> list[str]:
    return sorted(
        site.key
        for site in SITES.sites()
        if not any(
            module == site.module and site.first <= line <= site.last for module, line in _MADE
        )
    )


@pytest.mark.needs_r
def test_each_message_in_the_sources_has_a_trigger_or_is_listed() -> None:
    """Runs last: it reads what the triggers above have made."""
    if len(_RAN) < len(CASES):
        pytest.skip("only some of the triggers ran")
    listed = set(WITHOUT.read_text(encoding="utf-8").splitlines())
    new = [key for key in _untriggered() if key not in listed]
    assert not new, f"write a trigger in tests/catalogue for: {new}"


if __name__ == "__main__":
    patch = pytest.MonkeyPatch()
    for each in CASES:
        try:
            _run(each, patch)
        except (errors.PylmeError, AssertionError) as error:
            print(f"{each}: {error!r}")
    WITHOUT.write_text("\n".join(_untriggered()) + "\n", encoding="utf-8")
    print(f"{len(_untriggered())} of {len(SITES.sites())} messages have no trigger")
