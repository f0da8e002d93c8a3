"""Linear mixed models of lazy data, fitted to sums that the engine of the data makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylme.api.fitting import fitted
from pylme.errors import NotAvailableError
from pylme.frame.lazy_table import open_lazy
from pylme.model_matrix.lazy.build import lazy_spec
from pylme.reference.engine import unable
from pylme.results.engine import FitRequest

if TYPE_CHECKING:
    from pylme.fit import Fit
    from pylme.model_matrix.spec import ModelArguments
    from pylme.options import Engine

__all__ = ["lmer_of_lazy"]


def lmer_of_lazy(
    formula: str,
    data: Any,
    arguments: ModelArguments,
    *,
    engine: Engine,
    control: object,
    timeout: float | None,
) -> Fit:
    """Fit a linear mixed model to lazy data, by the NumPy engine.

    Raises
    ------
    NotAvailableError
        If lme4 is asked for, or the engine of the data cannot evaluate a part of the formula.
    """
    if engine == "lme4":
        raise NotAvailableError(
            asked="Fitting lazy data with engine='lme4'",
            found="lme4 needs all rows in the memory of R",
            remedy="Leave `engine` out, which then is the NumPy engine, or collect the data first.",
        )
    table = open_lazy(data)
    spec = lazy_spec(formula, table, arguments)
    if refusal := unable("lmer", control=control, formula=spec.formula):
        raise refusal
    return fitted("numpy", FitRequest(spec=spec, timeout=timeout))
