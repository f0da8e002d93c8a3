"""`pylme.lmer_many`: one linear mixed model, many responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylme.errors import OptionError
from pylme.inference.ddf import Ddf
from pylme.model_matrix.spec import ModelArguments
from pylme.options import choice, true_or_false, workers
from pylme.responses.design import shared_design
from pylme.responses.fitting import fit_responses, is_matrix
from pylme.responses.linear import LinearFits

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from pylme.frame import NaAction
    from pylme.model_matrix.spec import Contrast, ContrastsFor
    from pylme.responses.result import ManyModels

__all__ = ["lmer_many"]


def lmer_many(
    formula: str,
    data: Any,
    responses: Any,
    *,
    response_names: Sequence[str] | None = None,
    layer: str | None = None,
    reml: bool = True,
    ddf: Ddf = "satterthwaite",
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
    """Fit one linear mixed model to many responses.

    With one grouping factor all responses are fitted at once by the NumPy engine, hundreds of times
    as fast as one by one; with several they follow one another on a design that is prepared once.

    Parameters
    ----------
    formula : str
        Without a response: ``"~ x + (1 | g)"`` or ``". ~ x + (1 | g)"``.
    data : DataFrame, Table or mapping of arrays
        The predictors, as for `lmer`.
    responses : DataFrame, array_like, AnnData, LazyFrame, path or sequence of str
        A response in each column, with the rows of `data` in their order: a wide frame; an array or
        sparse matrix of shape (rows, R); an AnnData object, whose ``obs`` are the rows; a lazy
        frame of polars or the path of a Parquet file, which are read a block of columns at a time;
        or names of columns of `data`. A missing value (NaN or null) leaves its row out of the fit
        of its response alone.
    response_names : sequence of str, optional
        Names of the columns of an array; their numbers from 1 by default.
    layer : str, optional
        The layer of an AnnData object; ``X`` by default.
    reml : bool
        As for `lmer`.
    ddf : {"satterthwaite", "kenward-roger", "normal"}
        The method of the degrees of freedom. Kenward and Roger's is computed response by response,
        a few milliseconds each.
    weights : str or array_like, of shape (rows,) or (rows, R), optional
        Prior weights of the rows, or of each value of each response, as voom gives them.
    offset, subset, contrasts, contrasts_for, na_action
        As for `lmer`; `na_action` concerns the predictors.
    n_jobs : int or None
        Workers that fit blocks of responses, as in joblib. None means one, or the setting of an
        active `joblib.parallel_config`, which can also distribute the work by dask or ray.
    progress : bool
        Show a progress bar in a terminal or a notebook.
    store : path, optional
        A folder that keeps each block as soon as it is fitted. The same call continues from what is
        kept.

    Returns
    -------
    ManyModels
        Tables of the fixed effects with p-values, of the variance components and of the status of
        each fit; tests of hypotheses for all responses.

    Raises
    ------
    FormulaError, DataError, OptionError
        As `lmer`, or if the responses cannot be read. A response that cannot be fitted is no error:
        its status says why.
    NotAvailableError
        If a term has a covariance structure.
    StoreError
        If the store cannot be used.

    See Also
    --------
    lmer : One response.

    Examples
    --------
    >>> import numpy as np, pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> rng = np.random.default_rng(1)
    >>> Y = sleepstudy["Reaction"].to_numpy()[:, None] + 20 * rng.standard_normal((180, 1000))
    >>> fits = pylme.lmer_many("~ Days + (Days | Subject)", sleepstudy, Y)
    >>> fits
    <ManyModels: 1,000 responses, ~ Days + (Days | Subject); 1000 converged>
    >>> days = fits.test("Days")
    >>> bool((days["p_adjusted"] < 0.001).all())
    True
    """
    reml, progress = true_or_false("reml", reml), true_or_false("progress", progress)
    method = choice("ddf", ddf, Ddf)
    if method == "kenward-roger" and not reml:
        raise OptionError(
            option="ddf", value=ddf,
            allowed='with reml=True: Kenward and Roger\'s method is that of a REML fit. '
            '"satterthwaite" and "normal" suit both',
        )  # fmt: skip
    by_response = is_matrix(weights)
    arguments = ModelArguments(
        weights=None if by_response else weights, offset=offset, subset=subset,
        contrasts=contrasts, contrasts_for=contrasts_for, na_action=na_action, reml=reml,
    )  # fmt: skip
    design = shared_design(formula, data, arguments)
    return fit_responses(
        LinearFits(design=design.matrices, reml=design.reml, ddf=method),
        design,
        responses,
        response_names=response_names,
        layer=layer,
        weights=weights if by_response else None,
        n_jobs=workers("n_jobs", n_jobs),
        progress=progress,
        store=store,
        options=("linear", design.reml, method),
    )
