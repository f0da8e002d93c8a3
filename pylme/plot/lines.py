"""The line through θ̂ that a user names: an element of θ, a direction of it, or covariances."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pylme.covariance.names import theta_names
from pylme.errors import OptionError, UnknownNameError
from pylme.options import number_array
from pylme.plot.covariance_lines import line_of_a_combination, line_of_a_term
from pylme.plot.fitted import require_fit
from pylme.plot.line import FAR, Combination, Line

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pylme.plot.fitted import Fitted

__all__ = ["Along", "line_along"]

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
        names = theta_names((term.group, term.names) for term in fit.varcorr.terms)
        if along not in names:
            raise UnknownNameError(what="element of theta", name=along, known=names)
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
