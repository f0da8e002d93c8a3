"""A model with its data, and the matrices that the campaign writes down for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Model", "Term"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Term:
    """A random-effects term with one unstructured covariance matrix.

    Attributes
    ----------
    group : str
        The grouping factor in the formula's words.
    columns : ndarray, shape (n, k)
        Values of the effects in each row.
    codes : ndarray of int, shape (n,)
        The level of each row, from 0 and without gaps.
    """

    group: str
    columns: NDArray[np.float64]
    codes: NDArray[np.intp]

    @property
    def k(self) -> int:
        """Effects per level."""
        return self.columns.shape[1]

    @property
    def levels(self) -> int:
        """Levels that occur."""
        return int(self.codes.max()) + 1

    @property
    def size(self) -> int:
        """Elements of theta."""
        return self.k * (self.k + 1) // 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """What is fitted to what.

    Attributes
    ----------
    seed : int
        Makes the model again.
    kind : str
    formula : str
    data : dict of ndarray
        Columns of n rows; those of text are factors.
    reml : bool
    weights, offset : str or None
        Columns of `data`.
    X : ndarray, shape (n, p)
        All columns of the fixed effects, dependent ones included.
    terms : tuple of Term
        In lme4's order.
    """

    seed: int
    kind: str
    formula: str
    data: dict[str, NDArray]
    reml: bool
    weights: str | None
    offset: str | None
    X: NDArray[np.float64]
    terms: tuple[Term, ...]

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.data["y"])

    def column(self, name: str | None, default: float) -> NDArray[np.float64]:
        """A column of the data, or a constant where the model has none."""
        return np.full(self.n, default) if name is None else self.data[name]

    @property
    def refused(self) -> bool:
        """Whether lme4 takes no such model: one level, or as many effects of a term as rows."""
        return any(t.levels < 2 or t.levels * t.k >= self.n for t in self.terms)

    def reproducer(self) -> str:
        """Python lines that make the data and both fits."""
        columns = ",\n".join(f"    {k}={_literal(v)}" for k, v in self.data.items())
        options = "".join(
            f", {name}={value!r}"
            for name, value in (("weights", self.weights), ("offset", self.offset))
            if value is not None
        )
        return (
            "import warnings; warnings.simplefilter('ignore')\n"
            "import pandas as pd, pylme\n"
            f"d = pd.DataFrame(dict(\n{columns},\n))\n"
            "for e in ('lme4', 'numpy'):\n"
            f"    f = pylme.lmer({self.formula!r}, d, reml={self.reml}{options}, engine=e)\n"
            "    c = f.cross_check()\n"
            "    print(e, f.criterion, f.convergence.status.name, f.theta, c.verdict.name, "
            "'best', c.best, c.theta, c.reason)\n"
        )


def _literal(values: NDArray) -> str:
    return repr(values.tolist())
