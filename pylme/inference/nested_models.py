"""Whether a model contains a smaller one, and by which parameters it is larger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import OptionError
from pylme.inference.likelihood_ratio import Difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["difference_of"]

#: The largest part of a column, relative to its norm, that may lie outside the span of others.
_OUTSIDE: Final = 1e-8


def difference_of(larger: ModelMatrices, smaller: ModelMatrices) -> Difference:
    """The parameters that a model has in addition to those of a smaller one.

    Parameters
    ----------
    larger, smaller : ModelMatrices
        Of the same data. The smaller one may have no random effects.

    Raises
    ------
    OptionError
        If the models are not fitted to the same rows, one does not contain the other, or they are
        the same.
    """
    _require_same_rows(larger, smaller)
    _require_span("fixed effects", smaller.X, larger.X)
    for group in dict.fromkeys(term.group for term in smaller.terms):
        _require_span(
            f"random effects of {group}", _columns(smaller, group), _columns(larger, group)
        )
    sizes = [[len(term.names) for term in design.terms] for design in (larger, smaller)]
    effects = sum(sizes[0]) - sum(sizes[1])
    thetas = [sum(k * (k + 1) // 2 for k in of_model) for of_model in sizes]
    difference = Difference(
        fixed=larger.p - smaller.p, effects=effects, thetas=thetas[0] - thetas[1]
    )
    # Each additional random effect brings at least one variance. If there are fewer additional
    # parameters than that, a covariance of the smaller model is missing in the larger one.
    if difference.df < 1 or difference.thetas < effects:
        raise OptionError(
            option="null", value=smaller.formula, allowed="a model with fewer parameters"
        )
    return difference


def _columns(design: ModelMatrices, group: str) -> NDArray[np.float64]:
    own = [term.columns for term in design.terms if term.group == group]
    return np.hstack([np.empty((design.n, 0)), *own])


def _require_same_rows(larger: ModelMatrices, smaller: ModelMatrices) -> None:
    every = np.ones(larger.rows.n_given, dtype=bool)
    kept = [every if rows.kept is None else rows.kept for rows in (larger.rows, smaller.rows)]
    if (kept[0] != kept[1]).any():
        raise OptionError(
            option="null",
            value=f"{smaller.formula}, fitted to {smaller.n} rows",
            allowed=f"a model of the {larger.n} rows of {larger.formula}: leave out those with "
            "missing values first",
        )


def _require_span(what: str, columns: NDArray[np.float64], others: NDArray[np.float64]) -> None:
    Q = np.linalg.qr(others)[0] if others.shape[1] else np.empty((len(others), 0))
    left = np.linalg.norm(columns - Q @ (Q.T @ columns), axis=0)
    if (left > _OUTSIDE * np.linalg.norm(columns, axis=0)).any():
        raise OptionError(
            option="null",
            value=f"a model with {what} that the larger one does not have",
            allowed="a model that the larger one contains",
        )
