"""The functions that fit models: check the arguments, choose the engine, hand on."""

from __future__ import annotations

import logging
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, cast

import numpy as np

from pylme.deadline import checked_timeout, time_limit
from pylme.design.requirements import require_fittable
from pylme.design.response_levels import outcomes
from pylme.design.specify import specified
from pylme.design.starting_means import require_starting_means
from pylme.design.transformations import require_transformable
from pylme.errors import (
    MissingRowsWarning,
    MissingValueError,
    NotAvailableError,
    OptionError,
    OutOfMemoryError,
    PylmeError,
    RError,
    warn,
)
from pylme.families.family import family as family_of
from pylme.fit import Fit
from pylme.formula import Name, deparse
from pylme.lme4.conditions import raise_as_warnings
from pylme.lme4.control import GlmerControl, LmerControl
from pylme.options import choice, is_whole, true_or_false

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike

    from pylme.design.spec import Contrast, ModelSpec, Start
    from pylme.frame import NaAction
    from pylme.lme4.control import Control
    from pylme.lme4.fitting import RFunction
    from pylme.lme4.model import RModel

__all__ = ["glmer", "glmer_nb", "lmer"]

P = ParamSpec("P")

Engine = Literal["lme4", "numpy"]
_logger: Final = logging.getLogger("pylme")
#: lme4's own limit of quadrature points.
MOST_POINTS: Final = 100


def _within_memory(fitting: Callable[P, Fit]) -> Callable[P, Fit]:
    """Say what was going on where the memory is used up."""

    @wraps(fitting)
    def wrapped(*arguments: P.args, **options: P.kwargs) -> Fit:
        try:
            return fitting(*arguments, **options)
        except MemoryError as error:
            if isinstance(error, PylmeError):
                raise
            raise OutOfMemoryError(asked=f"Fitting a model by {fitting.__name__}()") from error

    return wrapped


