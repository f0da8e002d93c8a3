"""`pylme.lmer`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pylme.api.fitting import checked, fitted, require_kind, within_memory
from pylme.api.lazy import lmer_of_lazy
from pylme.deadline import checked_timeout
from pylme.errors import OptionError
from pylme.frame.lazy_table import is_lazy
from pylme.lme4.control import LmerControl
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.options import true_or_false
from pylme.results.engine import FitRequest, choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from pylme.fit import Fit
    from pylme.frame import NaAction
    from pylme.model_matrix.spec import Contrast, ContrastsFor, Start
    from pylme.options import Engine

__all__ = ["lmer"]


@within_memory
def lmer(
    formula: str,
    data: Any,
    *,
    reml: bool = True,
    engine: Engine = "auto",
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    subset: str | ArrayLike | None = None,
    contrasts: Mapping[str, Contrast] | None = None,
    contrasts_for: ContrastsFor = "fixed",
    control: LmerControl | None = None,
    start: Start | ArrayLike | None = None,
    na_action: NaAction = "omit",
    timeout: float | None = None,
    isolated: bool = False,
    check: bool = False,
) -> Fit:
    """Fit a linear mixed-effects model.

    Parameters
    ----------
    formula : str
        In lme4's language, such as ``"math ~ ses*sector + (ses | sch.id)"``.
    data : DataFrame, Table or mapping of arrays
        pandas, polars, pyarrow, or a dict of arrays; only the columns named are read. Or lazy data,
        whose rows stay where they are: a polars LazyFrame, a DuckDB relation, a dask DataFrame, an
        Ibis table, a Spark DataFrame, a pyarrow dataset, or a path to Parquet files (a file, a
        folder, a pattern). The NumPy engine fits these from sums that the engine of the data makes.
    reml : bool
        Fit by the restricted likelihood; False for maximum likelihood.
    engine : {"auto", "lme4", "numpy"}
        The engine that fits the model: R's lme4, or pylme's own NumPy engine, which needs no R.
        "auto" is lme4 where it can start and can fit the model, otherwise the NumPy engine where
        that can, with one notice. The environment variable PYLME_ENGINE sets what "auto" means. The
        engine that fitted the model is ``fit.engine``.
    weights : str or array_like of shape (rows,), optional
        Prior weights, positive: the residual variance of a row is sigma^2 / weight.
    offset : str or array_like of shape (rows,), optional
        A known part of the linear predictor, in units of the response.
    subset : str or array_like of bool of shape (rows,), optional
        The rows to use, or the name of a boolean column.
    contrasts : mapping, optional
        Column → "treatment", "sum", "helmert", "poly", "SAS", a matrix (levels, columns), or a
        DataFrame whose row labels are the levels and whose column names name the coefficients.
    contrasts_for : {"fixed", "both"}
        Which effects `contrasts` codes: the fixed effects only, as in lme4, or the columns left of
        the bars too.
    control : LmerControl, optional
        For lme4 only: with it, "auto" is lme4.
    start : array_like, optional
        Starting values of theta.
    na_action : {"omit", "fail"}
        Leave out rows with missing values, with one warning, or raise an error.
    timeout : float, optional
        Seconds after which the fit is stopped. The limit is checked wherever R checks for
        interrupts, or between two evaluations of the criterion. Reading the data, waiting for
        another thread that uses R, and a cross-check do not count.
    isolated : bool
        Fit by lme4 in a process of its own, where the R object stays; what is asked of the fit is
        fetched from there. A crash of R, or the end of that process for another reason, costs the
        fits in it and raises one error; the next isolated fit starts another process. With it,
        `timeout` ends R where R does not stop by itself. The first isolated fit takes a second or
        two longer.
    check : bool
        Cross-check the fit immediately: see `Fit.cross_check`. One warning with the verdict then
        replaces the engine's own warnings about the fit; no warning is given where lme4 is right
        and did not warn. The engine's warnings remain in ``fit.conditions``.

    Returns
    -------
    Fit
        The fitted model. Results are computed, or fetched from R, on first access.

    Raises
    ------
    FormulaError
        If the formula cannot be read, names an unknown column or calls a function that is not
        allowed.
    DataError
        If R cannot represent the data exactly, or no model can be fitted to them.
    OptionError
        If an argument is not one of those allowed.
    NotAvailableError
        With engine "numpy", if the formula calls a function that only R can evaluate.
    RUnavailableError
        With engine "lme4", if R, rpy2 or lme4 is missing; with "auto", if the NumPy engine cannot
        fit the model either.
    RError
        If R stops, with R's own message and call.
    FitTimeoutError
        If the engine takes longer than `timeout`.
    RProcessError
        With `isolated`, if the process that runs R ended.

    Warns
    -----
    EngineWarning
        With engine "auto", once for each reason why lme4 is not used.
    MissingRowsWarning
        If rows were left out.
    ConvergenceWarning, SingularFitWarning, RankDeficiencyWarning, ScalingWarning, RWarning
        The warnings of the engine in their order; also kept as ``fit.conditions``.
    CrossCheckWarning
        With ``check=True``, in place of the first two: the verdict.

    References
    ----------
    Bates, Mächler, Bolker & Walker (2015), Fitting linear mixed-effects models using lme4,
    Journal of Statistical Software 67(1), doi:10.18637/jss.v067.i01.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"))
    >>> round(fit.varcorr["Subject"].corr.loc["(Intercept)", "Days"], 3)
    0.066
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy").is_singular()
    False
    """
    require_kind("control", control, LmerControl)
    reml, check = true_or_false("reml", reml), true_or_false("check", check)
    seconds = checked_timeout(timeout)
    isolated = true_or_false("isolated", isolated)
    arguments = ModelArguments(
        weights=weights, offset=offset, subset=subset, contrasts=contrasts,
        contrasts_for=contrasts_for, start=start,
        na_action=na_action, reml=reml,
    )  # fmt: skip
    if is_lazy(data):
        if isolated:
            raise OptionError(
                option="isolated",
                value=True,
                allowed="False for lazy data: the NumPy engine fits them, and no R runs",
            )
        fitting = partial(
            lmer_of_lazy, formula, data, arguments, engine=engine, control=control, timeout=seconds
        )
        return checked(fitting) if check else fitting()
    spec = specified(formula, data, arguments)
    chosen = choose(engine, "lmer", control=control, formula=spec.formula, isolated=isolated)
    request = FitRequest(
        spec=spec, function="lmer", control=control, timeout=seconds, isolated=isolated
    )
    return checked(partial(fitted, chosen, request)) if check else fitted(chosen, request)
