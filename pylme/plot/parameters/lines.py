"""Lines through θ̂, along which one quantity changes while all others are fixed.

The user names an element of θ, a direction in θ, or a function of the covariances: a standard
deviation, a correlation, a combination. Σ_t = σ²TTᵀ of the terms changes at σ = σ̂, and θ(x) is the
lower triangular T ≥ 0 of Σ(x)/σ̂², so that a line ends where Σ(x) stops being a covariance matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.correlation import correlation
from pylme.covariance.names import RESIDUAL_VARIANCE, cells, parameter_name
from pylme.covariance.roots import square_root
from pylme.errors import NotAvailableError, OptionError, UnknownNameError
from pylme.inference.profile_likelihood.parameters import profiled_parameters
from pylme.options import number_array
from pylme.plot.fitted import require_fit
from pylme.results.parameters import labels_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from pylme.plot.fitted import Fitted
    from pylme.results.varcorr import VarCorr

__all__ = [
    "FAR",
    "Along",
    "Combination",
    "Line",
    "line_along",
    "line_of_a_combination",
    "line_of_a_term",
]

#: How far a line goes at most, in sizes of what changes.
FAR: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line through θ̂.

    Attributes
    ----------
    label : str
        What changes.
    at : float
        Its value at θ̂.
    low, high : float
        Where the line ends.
    theta : callable
        θ of shape (m,) at a value of what changes.
    """

    label: str
    at: float
    low: float
    high: float
    theta: Callable[[float], NDArray[np.float64]]


@runtime_checkable
class Combination(Protocol):
    """Covariance parameters that change together, as ``identifiability().directions`` has them."""

    @property
    def names(self) -> tuple[str, ...]:
        """Such as ``var(ses | sch.id)``, ``cov((Intercept), ses | sch.id)``."""
        ...

    @property
    def weights(self) -> tuple[float, ...]:
        """How much each changes."""
        ...


def line_of_a_term(fit: Fitted, along: tuple[str, ...]) -> Line:
    """The line on which a standard deviation, or a correlation, of one term changes.

    Parameters
    ----------
    fit : Fit
    along : tuple of str
        The label of a term in ``fit.varcorr``, and one or two of its effects.

    Raises
    ------
    OptionError, UnknownNameError, NotAvailableError
        As `pylme.plot.profile_criterion_data`.
    """
    position, places = _place(fit.varcorr, along)
    term = fit.varcorr.terms[position]
    corr = np.nan_to_num(term.corr, nan=0.0)
    np.fill_diagonal(corr, 1.0)
    if len(places) == 1:
        here = float(term.sd[places[0]])

        def of_sd(x: float) -> Mapping[int, NDArray[np.float64]]:
            sd = term.sd.copy()
            sd[places] = x
            return {position: corr * np.outer(sd, sd)}

        label = f"Standard deviation of {along[1]} ({along[0]})"
        return _line(fit, of_sd, label, at=here, ends=(0.0, here + FAR * max(here, fit.sigma)))
    pair = np.zeros_like(corr)
    pair[places, places[::-1]] = 1.0
    here = float(corr[tuple(places)])

    def of_correlation(x: float) -> Mapping[int, NDArray[np.float64]]:
        return {position: (corr + (x - here) * pair) * np.outer(term.sd, term.sd)}

    down, up = (_reach(corr, sign * pair, 2.0) for sign in (-1.0, 1.0))
    label = f"Correlation of {along[1]} and {along[2]} ({along[0]})"
    return _line(fit, of_correlation, label, at=here, ends=(here - down, here + up))


def _place(varcorr: VarCorr, along: tuple[str, ...]) -> tuple[int, list[int]]:
    """The position of a term, and those of its effects."""
    if len(along) not in {2, 3} or len(set(along[1:])) != len(along[1:]):
        raise OptionError(
            option="along", value=along, allowed="(group, effect) or (group, effect, other effect)"
        )
    labels = tuple(term.label for term in varcorr.terms)
    if along[0] not in labels:
        raise UnknownNameError(what="term", name=along[0], known=labels)
    position = labels.index(along[0])
    names = varcorr.terms[position].names
    for effect in along[1:]:
        if effect not in names:
            raise UnknownNameError(what=f"effect of {along[0]}", name=effect, known=names)
    return position, [names.index(effect) for effect in along[1:]]


def _component(varcorr: VarCorr, name: str) -> tuple[str, ...]:
    """The term and the effects of a standard deviation or correlation."""
    terms = [(term.group, term.names, term.structure) for term in varcorr.terms]
    components = {one.label: one for one in profiled_parameters((), terms, scale=False)}
    found = labels_named(name, components)
    if len(found) != 1:
        known = found or (*varcorr.theta_names, *components)
        raise UnknownNameError(what="parameter", name=name, known=known)
    at, places = components[found[0]].term, components[found[0]].places
    term = varcorr.terms[at or 0]
    return (term.label, *(term.names[place] for place in sorted(places)))


