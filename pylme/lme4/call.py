"""The call of a fit in R: its arguments, and the checks before R is called."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from pylme.errors import FormulaError, NotAvailableError, StackLimitError
from pylme.errors.message import pointed_at
from pylme.families.family import LINKS
from pylme.formula import (
    FUNCTIONS,
    Binary,
    Call,
    deparse,
    expand,
    model_terms,
    parseable,
    walk,
)
from pylme.formula.allow import RUN_CODE
from pylme.lme4.isolation.choice import session_for_fits
from pylme.lme4.stack import thread_stack
from pylme.model_matrix.build import random_effects_are_zero, zero_effects
from pylme.model_matrix.coding import CONTRASTS, contrast_coding
from pylme.model_matrix.evaluation.values import CodedFactor
from pylme.text import nearest
from pylme.versions import has

if TYPE_CHECKING:
    from pylme.formula import Formula
    from pylme.frame import Frame
    from pylme.lme4.control import Control
    from pylme.model_matrix.spec import ModelSpec
    from pylme.results.engine import FittingFunction

__all__ = ["call_arguments", "require_functions"]

#: Bytes of stack for each part of a formula without which R is not asked. R stops in time where its
#: own recursion is deep, but some of its code in C does not look.
_STACK_A_PART: Final = 1024
#: Functions that need no search: R, stats, splines and lme4 have them all.
_KNOWN: Final = frozenset(chain.from_iterable(FUNCTIONS.values()))


def call_arguments(
    spec: ModelSpec, *, function: FittingFunction, control: Control | None, n_agq: int | None = None
) -> tuple[Any, ...]:
    """The arguments of the call of a fit in R.

    Raises
    ------
    ZeroEffectsError
        If all elements of Z are zero.
    StackLimitError
        If R could overrun the stack of this thread with so long a formula.
    FormulaError
        If R has no function of a name that the formula calls.
    NotAvailableError
        If the installed lme4 has no covariance structures, and the formula names one.
    """
    _require_stack(spec)
    require_functions(spec.formula)
    zero = random_effects_are_zero(spec)
    if zero:
        raise zero_effects(spec)
    _require_structures(spec, session_for_fits().versions["lme4"])
    literals: dict[str, Any] = {}
    if function == "lmer":
        literals["REML"] = spec.reml
    if n_agq is not None:
        literals["nAGQ"] = n_agq
    symbols = {
        "weights": spec.weights,
        "offset": spec.offset,
        "mustart": spec.mustart,
        "etastart": spec.etastart,
    }
    calls: dict[str, Any] = {}
    if spec.family is not None and function != "glmer.nb":
        if spec.family.link == LINKS[spec.family.name][0] and spec.family.name != "gaussian":
            symbols["family"] = spec.family.name
        else:
            calls["family"] = {"fun": spec.family.name, "args": {"link": spec.family.link}}
    if control is not None and (options := control.arguments()):
        fun = "lmerControl" if function == "lmer" else "glmerControl"
        calls["control"] = {"fun": fun, "args": options}
    bound: dict[str, Any] = {}
    if spec.contrasts and spec.contrasts_for == "fixed":
        # R's argument reaches the fixed effects alone.
        bound["contrasts"] = {
            name: CONTRASTS[asked] if isinstance(asked, str) else asked
            for name, asked in spec.contrasts.items()
        }
    if spec.start is not None:
        bound["start"] = spec.start
    arguments = (
        _text(spec.formula),
        spec.formula.functions,
        spec.frame if spec.contrasts_for == "fixed" else _coded(spec),
        {name: column for name, column in symbols.items() if column is not None},
        literals,
        bound,
        calls,
    )
    if zero is None and session_for_fits().call("effects_are_zero", function, *arguments):
        raise zero_effects(spec)
    return arguments


def _require_stack(spec: ModelSpec) -> None:
    stack = thread_stack()
    parts = len(tuple(walk(spec.formula.tree)))
    if stack is not None and parts * _STACK_A_PART > stack[1]:
        raise StackLimitError(
            message="", call=None, asked="Fitting the model with lme4", stack=stack[1]
        )


def _text(formula: Formula) -> str:
    """The formula for R: as written, except for a double bar at which lme4 would stop.

    lme4 1.1-31 expands ``||`` by pasting text, which fails for an intercept only and for names
    that need back-quotes.
    """
    doubled = [bar for bar in formula.bars if bar.double]
    hard = any(
        "`" in deparse(bar.effects) + deparse(bar.group) or not model_terms(bar.effects).terms
        for bar in doubled
    )
    return parseable((expand(formula) if hard else formula).tree)


def _require_structures(spec: ModelSpec, version: str) -> None:
    structures = [bar.structure for bar in spec.formula.bars if bar.structure]
    if structures and not has("structures"):
        raise NotAvailableError(
            asked=f"Fitting a term with the covariance structure {structures[0]}()",
            found=f"lme4 {version} is installed, which has no covariance structures",
            remedy="Install lme4 2.0 or newer, or write the term as a plain (effects | group).",
        )


def _coded(spec: ModelSpec) -> Frame:
    """The frame with each coding set on its factor, so that it applies to both parts of a model."""
    columns: dict[str, Any] = dict(spec.frame.columns)
    for name, asked in spec.contrasts.items():
        factor = columns[name]
        columns[name] = CodedFactor(factor=factor, coding=contrast_coding(asked, factor.levels))
    return replace(spec.frame, columns=columns)


def require_functions(formula: Formula) -> None:
    """Raise for a function that `allow_function` has allowed and that R does not have.

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
    answer = session_for_fits().call("missing_functions", list(places))
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
