"""`pylme.glmer_nb`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pylme.api.fitting import checked, fitted, require_kind, within_memory
from pylme.deadline import checked_timeout
from pylme.families.family import family as family_of
from pylme.lme4.control import GlmerControl
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.options import choice, true_or_false
from pylme.results.engine import FitRequest, choose
from pylme.results.generalized_problem import Laplace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from pylme.fit import Fit
    from pylme.frame import NaAction
    from pylme.model_matrix.spec import Contrast, ContrastsFor
    from pylme.options import Engine

__all__ = ["glmer_nb"]


@within_memory
def glmer_nb(
    formula: str,
    data: Any,
    *,
    laplace: Laplace = "expected",
    engine: Engine = "auto",
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    subset: str | ArrayLike | None = None,
    contrasts: Mapping[str, Contrast] | None = None,
    contrasts_for: ContrastsFor = "fixed",
    control: GlmerControl | None = None,
    na_action: NaAction = "omit",
    timeout: float | None = None,
    isolated: bool = False,
    check: bool = False,
) -> Fit:
    """Fit a negative binomial mixed-effects model, and estimate its dispersion.

    Parameters
    ----------
    formula, data, laplace, engine, weights, offset, subset, contrasts, contrasts_for
        As for `glmer`. The dispersion is ``fit.getme("glmer.nb.theta")``.
    control, na_action, timeout, isolated, check
        As for `glmer`.

    Returns
    -------
    Fit
        The fitted model. Results are computed, or fetched from R, on first access.

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
    >>> ticks = pylme.datasets.load("grouseticks").head(120)
    >>> fit = pylme.glmer_nb("TICKS ~ cHEIGHT + (1 | BROOD)", ticks)
    >>> round(float(fit.getme("glmer.nb.theta")), 2)
    2.27
    """
    require_kind("control", control, GlmerControl)
    seconds = checked_timeout(timeout)
    isolated = true_or_false("isolated", isolated)
    check = true_or_false("check", check)
    arguments = ModelArguments(
        weights=weights, offset=offset, subset=subset, contrasts=contrasts,
        contrasts_for=contrasts_for, na_action=na_action,
        family=family_of("poisson"), reml=False,
    )  # fmt: skip
    spec = specified(formula, data, arguments)
    beyond = 'laplace="observed"' if choice("laplace", laplace, Laplace) == "observed" else None
    chosen = choose(
        engine, "glmer.nb", control=control, formula=spec.formula, beyond=beyond, isolated=isolated
    )
    request = FitRequest(
        spec=spec,
        function="glmer.nb",
        control=control,
        timeout=seconds,
        isolated=isolated,
        laplace=laplace,
    )
    return checked(partial(fitted, chosen, request)) if check else fitted(chosen, request)