@_within_memory
def lmer(
    formula: str,
    data: Any,
    *,
    reml: bool = True,
    engine: Engine = "lme4",
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    subset: str | ArrayLike | None = None,
    contrasts: Mapping[str, Contrast] | None = None,
    control: LmerControl | None = None,
    start: Start | ArrayLike | None = None,
    na_action: NaAction = "omit",
    timeout: float | None = None,
    check: bool = False,
) -> Fit:
    """Fit a linear mixed-effects model.

    Parameters
    ----------
    formula : str
        In lme4's language, as ``"math ~ ses*sector + (ses | sch.id)"``.
    data : DataFrame, Table or mapping of arrays
        pandas, polars, pyarrow, or a dict of arrays; only the columns named are read.
    reml : bool
        Fit by the restricted likelihood; False for maximum likelihood.
    engine : {"lme4", "numpy"}
        What fits the model: R's lme4, or pylme's own program, which needs no R.
    weights : str or array_like of shape (rows,), optional
        Prior weights, positive: the residual variance of a row is sigma^2 / weight.
    offset : str or array_like of shape (rows,), optional
        A known part of the linear predictor, in units of the response.
    subset : str or array_like of bool of shape (rows,), optional
        The rows to use, or the name of a boolean column.
    contrasts : mapping, optional
        Column → "treatment", "sum", "helmert", "poly", "SAS" or a matrix (levels, columns).
    control : LmerControl, optional
        For lme4 alone.
    start : array_like, optional
        Starting values of theta.
    na_action : {"omit", "fail"}
        Leave rows with missing values out, with one warning, or raise.
    timeout : float, optional
        Seconds that the engine may take; the fit is then stopped. It is looked at wherever R looks
        for interrupts, or between two evaluations of the criterion. Time spent on reading the data,
        on waiting while another thread uses R, and on a check is not counted.
    check : bool
        Cross-check the fit on the spot: see `Fit.cross_check`. What the engine warns of its own
        fit is then replaced by one warning with the verdict, and by none where lme4 is right and
        did not warn. It stays in ``fit.conditions``.

    Returns
    -------
    Fit
        The fitted model; what is asked of it is computed or fetched from R when it is asked.

    Raises
    ------
    FormulaError
        If the formula cannot be read, names an unknown column or calls a function not allowed.
    DataError
        If the data cannot be carried over exactly or no model can be fitted to them.
    OptionError
        If an argument is not one of those allowed.
    NotAvailableError
        With engine "numpy", if the formula calls a function that R alone knows.
    RUnavailableError
        With engine "lme4", if R, rpy2 or lme4 is missing.
    RError
        If R stops; with R's own message and call.
    FitTimeoutError
        If the engine takes longer than `timeout`.

    Warns
    -----
    MissingRowsWarning
        If rows were left out.
    ConvergenceWarning, SingularFitWarning, RankDeficiencyWarning, ScalingWarning, RWarning
        All that the engine says, in its order; also kept as ``fit.conditions``.
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
    choice("engine", engine, Engine)
    _require_kind("control", control, LmerControl)
    if engine == "numpy" and control is not None:
        raise OptionError(
            option="control",
            value=f"{type(control).__name__}(...)",
            allowed='none with engine="numpy": a control is for lme4 and its optimisers',
        )
    reml = true_or_false("reml", reml)
    seconds = checked_timeout(timeout)
    spec = specified(
        formula, data, weights=weights, offset=offset, subset=subset, contrasts=contrasts,
        start=start, na_action=na_action, family=None, reml=reml,
    )  # fmt: skip

    def fitted() -> Fit:
        if engine == "numpy":
            return _fitted_by_numpy(spec, na_action=na_action, offset=offset, timeout=seconds)
        return _fitted(spec, "lmer", control, na_action=na_action, timeout=seconds)

    return _checked(fitted) if true_or_false("check", check) else fitted()


@_within_memory
def glmer(
    formula: str,
    data: Any,
    *,
    family: str = "binomial",
    link: str | None = None,
    n_agq: int = 1,
    engine: Engine = "lme4",
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    subset: str | ArrayLike | None = None,
    contrasts: Mapping[str, Contrast] | None = None,
    control: GlmerControl | None = None,
    start: Start | ArrayLike | None = None,
    mustart: str | ArrayLike | None = None,
    etastart: str | ArrayLike | None = None,
    na_action: NaAction = "omit",
    timeout: float | None = None,
) -> Fit:
    """Fit a generalized linear mixed-effects model by maximum likelihood.

    Parameters
    ----------
    formula, data, offset, subset, contrasts, na_action, timeout
        As for `lmer`. A binomial response is 0 and 1, two levels, ``cbind(successes, failures)``,
        or a proportion with the number of trials as `weights`.
    family : {"binomial", "poisson", "Gamma", "inverse.gaussian", "gaussian"}
        The conditional distribution of the response.
    link : str, optional
        The family's usual link where none is given.
    engine : {"lme4"}
        The numpy engine fits linear models only.
    n_agq : int
        Points of the adaptive Gauss-Hermite quadrature: 1 is the Laplace approximation, 0 a
        faster and rougher one, more than 1 needs a single scalar random-effects term.
    weights : str or array_like, optional
        Prior weights; trials for a binomial proportion.
    control : GlmerControl, optional
    start : array_like or mapping, optional
        Theta, or a mapping with "theta" and "fixef".
    mustart : str or array_like of shape (rows,), optional
        Means of the response from which the iterations start, within the range of the family: for
        a binomial response probabilities. Needed where the link does not exist for some values
        of the response, such as the logarithm for a response with zeros.
    etastart : str or array_like of shape (rows,), optional
        Values of the linear predictor from which the iterations start, in place of `mustart`.

    Returns
    -------
    Fit
        The fitted model; what is asked of it is fetched from R when it is asked.

    Raises
    ------
    FormulaError, DataError, OptionError, RUnavailableError, RError, FitTimeoutError
        As `lmer`.

    Warns
    -----
    PylmeWarning
        As `lmer`.

    Examples
    --------
    >>> import pylme
    >>> cbpp = pylme.datasets.load("cbpp")
    >>> fit = pylme.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp)
    >>> fit.varcorr["herd"].sd.round(3).to_dict()
    {'(Intercept)': 0.642}
    """
    _require_lme4(engine, "glmer")
    _require_kind("control", control, GlmerControl)
    seconds = checked_timeout(timeout)
    spec = specified(
        formula, data, weights=weights, offset=offset, subset=subset, contrasts=contrasts,
        start=start, na_action=na_action, family=family_of(family, link), reml=False,
        mustart=mustart, etastart=etastart,
    )  # fmt: skip
    require_starting_means(spec)
    return _fitted(
        spec, "glmer", control, na_action=na_action, n_agq=_points(n_agq), timeout=seconds
    )


@_within_memory
def glmer_nb(
    formula: str,
    data: Any,
    *,
    engine: Engine = "lme4",
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    subset: str | ArrayLike | None = None,
    contrasts: Mapping[str, Contrast] | None = None,
    control: GlmerControl | None = None,
    na_action: NaAction = "omit",
    timeout: float | None = None,
) -> Fit:
    """Fit a negative binomial mixed-effects model, its dispersion estimated too.

    Parameters
    ----------
    formula, data, engine, weights, offset, subset, contrasts, control, na_action, timeout
        As for `glmer`. The dispersion is ``fit.getme("glmer.nb.theta")``.

    Returns
    -------
    Fit
        The fitted model; what is asked of it is fetched from R when it is asked.

    Raises
    ------
    FormulaError, DataError, OptionError, RUnavailableError, RError, FitTimeoutError
        As `lmer`.

    Warns
    -----
    PylmeWarning
        As `lmer`.
    """
    _require_lme4(engine, "glmer_nb")
    _require_kind("control", control, GlmerControl)
    seconds = checked_timeout(timeout)
    spec = specified(
        formula, data, weights=weights, offset=offset, subset=subset, contrasts=contrasts,
        start=None, na_action=na_action, family=family_of("poisson"), reml=False,
    )  # fmt: skip
    return _fitted(spec, "glmer.nb", control, na_action=na_action, timeout=seconds)


def _points(n_agq: object) -> int:
    """The number of quadrature points."""
    points = int(cast("int", n_agq)) if is_whole(n_agq) else -1
    if not 0 <= points <= MOST_POINTS:
        raise OptionError(
            option="n_agq", value=n_agq, allowed=f"a whole number from 0 to {MOST_POINTS}"
        )
    return points


def _checked(fitted: Callable[[], Fit]) -> Fit:
    """A fit with the verdict on it in place of the engine's warnings."""
    from pylme.crosscheck.telling import held_back, tell

    with held_back() as held:
        fit = fitted()
        check = fit.cross_check()
    tell(held, check)
    return fit