def line_of_a_combination(fit: Fitted, along: Combination) -> Line:
    """The line Σ̂ + xD on which covariances change; σ² is profiled out and does not follow it.

    Raises
    ------
    OptionError, UnknownNameError, NotAvailableError
        As `pylme.plot.profile_criterion_data`.
    """
    cov = [term.cov for term in fit.varcorr.terms]
    known = _names(fit.varcorr)
    change: dict[int, NDArray[np.float64]] = {}
    for name, weight in zip(along.names, along.weights, strict=True):
        if name == RESIDUAL_VARIANCE:
            continue
        if name not in known:
            raise UnknownNameError(what="covariance parameter", name=name, known=tuple(known))
        at, i, j = known[name]
        D = change.setdefault(at, np.zeros_like(cov[at]))
        D[i, j] = D[j, i] = weight
    if not change:
        raise OptionError(option="along", value=along.names, allowed="covariances that change")
    single = len(along.names) == 1
    here = float(cov[at][i, j]) if single else 0.0
    rate = along.weights[0] if single else 1.0

    def changed(x: float) -> Mapping[int, NDArray[np.float64]]:
        return {at: cov[at] + (x - here) / rate * D for at, D in change.items()}

    most = FAR * max(fit.sigma**2, *(float(np.abs(cov[at]).max()) for at in change))
    down, up = (
        min(_reach(cov[at], sign / rate * D, most) for at, D in change.items())
        for sign in (-1.0, 1.0)
    )
    label = along.names[0] if single else f"x in Σ̂ + x × ({' and '.join(along.names)})"
    return _line(fit, changed, label, at=here, ends=(here - down, here + up))


def _names(varcorr: VarCorr) -> dict[str, tuple[int, int, int]]:
    """The positions of all covariance parameters, by the names that identifiability gives them."""
    return {
        parameter_name(term.names[i], term.names[j], label=term.label): (at, i, j)
        for at, term in enumerate(varcorr.terms)
        for i, j in cells(len(term.names))
    }


def _line(
    fit: Fitted,
    covariances: Callable[[float], Mapping[int, NDArray[np.float64]]],
    label: str,
    *,
    at: float,
    ends: tuple[float, float],
) -> Line:
    """The line on which some terms have the covariances given, and the others those of the fit."""
    low, high = ends
    if high - low < 1e-4 * max(abs(at), 1e-8):
        raise NotAvailableError(
            asked=f"Following the criterion along: {label}",
            found="the fit is singular, and this covariance cannot change with the others fixed",
            remedy="Use another direction, such as an element of theta.",
        )
    structures = [term.structure for term in fit.varcorr.terms]
    starts = np.cumsum([0, *(structure.n_parameters for structure in structures)])

    def theta(x: float) -> NDArray[np.float64]:
        values = fit.theta.copy()
        for position, matrix in covariances(x).items():
            own = slice(starts[position], starts[position + 1])
            T = square_root(matrix / fit.sigma**2)
            values[own] = structures[position].parameters(T)
        return values

    return Line(label=label, at=at, low=low, high=high, theta=theta)


def _reach(matrix: NDArray[np.float64], change: NDArray[np.float64], most: float) -> float:
    """The largest x up to `most` for which Σ + xD is a covariance matrix: by bisection.

    Such x form an interval, because the covariance matrices are a convex set.
    """

    def possible(x: float) -> bool:
        moved = matrix + x * change
        if (np.diag(moved) < 0).any():
            return False
        scaled = np.nan_to_num(correlation(moved), nan=0.0, posinf=2.0, neginf=-2.0)
        return bool(np.linalg.eigvalsh(scaled)[0] > -1e-12)

    if possible(most):
        return most
    low, high = 0.0, most
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if possible(middle) else (low, middle)
    return low


Along: TypeAlias = "str | tuple[str, ...] | Combination | ArrayLike"


def line_along(fit: Fitted, along: Along) -> Line:
    """The line that `along` names.

    Raises
    ------
    UnknownNameError, OptionError, NotAvailableError
        As `pylme.plot.profile_criterion_data`.
    """
    require_fit(fit)
    if isinstance(along, str):
        names = fit.varcorr.theta_names
        if along not in names:
            return line_of_a_term(fit, _component(fit.varcorr, along))
        position = names.index(along)
        unit = np.eye(len(names))[position]
        return _straight(fit, unit, at=float(fit.theta[position]), label=f"θ of {along}")
    if isinstance(along, tuple) and all(isinstance(part, str) for part in along):
        return line_of_a_term(fit, along)
    if isinstance(along, Combination):
        return line_of_a_combination(fit, along)
    direction = _direction(along, len(fit.theta))
    return _straight(fit, direction, at=0.0, label="x in θ̂ + x × direction")


def _direction(along: object, m: int) -> NDArray[np.float64]:
    allowed = (
        "the name of an element of theta, (group, effect), (group, effect, other effect), "
        f"a combination of covariances, or {m} finite numbers, not all zero"
    )
    direction = number_array(along)
    if direction is None:
        raise OptionError(option="along", value=along, allowed=allowed)
    if direction.shape != (m,) or not np.isfinite(direction).all() or not direction.any():
        raise OptionError(option="along", value=along, allowed=allowed)
    return direction


def _straight(fit: Fitted, direction: NDArray[np.float64], *, at: float, label: str) -> Line:
    """The line θ̂ + (x - at) direction, as far as no diagonal element becomes negative."""
    theta = fit.theta
    reach = FAR * max(1.0, float(np.abs(theta).max())) / float(np.abs(direction).max())
    diagonal = fit.getme("lower") == 0
    start, rate = theta[diagonal], direction[diagonal]
    down = min([reach, *(start[rate > 0] / rate[rate > 0])])
    up = min([reach, *(start[rate < 0] / -rate[rate < 0])])
    return Line(
        label=label,
        at=at,
        low=at - down,
        high=at + up,
        theta=lambda x: theta + (x - at) * direction,
    )
