"""R's functions that make factors, and lme4's `dummy()`.

Levels are those of the data that were evaluated first. In other rows, new levels come last, so that
users of the factor can distinguish them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.arrays import locked
from pylme.formula import Call as CallNode
from pylme.formula import Name, String
from pylme.frame import Factor
from pylme.model_matrix.coding import contrast_coding, default_coding
from pylme.model_matrix.evaluation.calls import matched, unnamed
from pylme.model_matrix.evaluation.values import (
    CodedFactor,
    Matrix,
    as_factor,
    factor_on,
    used_levels,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylme.formula import Call
    from pylme.model_matrix.evaluation.calls import Evaluating
    from pylme.model_matrix.evaluation.values import Value

__all__ = ["FACTOR_CALLS"]


def _factor(evaluator: Evaluating, call: Call) -> Value:
    found = matched(call, "x", "levels", "labels", "exclude", "ordered")
    if "exclude" in found:
        raise evaluator.unknown(call, "its argument 'exclude' is not known here")
    given = used_levels(as_factor(evaluator.value(found["x"])))
    if "levels" in found:
        factor = _restricted(given, evaluator.texts(found["levels"]))
    else:
        factor = factor_on(given, evaluator.memory.recall(call, lambda: given.levels))
    if "labels" in found:
        labels = evaluator.texts(found["labels"])
        if len(labels) > len(factor.levels) or len(set(labels)) < len(labels):
            raise evaluator.refusal(call, "there must be one label, all different, for each level")
        levels = labels + factor.levels[len(labels) :]
        factor = replace(factor, levels=levels, values=levels)
    default = call.function in ("ordered", "as.ordered") or given.ordered
    return replace(factor, ordered=evaluator.flag(found.get("ordered"), default=default))


def _restricted(factor: Factor, levels: tuple[str, ...]) -> Factor:
    """The factor restricted to these levels; other values are missing."""
    placed = factor_on(factor, levels)
    codes = np.where(placed.codes < len(levels), placed.codes, np.int32(-1))
    return Factor(codes=locked(codes), levels=levels, values=levels, ordered=factor.ordered)


def _as_factor(evaluator: Evaluating, call: Call) -> Value:
    factor = evaluator.factor(call, matched(call, "x")["x"])
    return replace(factor, ordered=True) if call.function == "as.ordered" else factor


def _droplevels(evaluator: Evaluating, call: Call) -> Value:
    factor = used_levels(as_factor(evaluator.value(matched(call, "x")["x"])))
    return factor_on(factor, evaluator.memory.recall(call, lambda: factor.levels))


def _relevel(evaluator: Evaluating, call: Call) -> Value:
    found = matched(call, "x", "ref", needed=2)
    factor = as_factor(evaluator.value(found["x"]))

    def learn() -> tuple[str, ...]:
        (reference,) = evaluator.texts(found["ref"])
        if reference not in factor.levels:
            raise evaluator.refusal(call, f"there is no level {reference!r}")
        return (reference, *(level for level in factor.levels if level != reference))

    return factor_on(factor, evaluator.memory.recall(call, learn))


def _interaction(evaluator: Evaluating, call: Call) -> Value:
    """Levels joined by dots, the first factor's varying fastest; those that occur."""
    factors = [as_factor(evaluator.value(part)) for part in unnamed(call)]
    codes = np.zeros(len(factors[0].codes), dtype=np.int64)
    levels = [""]
    for place, factor in enumerate(factors):
        codes = codes + len(levels) * factor.codes if place else factor.codes.astype(np.int64)
        old = levels if place else None
        levels = (
            list(factor.levels)
            if old is None
            else [f"{before}.{level}" for level in factor.levels for before in old]
        )
    for factor in factors:
        codes[factor.codes < 0] = -1
    made = Factor(codes=locked(codes.astype(np.int32)), levels=tuple(levels), values=tuple(levels))
    used = used_levels(made)
    return factor_on(used, evaluator.memory.recall(call, lambda: used.levels))


def _dummy(evaluator: Evaluating, call: Call) -> Value:
    """Indicators of levels: of those named, or of all but the first."""
    found = matched(call, "f", "levelsToKeep")
    factor = evaluator.factor(call, found["f"])
    known = evaluator.memory.recall(call, lambda: factor.levels)
    kept = evaluator.texts(found["levelsToKeep"]) if "levelsToKeep" in found else known[1:]
    for level in kept:
        if level not in known:
            raise evaluator.refusal(call, f"there is no level {level!r} in {', '.join(known)}")
    columns = [(factor.codes == known.index(level)).astype(np.float64) for level in kept]
    return Matrix(values=np.column_stack(columns), names=kept if len(kept) > 1 else None)


def _coded(evaluator: Evaluating, call: Call) -> Value:
    """``C()`` with a contrast function by name, and the base of treatment contrasts."""
    found = matched(call, "object", "contr", "how.many", "base")
    factor = evaluator.factor(call, found["object"])
    contrast = found.get("contr")
    base = int(evaluator.number(found["base"])) - 1 if "base" in found else None
    match contrast:
        case None if base is None and "how.many" not in found:
            levels = evaluator.memory.recall(call, lambda: factor.levels)
            coding = default_coding(replace(factor, levels=levels, values=levels))
            return CodedFactor(factor=factor, coding=coding)
        case Name(name=name) | String(value=name) if "how.many" not in found:
            levels = evaluator.memory.recall(call, lambda: factor.levels)
            return CodedFactor(factor=factor, coding=contrast_coding(name, levels, base=base))
        case CallNode():
            raise evaluator.unknown(call, "contrasts are named here, not called")
    raise evaluator.unknown(call, "contrasts are given by name alone here")


FACTOR_CALLS: Final[dict[str, Callable[[Evaluating, Call], Value]]] = {
    "factor": _factor,
    "ordered": _factor,
    "as.factor": _as_factor,
    "as.ordered": _as_factor,
    "droplevels": _droplevels,
    "relevel": _relevel,
    "interaction": _interaction,
    "dummy": _dummy,
    "C": _coded,
}