def _require_kind(option: str, value: object, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        raise OptionError(option=option, value=value, allowed=f"a pylme.{kind.__name__}(...)")


def _fitted(
    spec: ModelSpec,
    function: RFunction,
    control: Control | None,
    *,
    na_action: NaAction,
    timeout: float | None,
    n_agq: int | None = None,
) -> Fit:
    require_fittable(spec, more_effects_than_rows=_relaxed(control))
    known = require_transformable(spec, na_action=na_action)
    model = _by_lme4(spec, function, control, n_agq, timeout)
    raise_as_warnings(model.conditions)
    rows = spec.frame.rows
    computed = spec.formula.functions or not isinstance(spec.formula.response, Name)
    lost = model.lost_rows() if computed else np.empty(0, dtype=np.intp)
    # What R's own functions lost; the rest was warned of before.
    if further := len(np.setdiff1d(lost, known)):
        counts = {"a transformation in the formula": further}
        if na_action == "fail":
            raise MissingValueError(counts=counts)
        warn(MissingRowsWarning(dropped=further, given=rows.n_given, counts=counts))
    if (named := outcomes(spec)) is not None:
        _logger.info(
            "%s: success is %r and failure %r", deparse(spec.formula.response), *named[::-1]
        )
    return Fit(model, rows.without(lost))


def _by_lme4(
    spec: ModelSpec,
    function: RFunction,
    control: Control | None,
    n_agq: int | None,
    timeout: float | None,
) -> RModel:
    """lme4's fit; that it has broken down, where R does not say so, among what is said of it."""
    from pylme.lme4.fitting import fit_with_lme4

    try:
        model = fit_with_lme4(
            spec, function=function, control=control, n_agq=n_agq, timeout=timeout
        )
    except RError as error:
        from pylme.crosscheck.breakdown import require_finite_optimum

        require_finite_optimum(spec, error)
        raise
    if not model.leaves_little():
        return model
    from pylme.crosscheck.breakdown import with_breakdown

    return with_breakdown(model)


def _fitted_by_numpy(
    spec: ModelSpec,
    *,
    na_action: NaAction,
    offset: str | ArrayLike | None,
    timeout: float | None,
) -> Fit:
    from pylme.reference.engine import fit_with_numpy

    require_fittable(spec)
    named = offset is None or isinstance(offset, str)
    with time_limit(timeout):
        model = fit_with_numpy(spec, na_action=na_action, offset_named=named)
    return Fit(model, model.design.rows)


def _require_lme4(engine: Engine, function: str) -> None:
    if choice("engine", engine, Engine) != "lme4":
        raise NotAvailableError(
            asked=f"{function}() with engine={engine!r}",
            found="the numpy engine fits linear mixed models only",
            remedy='Leave the engine at "lme4", or fit a linear model with lmer().',
        )


def _relaxed(control: Control | None) -> bool:
    """Whether the control lets a term have more random effects than there are rows."""
    return control is not None and control.check_nobs_vs_nre in ("ignore", "warning", "message")
