"""Simulated designs with many levels of which each meets few others, and both ways to fit them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pylme.reference.criterion.crossed_tables import crossed
from pylme.reference.problem.sums import Sums
from tests.reference.models import prepared

if TYPE_CHECKING:
    from pylme.reference.criterion.prepare import Problem

__all__ = ["kept", "pupils", "workers"]


def workers(rows: int, count: int, firms: int, *, near: float | None = None) -> pd.DataFrame:
    """Workers `w` in one to three firms `f`, anywhere or near to each other."""
    rng = np.random.default_rng(7)
    spells = rng.integers(1, 4, size=count)
    w = rng.integers(count, size=rows)
    spell = rng.integers(0, 3, size=rows) % spells[w]
    if near is None:
        table = rng.integers(firms, size=(count, 3))
    else:
        home = rng.integers(firms, size=(count, 1))
        table = (home + np.rint(near * rng.normal(size=(count, 3))).astype(int)) % firms
    return _responses(rng, {"w": w, "f": table[w, spell]}, {"w": 0.8, "f": 0.5})


def pupils(rows: int, count: int, classes: int, schools: int) -> pd.DataFrame:
    """Pupils `p` in classes `c` in schools `s`."""
    rng = np.random.default_rng(8)
    p = rng.integers(count, size=rows)
    c = rng.integers(classes, size=count)[p]
    s = rng.integers(schools, size=classes)[c]
    return _responses(rng, {"p": p, "c": c, "s": s}, {"p": 1.0, "c": 0.8, "s": 0.5})


def _responses(rng, codes, deviations) -> pd.DataFrame:
    rows = len(next(iter(codes.values())))
    x = rng.normal(size=rows)
    y = 1 + 0.5 * x + rng.normal(size=rows)
    columns = {}
    for name, found in codes.items():
        levels, level = np.unique(found, return_inverse=True)
        y += deviations[name] * rng.normal(size=len(levels))[level]
        columns[name] = pd.Categorical.from_codes(level, [f"{name}{i:06d}" for i in levels])
    return pd.DataFrame({"y": y, "x": x, **columns})


def kept(formula, data, storage, **arguments) -> Problem:
    """A model whose remainder is kept in that way."""
    _, _, problem = prepared(formula, data, **arguments)
    criterion = crossed(
        problem.likelihood,
        Sums.of(problem.columns, problem.layout),
        problem.layout,
        storage=storage,
    )
    return replace(problem, criterion=criterion)
