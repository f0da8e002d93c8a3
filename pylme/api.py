"""The functions that fit models: check the arguments, choose the engine, hand on."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from pylme.design.family import family as family_of
from pylme.design.requirements import require_fittable
from pylme.design.spec import ModelSpec
from pylme.errors import (
    MissingRowsWarning,
    MissingValueError,
    OptionError,
    UnknownColumnError,
    warn,
)
from pylme.fit import Fit
from pylme.formula import Name, check_functions, parse_formula, with_dot
from pylme.frame import column_names, read_frame
from pylme.lme4.conditions import raise_as_warnings
from pylme.lme4.control import GlmerControl, LmerControl
from pylme.options import choice

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pylme.design.family import Family
    from pylme.design.spec import Contrast, Start
    from pylme.formula import Formula
    from pylme.frame import NaAction
    from pylme.lme4.control import Control
    from pylme.lme4.fitting import RFunction

__all__ = ["glmer", "glmer_nb", "lmer"]

Engine = Literal["lme4"]
#: lme4's own limit of quadrature points.
MOST_POINTS: Final = 100
StartName = Literal["theta", "fixef"]


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
    engine : {"lme4"}
        What fits the model.
    weights : str or array_like of shape (rows,), optional
        Prior weights, positive: the residual variance of a row is sigma^2 / weight.
    offset : str or array_like of shape (rows,), optional
        A known part of the linear predictor, in units of the response.
    subset : str or array_like of bool of shape (rows,), optional
        The rows to use, or the name of a boolean column.
    contrasts : mapping, optional
        Column → "treatment", "sum", "helmert", "poly", "SAS" or a matrix (levels, columns).
    control : LmerControl, optional
    start : array_like, optional
        Starting values of theta.
    na_action : {"omit", "fail"}
        Leave rows with missing values out, with one warning, or raise.

    Returns
    -------
    Fit
        The fitted model; what is asked of it is fetched from R when it is asked.

    Raises
    ------
    FormulaError
        If the formula cannot be read, names an unknown column or calls a function not allowed.
    DataError
        If the data cannot be carried over exactly or no model can be fitted to them.
    OptionError
        If an argument is not one of those allowed.
    RUnavailableError
        If R, rpy2 or lme4 is missing.
    RError
        If R stops; with R's own message and call.

    Warns
    -----
    MissingRowsWarning
        If rows were left out.
    ConvergenceWarning, SingularFitWarning, RankDeficiencyWarning, ScalingWarning, RWarning
        All that R says, in its order; also kept as ``fit.conditions``.

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
    """
    choice("engine", engine, Engine)
    _require_kind("control", control, LmerControl)
    if not isinstance(reml, bool | np.bool_):
        raise OptionError(option="reml", value=reml, allowed=(True, False))
    spec = _specified(
        formula, data, weights=weights, offset=offset, subset=subset, contrasts=contrasts,
        start=start, na_action=na_action, family=None, reml=bool(reml),
    )  # fmt: skip
    return _fitted(spec, "lmer", control, na_action=na_action)


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
    na_action: NaAction = "omit",
) -> Fit:
    """Fit a generalized linear mixed-effects model by maximum likelihood.

    Parameters
    ----------
    formula, data, engine, offset, subset, contrasts, na_action
        As for `lmer`. A binomial response is 0 and 1, two levels, ``cbind(successes, failures)``,
        or a proportion with the number of trials as `weights`.
    family : {"binomial", "poisson", "Gamma", "inverse.gaussian", "gaussian"}
        The conditional distribution of the response.
    link : str, optional
        The family's usual link where none is given.
    n_agq : int
        Points of the adaptive Gauss-Hermite quadrature: 1 is the Laplace approximation, 0 a
        faster and rougher one, more than 1 needs a single scalar random-effects term.
    weights : str or array_like, optional
        Prior weights; trials for a binomial proportion.
    control : GlmerControl, optional
    start : array_like or mapping, optional
        Theta, or a mapping with "theta" and "fixef".

    Returns
    -------
    Fit
        The fitted model; what is asked of it is fetched from R when it is asked.

    Raises
    ------
    FormulaError, DataError, OptionError, RUnavailableError, RError
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
    choice("engine", engine, Engine)
    _require_kind("control", control, GlmerControl)
    spec = _specified(
        formula, data, weights=weights, offset=offset, subset=subset, contrasts=contrasts,
        start=start, na_action=na_action, family=family_of(family, link), reml=False,
    )  # fmt: skip
    return _fitted(spec, "glmer", control, na_action=na_action, n_agq=_points(n_agq))


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
) -> Fit:
    """Fit a negative binomial mixed-effects model, its dispersion estimated too.

    Parameters
    ----------
    formula, data, engine, weights, offset, subset, contrasts, control, na_action
        As for `glmer`. The dispersion is ``fit.getme("glmer.nb.theta")``.

    Returns
    -------
    Fit
        The fitted model; what is asked of it is fetched from R when it is asked.

    Raises
    ------
    FormulaError, DataError, OptionError, RUnavailableError, RError
        As `lmer`.

    Warns
    -----
    PylmeWarning
        As `lmer`.
    """
    choice("engine", engine, Engine)
    _require_kind("control", control, GlmerControl)
    spec = _specified(
        formula, data, weights=weights, offset=offset, subset=subset, contrasts=contrasts,
        start=None, na_action=na_action, family=family_of("poisson"), reml=False,
    )  # fmt: skip
    return _fitted(spec, "glmer.nb", control, na_action=na_action)


def _points(n_agq: object) -> int:
    """The number of quadrature points."""
    truth = isinstance(n_agq, bool)
    points = int(n_agq) if isinstance(n_agq, Integral) else -1
    if truth or not 0 <= points <= MOST_POINTS:
        raise OptionError(
            option="n_agq", value=n_agq, allowed=f"a whole number from 0 to {MOST_POINTS}"
        )
    return points


def _require_kind(option: str, value: object, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        raise OptionError(option=option, value=value, allowed=f"a pylme.{kind.__name__}(...)")


def _specified(
    text: str,
    data: Any,
    *,
    weights: str | ArrayLike | None,
    offset: str | ArrayLike | None,
    subset: str | ArrayLike | None,
    contrasts: Mapping[str, Contrast] | None,
    start: Start | ArrayLike | None,
    na_action: NaAction,
    family: Family | None,
    reml: bool,
) -> ModelSpec:
    """Formula and data, read and checked."""
    available = column_names(data)
    formula = with_dot(parse_formula(text), available)
    check_functions(formula)
    names = list(formula.columns_in(available))
    extra: dict[str, ArrayLike] = {}
    roles = {"weights": weights, "offset": offset}
    columns: dict[str, str | None] = {}
    for role, given in roles.items():
        if given is None or isinstance(given, str):
            if given is not None and given not in available:
                raise UnknownColumnError(name=given, available=available, where=f"`{role}`")
            columns[role] = given
            names += [given] if given is not None and given not in names else []
        else:
            columns[role] = name = _unused(role, names)
            extra[name] = given
    frame = read_frame(
        data,
        names,
        extra=extra,
        subset=subset,
        as_factor=_only_grouping(formula),
        na_action=na_action,
    )
    return ModelSpec(
        formula=formula,
        frame=frame,
        weights=columns["weights"],
        offset=columns["offset"],
        contrasts=_codings(contrasts),
        start=_arrays(start),
        family=family,
        reml=reml,
    )


def _arrays(start: Start | ArrayLike | None) -> Start | None:
    """Starting values as arrays of finite numbers."""
    if start is None:
        return None
    if not isinstance(start, Mapping):
        return _finite(start)
    for name in start:
        choice("start", name, StartName)
    return {name: _finite(values) for name, values in start.items()}


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    try:
        array = np.atleast_1d(np.asarray(values, np.float64))
    except (TypeError, ValueError):
        array = np.array([np.nan])
    if array.ndim != 1 or not np.isfinite(array).all():
        raise OptionError(option="start", value=values, allowed="a sequence of finite numbers")
    return array


def _codings(contrasts: Mapping[str, Contrast] | None) -> dict[str, Contrast]:
    if contrasts is not None and not isinstance(contrasts, Mapping):
        raise OptionError(
            option="contrasts", value=contrasts, allowed="a mapping from columns to codings"
        )
    return dict(contrasts or {})


def _unused(name: str, taken: list[str]) -> str:
    """A name for a column given as an array, with dots added until no other column has it."""
    while name in taken:
        name += "."
    return name


def _only_grouping(formula: Formula) -> frozenset[str]:
    """Columns that nothing but grouping uses: they become factors before an engine sees them."""
    return frozenset(formula.grouping_columns) - frozenset(formula.effect_columns)


def _fitted(
    spec: ModelSpec,
    function: RFunction,
    control: Control | None,
    *,
    na_action: NaAction,
    n_agq: int | None = None,
) -> Fit:
    from pylme.lme4.fitting import fit_with_lme4

    require_fittable(spec, more_effects_than_rows=_relaxed(control))
    model = fit_with_lme4(spec, function=function, control=control, n_agq=n_agq)
    raise_as_warnings(model.conditions)
    rows = spec.frame.rows
    computed = spec.formula.functions or not isinstance(spec.formula.response, Name)
    lost = model.lost_rows() if computed else np.empty(0, dtype=np.intp)
    if len(lost):
        counts = {"a transformation in the formula": len(lost)}
        if na_action == "fail":
            raise MissingValueError(counts=counts)
        warn(MissingRowsWarning(dropped=len(lost), given=rows.n_given, counts=counts))
        rows = rows.without(lost)
    return Fit(model, rows, spec)


def _relaxed(control: Control | None) -> bool:
    """Whether the control lets a term have more random effects than there are rows."""
    return control is not None and control.check_nobs_vs_nre in ("ignore", "warning", "message")
