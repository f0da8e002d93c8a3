"""One model fitted to many responses: what `lmer_many` and `glmer_many` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.errors import OptionError, WeightsError
from pylme.responses.result import ManyModels
from pylme.responses.running import estimates_of
from pylme.responses.sources import Columns, matrix_of, open_responses
from pylme.responses.store import ResponseStore, hash_of_model

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.frame.table import DataTable
    from pylme.responses.design import SharedDesign
    from pylme.responses.running import Batches

__all__ = ["fit_responses", "is_matrix", "weights_by_response"]


def fit_responses(
    batches: Batches,
    design: SharedDesign,
    responses: Any,
    *,
    response_names: Sequence[str] | None,
    layer: str | None,
    weights: Any,
    n_jobs: int | None,
    progress: bool,
    store: str | os.PathLike[str] | None,
    options: tuple[Any, ...],
) -> ManyModels:
    """Fit the model of a design to all responses.

    Parameters
    ----------
    batches : Batches
        What fits a block of them.
    design : SharedDesign
    responses : Any
        Of whatever kind `open_responses` knows.
    response_names : sequence of str, optional
    layer : str, optional
    weights : array_like, shape (rows, R), or None
        Weights of each response.
    n_jobs, progress, store
        As `lmer_many`.
    options : tuple
        What the fits depend on beside the design and the responses.
    """
    opened = open_responses(responses, design.table, names=response_names, layer=layer)
    own = None
    if weights is not None:
        own = weights_by_response(weights, design.table, len(opened.names))
    kept = None
    if store is not None:
        kept = ResponseStore(store, hash_of_model(design.matrices, *options))
    matrices = design.matrices
    return ManyModels(
        formula=design.formula,
        responses=opened.names,
        names=matrices.x_names,
        groups=tuple(term.group for term in matrices.terms),
        effects=tuple(term.names for term in matrices.terms),
        terms=_terms(design),
        estimates=estimates_of(
            batches, design, opened, own, n_jobs=n_jobs, progress=progress, store=kept
        ),
        reml=design.reml,
        library=matrices.rows.library,
    )


def is_matrix(weights: object) -> bool:
    """Whether weights are a matrix, with a column for each response."""
    return getattr(weights, "ndim", 0) == 2 or len(getattr(weights, "shape", ())) == 2


def weights_by_response(weights: Any, table: DataTable, count: int) -> Columns:
    """Weights of each response, checked as they are read.

    Raises
    ------
    OptionError
        If they have not the shape of the responses.
    """
    values = weights
    if not isinstance(values, np.ndarray):
        values = open_responses(weights, table)
    found = values if isinstance(values, Columns) else matrix_of("weights", values, table)
    if len(found.names) != count:
        raise OptionError(
            option="weights", value=f"a matrix of {len(found.names)} columns",
            allowed=f"one of {count} columns, one for each response, or a weight for each row",
        )  # fmt: skip

    def take(first: int, stop: int) -> NDArray[np.float64]:
        block = found.take(first, stop)
        # A missing value of a response may have no weight.
        if (block <= 0).any() or np.isinf(block).any():
            r = int(np.flatnonzero(((block <= 0) | np.isinf(block)).any(axis=0))[0])
            raise WeightsError(found=f"a weight of response {first + r + 1} is not positive")
        return block

    return Columns(names=found.names, take=take)


def _terms(design: SharedDesign) -> dict[str, tuple[int, ...]]:
    """The coefficients of each term of the fixed effects."""
    matrices = design.matrices
    assign = np.array(matrices.assign)
    return {
        label: tuple(np.flatnonzero(assign == t + 1).tolist())
        for t, label in enumerate(matrices.recipe.terms.fixed.labels)
        if (assign == t + 1).any()
    }
