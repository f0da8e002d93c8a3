"""The functions that a formula calls, looked up in R before R evaluates the formula."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from pylme.errors import FormulaError, pointed_at
from pylme.formula import FUNCTIONS, Binary, Call, walk
from pylme.formula.allow import RUN_CODE
from pylme.lme4.session import session
from pylme.text import nearest

if TYPE_CHECKING:
    from pylme.formula import Formula

__all__ = ["require_functions"]

#: These need no search: R, stats, splines and lme4 have them all.
_KNOWN: Final = frozenset(chain.from_iterable(FUNCTIONS.values()))


def require_functions(formula: Formula) -> None:
    """Raise for a function that `allow_function` let in and that R does not have.

    Parameters
    ----------
    formula : Formula

    Raises
    ------
    FormulaError
        With the nearest names that R has, and a caret at the call.
    """
    places = _added(formula)
    if not places:
        return
    answer = session().call("missing_functions", list(places))
    missing = [name for name in places if name in answer["missing"]]
    if not missing:
        return
    name, known = missing[0], answer["known"]
    near = " or ".join(repr(each) for each in nearest(name, set(known) - RUN_CODE))
    raise FormulaError(
        asked="Looking up in R the functions that the formula calls",
        found=f"R has no function {name!r}: not in base, stats, splines or lme4, and not in its "
        f"global environment\n{pointed_at(formula.text, *places[name])}",
        remedy=(f"Did you mean {near}? " if near else "")
        + "Compute the column in Python and name it in the formula, or define the function in R's "
        "global environment.",
    )


def _added(formula: Formula) -> dict[str, tuple[int, int]]:
    """What the formula calls that is not on the list, and where it does so first."""
    added: dict[str, tuple[int, int]] = {}
    for node in chain(walk(formula.response), walk(formula.right)):
        match node:
            case Call(function=name, span=(start, _)) if name not in _KNOWN:
                added.setdefault(name, (start, start + len(name)))
            case Binary(operator=name, at=(start, _)) if name.startswith("%"):
                added.setdefault(name, (start, start + len(name)))
    return added
