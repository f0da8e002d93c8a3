"""The methods by which denominator degrees of freedom are found, and what is said of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pylme.errors import NotAvailableError

if TYPE_CHECKING:
    from pylme.inference.kernels import Kernels

__all__ = ["NOT_LINEAR", "Ddf", "default_ddf", "method_name", "remarks", "require_kernels"]

#: "normal" takes them for infinite: z tests, and chi-square for F.
Ddf: TypeAlias = Literal["satterthwaite", "kenward-roger", "normal"]

_NAMES: Final = {
    "satterthwaite": "Satterthwaite",
    "kenward-roger": "Kenward-Roger",
    "normal": "normal",
}


def default_ddf(
    purpose: Literal["tests", "means"], *, linear: bool, structured: bool = False
) -> Ddf:
    """The method where none is chosen.

    Tests have Satterthwaite's degrees of freedom, as lmerTest's have; means and predictions those
    of Kenward and Roger, as emmeans' have, unless a term has a covariance structure.

    Parameters
    ----------
    purpose : {"tests", "means"}
    linear : bool
        Whether the model is a linear one.
    structured : bool
        Whether a term has a covariance structure.
    """
    if not linear:
        return "normal"
    return "satterthwaite" if purpose == "tests" or structured else "kenward-roger"


def method_name(ddf: Ddf, kernels: Kernels | None) -> str:
    """The method as tables name it; with the refit that Kenward and Roger's needs for an ML fit."""
    name = _NAMES[ddf]
    if ddf == "kenward-roger" and kernels is not None and not kernels.linear.reml:
        return f"{name} (REML refit)"
    return name


def remarks(ddf: Ddf, kernels: Kernels | None) -> tuple[str, ...]:
    """What a reader of the numbers has to know."""
    if kernels is None or ddf == "normal":
        return ()
    said = []
    if ddf == "kenward-roger" and kernels.restricted is not kernels:
        said.append(
            "The model was fitted by ML; estimates, standard errors and degrees of freedom here "
            "are those of its REML fit."
        )
    if kernels.restricted.singular if ddf == "kenward-roger" else kernels.singular:
        said.append(
            "Singular fit: Satterthwaite's degrees of freedom are those of the model without the "
            'zero variances, and tests are too liberal; prefer ddf="kenward-roger".'
            if ddf == "satterthwaite"
            else "Singular fit: Kenward and Roger's degrees of freedom take account of variances "
            "that were estimated as zero; they are to be preferred to Satterthwaite's here."
        )
    return tuple(said)


NOT_LINEAR: Final = (
    "the covariance matrix of the response is not a linear function of the parameters of cs(), "
    "ar1() and other structures, as the method assumes"
)
_ASKED: Final = {
    "satterthwaite": "Computing Satterthwaite's degrees of freedom",
    "kenward-roger": "Computing Kenward and Roger's degrees of freedom",
}


def require_kernels(kernels: Kernels | None, ddf: Ddf, *, linear: bool) -> Kernels:
    """The kernels of a fit.

    Parameters
    ----------
    kernels : Kernels or None
    ddf : {"satterthwaite", "kenward-roger"}
    linear : bool
        Whether the model is a linear one.

    Raises
    ------
    NotAvailableError
        If there are none.
    """
    if kernels is not None:
        if ddf == "kenward-roger" and kernels.problem.structured:
            raise NotAvailableError(
                asked=_ASKED[ddf],
                found=NOT_LINEAR,
                remedy='Use ddf="satterthwaite".',
            )
        return kernels
    found = "a fit from JSON does not contain the matrices that they are computed from"
    remedy = 'Fit the model again, or use ddf="normal".'
    if not linear:
        found = "they are defined for linear mixed models, and this is a generalized one"
        remedy = 'Use ddf="normal", which gives Wald tests.'
    raise NotAvailableError(asked=_ASKED[ddf], found=found, remedy=remedy)
