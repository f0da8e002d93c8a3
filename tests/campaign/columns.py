"""Columns of model matrices from effects as a formula names them, by R's rules of coding.

An effect is a tuple of variables, () being the intercept. A factor's levels are its labels in
alphabetical order; its first level is left out where the effect without the factor is present.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .model import Term

__all__ = ["Effect", "codes_of", "matrix", "ordered", "text"]

Effect = tuple[str, ...]


def text(effects: Sequence[Effect]) -> str:
    """The effects as a formula writes them."""
    parts = [":".join(effect) for effect in effects if effect]
    if () not in effects:
        return " + ".join(["0", *parts])
    return " + ".join(parts or ["1"])


def matrix(effects: Sequence[Effect], data: dict[str, NDArray]) -> NDArray[np.float64]:
    """The columns of all effects, those of fewer variables first, shape (n, p)."""
    n = len(data["y"])
    by_order = sorted(effects, key=len)
    parts = [_effect(effect, by_order, data) for effect in by_order]
    return np.hstack([np.empty((n, 0)), *parts])


def _effect(
    effect: Effect, effects: Sequence[Effect], data: dict[str, NDArray]
) -> NDArray[np.float64]:
    made = np.ones((len(data["y"]), 1))
    for variable in effect:
        values = data[variable]
        if values.dtype.kind in "fi":
            made = made * values[:, None]
            continue
        without = tuple(other for other in effect if other != variable)
        present = without in effects
        # Without an intercept R codes the first factor in full, and only that.
        if without == () and not present:
            earlier = effects[: effects.index(effect)]
            present = any(data[e[0]].dtype.kind not in "fi" for e in earlier if len(e) == 1)
        levels = np.unique(values)[1 if present else 0 :]
        shown = (values[:, None] == levels).astype(np.float64)
        made = (shown[:, :, None] * made[:, None, :]).reshape(len(values), -1)
    return made


def codes_of(group: str, data: dict[str, NDArray]) -> NDArray[np.intp]:
    """The levels of a factor, or of the combinations of several that occur: "g" or "g:h"."""
    first, *others = group.split(":")
    joined = data[first].astype(str)
    for name in others:
        joined = np.char.add(np.char.add(joined, ":"), data[name].astype(str))
    return np.unique(joined, return_inverse=True)[1].astype(np.intp)


def ordered(terms: Sequence[Term]) -> tuple[Term, ...]:
    """lme4's order: by levels, most first; if anything moves, equal ones change places too."""
    levels = [term.levels for term in terms]
    if all(a >= b for a, b in pairwise(levels)):
        return tuple(terms)
    places = sorted(range(len(terms)), key=lambda place: (levels[place], place), reverse=True)
    return tuple(terms[place] for place in places)
