"""The names of the elements of θ."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylme.results.varcorr import VarCorr

__all__ = ["theta_names"]


def theta_names(varcorr: VarCorr) -> tuple[str, ...]:
    """lme4's names of the elements of θ: those of its ``getME(fit, "theta")``.

    Examples
    --------
    >>> theta_names(fit.varcorr)  # doctest: +SKIP
    ('Subject.(Intercept)', 'Subject.Days.(Intercept)', 'Subject.Days')
    """
    return tuple(
        f"{term.group}.{name}" if row == column else f"{term.group}.{name}.{term.names[column]}"
        for term in varcorr.terms
        for column in range(len(term.names))
        for row, name in enumerate(term.names)
        if row >= column
    )
