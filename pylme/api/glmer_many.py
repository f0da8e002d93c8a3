"""`pylme.glmer_many`: one generalized linear mixed model, many responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylme.errors import OptionError
from pylme.families.family import family as family_of
from pylme.model_matrix.spec import ModelArguments
from pylme.options import true_or_false, workers
from pylme.responses.design import shared_design
from pylme.responses.fitting import fit_responses, is_matrix
from pylme.responses.generalized import GeneralizedFits

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from pylme.frame import NaAction
    from pylme.model_matrix.spec import Contrast, ContrastsFor
    from pylme.responses.result import ManyModels

__all__ = ["glmer_many"]


def glmer_many(
    formula: str,
    data: Any,
    responses: Any,
    *,
    family: str,
    link: str | None = None,
    response_names: Sequence[str] | None = None,
    layer: str | None = None,
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    subset: str | ArrayLike | None = None,
    contrasts: Mapping[str, Contrast] | None = None,
    contrasts_for: ContrastsFor = "fixed",
    na_action: NaAction = "omit",
    n_jobs: int | None = None,
    progress: bool = False,
    store: str | os.PathLike[str] | None = None,
) -> ManyModels:
    """Fit one generalized linear mixed model to many binary responses or counts.

    The NumPy engine fits the responses by the Laplace approximation on a design that is made once;
    `n_jobs` divides them among workers. With one grouping factor and the family's usual link they
    are fitted at once; responses whose variances are near zero follow one another, as they all do
    in models of several factors.

    Parameters
    ----------
    formula, data, responses, response_names, layer
        As for `lmer_many`.
    family : {"binomial", "poisson"}
        Binomial responses are 0 and 1, or proportions with the trials as `weights`.
    link : str, optional
        As for `glmer`.
    weights : str or array_like, of shape (rows,) or (rows, R), optional
        Prior weights, or trials, of the rows or of each value of each response.
    offset, subset, contrasts, contrasts_for, na_action, n_jobs, progress, store
        As for `lmer_many`.

    Returns
    -------
    ManyModels
        With z tests: ``df`` is infinite. A response that the fixed effects separate, so that it has
        no finite estimate, has the status "degenerate".

    Raises
    ------
    FormulaError, DataError, OptionError, NotAvailableError, StoreError
        As `lmer_many`.

    See Also
    --------
    lmer_many : Responses with normal errors.

    Examples
    --------
    >>> import numpy as np, pylme
    >>> cbpp = pylme.datasets.load("cbpp")
    >>> mean = cbpp["incidence"].to_numpy()[:, None] + 1.0
    >>> counts = np.random.default_rng(0).poisson(mean, (56, 3))
    >>> pylme.glmer_many("~ period + (1 | herd)", cbpp, counts, family="poisson").status["status"]
    0    converged
    1    converged
    2    converged
    Name: status, dtype: str
    """
    progress = true_or_false("progress", progress)
    known = family_of(family, link)
    if known.name not in {"binomial", "poisson"}:
        raise OptionError(
            option="family", value=family,
            allowed='"binomial" or "poisson": models of other families are fitted one by one by '
            "pylme.glmer",
        )  # fmt: skip
    by_response = is_matrix(weights)
    arguments = ModelArguments(
        weights=None if by_response else weights, offset=offset, subset=subset,
        contrasts=contrasts, contrasts_for=contrasts_for, na_action=na_action,
        family=known, reml=False,
    )  # fmt: skip
    design = shared_design(formula, data, arguments)
    return fit_responses(
        GeneralizedFits(design=design.matrices, family=known),
        design,
        responses,
        response_names=response_names,
        layer=layer,
        weights=weights if by_response else None,
        n_jobs=workers("n_jobs", n_jobs),
        progress=progress,
        store=store,
        options=("generalized", known.name, known.link),
    )
