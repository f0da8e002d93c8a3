"""The search for the optimum of a generalized problem, and the proof of what it found.

From the generalized linear model and the EM variances (`starting`) BFGS descends, from the working
Hessian, in well-conditioned columns. Where it ends near the boundary the boundary is tried; where
variance that is added lowers the criterion the search goes on from there. The Hessian at the end
is a difference of exact gradients, and gives the certificate and the covariance of the estimates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.reference.generalized.criterion import Point
from pylme.reference.generalized.evaluate import second_derivatives
from pylme.reference.generalized.exact_hessian import has_exact_hessian, predicted_mode
from pylme.reference.generalized.optimum.boundary import (
    escape_from,
    free_on_face,
    snapped,
    with_variance,
)
from pylme.reference.generalized.optimum.conditioning import Conditioned, conditioned
from pylme.reference.generalized.optimum.descent import ENOUGH, Evaluations, descend
from pylme.reference.generalized.optimum.poisson_limit import has_poisson_limit
from pylme.reference.generalized.optimum.starting import (
    GlmFit,
    fit_glm,
    joint_beginning,
    starting_factors,
    starting_shape,
)
from pylme.reference.generalized.optimum.working import curvature_by_extra, working_hessian
from pylme.reference.optimize.boundary import NEAR
from pylme.results.certificate import FLAT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.reference.generalized.criterion import GeneralizedCriterion
    from pylme.reference.generalized.mode import Mode
    from pylme.reference.generalized.optimum.descent import Descent

__all__ = ["Found", "NoModeError", "find"]

MOST_ESCAPES: Final = 8
#: What added variance must promise for the search to go on from there.
PROMISED: Final = 1e-7
#: The criterion on the boundary may be higher by so much, which rounding and the ends of both
#: searches leave open.
SAME: Final = 1e-8
#: A promised fall of so little is 3e-6 standard errors from the end.
NEAR_ENOUGH: Final = 1e-11
#: 1e-8 standard errors from the end a step takes the parameters no nearer.
FINISHED: Final = 1e-16
#: Ends that differ by less are the same.
AGREE: Final = 1e-5
#: A curvature (least over greatest, on the face) below which another start is worth its time.
WEAK: Final = 1e-3
#: So few levels of a factor with correlated effects may have several minima.
FEW_LEVELS: Final = 10
#: Multiples of the identity, in well-conditioned columns, from which further searches start.
FURTHER: Final = (0.3, 3.0)
#: Links whose penalised deviance need not be convex in u.
NOT_CONVEX: Final = ("identity", "inverse", "1/mu^2", "sqrt", "cauchit")


class NoModeError(ArithmeticError):
    """No start has a finite criterion."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Where the search ended.

    Attributes
    ----------
    inner : Conditioned
        The well-conditioned columns of the search.
    point : Point
        The end in these columns, with the mode to the last digits.
    hessian : ndarray
        There, by the inner parameters.
    free : ndarray of int
        The parameters that move on the face of the end.
    expected_fall, curvature, escape : float
        As in `pylme.results.certificate.Certificate`.
    converged : bool
    evaluations : Evaluations
    starts, agreed : int
    glm : GlmFit
    """

    inner: Conditioned
    point: Point
    hessian: NDArray[np.float64]
    free: NDArray[np.intp]
    expected_fall: float
    curvature: float
    escape: float
    converged: bool
    evaluations: Evaluations
    starts: int
    agreed: int
    glm: GlmFit

    @property
    def x(self) -> NDArray[np.float64]:
        """The caller's parameters, with diagonals of the covariance factors of zero or more."""
        criterion = self.inner.criterion
        x = self.inner.to_outer @ self.point.x
        T = [positive_diagonal(T_f) for T_f in criterion.factors(x[: criterion.m])]
        return np.concatenate([criterion.theta(T), x[criterion.m :]])

    @property
    def u(self) -> list[NDArray[np.float64]] | None:
        """The random effects u that belong to `x`."""
        criterion, mode = self.inner.criterion, self.point.mode
        if mode is None:
            return None
        T = criterion.factors((self.inner.to_outer @ self.point.x)[: criterion.m])
        return [
            part * np.where(np.diag(T_f) < 0.0, -1.0, 1.0)[:, None]
            for T_f, part in zip(T, mode.u, strict=True)
        ]

    @property
    def mode(self) -> Mode | None:
        """The mode at `x`, without the factored H; β, η and the rows do not depend on columns."""
        if self.point.mode is None or (u := self.u) is None:
            return None
        m, p = self.inner.criterion.m, self.inner.criterion.p
        return replace(self.point.mode, u=u, beta=self.x[m : m + p], H=None, joint=None)

    @property
    def signs(self) -> NDArray[np.float64]:
        """The signs of the caller's parameters that `x` changed."""
        criterion, layout = self.inner.criterion, self.inner.criterion.layout
        T = criterion.factors((self.inner.to_outer @ self.point.x)[: criterion.m])
        signs = np.ones(len(self.point.x))
        for k in range(criterion.m):
            T_f, column = T[layout.factor_of[k]], layout.column[k]
            signs[k] = -1.0 if T_f[column, column] < 0.0 else 1.0
        return signs


def positive_diagonal(T: NDArray[np.float64]) -> NDArray[np.float64]:
    """The factor of the same covariance matrix with a diagonal of zero or more."""
    return T * np.where(np.diag(T) < 0.0, -1.0, 1.0)


def find(
    criterion: GeneralizedCriterion,
    *,
    eta: NDArray[np.float64] | None = None,
    start: NDArray[np.float64] | None = None,
) -> Found:
    """Search for the optimum.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        In the caller's columns.
    eta : ndarray, shape (n,), optional
        A linear predictor to start from, in the order of the criterion's rows.
    start : ndarray, shape (m,) or (m + p,), optional
        θ, or θ and β, to start from.

    Raises
    ------
    NoModeError
        If the criterion is not finite at any start.
    """
    glm = fit_glm(_rows_of_glm(criterion), criterion.Xt, criterion.offset, eta)
    if glm is None:
        raise NoModeError
    inner = conditioned(criterion, glm.values.derivatives.expected)
    first, *others = _starts(inner, glm, start)
    seen = Evaluations()
    # The curvature by ϑ changes so much with β that a good β saves evaluations; else it does not.
    beginning = (
        start is None and inner.criterion.problem.shape_free and inner.criterion.algebra.separable
    )
    best = _descended(inner.criterion, first, seen, beginning=beginning)
    starts = agreed = 1
    if best is None or (start is None and _doubtful(inner.criterion, best)):
        for x in others:
            starts += 1
            other = _descended(inner.criterion, x, seen, beginning=beginning)
            if other is None:
                continue
            if best is None or other.point.value < best.point.value - AGREE:
                best, agreed = other, 1
            elif other.point.value <= best.point.value + AGREE:
                agreed += 1
                best = min(best, other, key=lambda end: end.point.value)
    if best is None:
        raise NoModeError
    return _ended(inner, best, seen, glm, starts=starts, agreed=agreed)


def _rows_of_glm(criterion: GeneralizedCriterion):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """Rows of the model without random effects: those of a negative binomial start as Poisson."""
    rows = criterion.rows
    if criterion.problem.shape_free:
        return type(rows).of(replace(rows.family, name="poisson", shape=None), rows.y, rows.weights)
    return rows


def _starts(
    inner: Conditioned, glm: GlmFit, start: NDArray[np.float64] | None
) -> Iterator[NDArray[np.float64]]:
    """Where searches begin, by the inner parameters, the best first."""
    criterion = inner.criterion
    m, p = criterion.m, criterion.p
    beta = inner.to_inner[m : m + p, m : m + p] @ glm.beta
    extra, values = [], glm.values
    if criterion.problem.shape_free:
        shape = starting_shape(criterion, glm)
        extra, values = [np.log(shape)], criterion.rows.with_shape(shape).at(glm.eta)
    elif criterion.problem.extra:
        D = float(glm.values.deviance.sum())
        extra = [np.log(2.0 * criterion.objective.nu / D) if D > 0.0 else 0.0]
    if start is not None:
        theta = inner.to_inner[:m, :m] @ start[:m]
        if len(start) == m + p:
            beta = inner.to_inner[m : m + p, m : m + p] @ start[m:]
        yield np.concatenate([theta, beta, extra])
    yield np.concatenate([criterion.theta(starting_factors(criterion, values)), beta, extra])
    for size in FURTHER:
        T = [size * np.eye(factor.width) for factor in criterion.layout.factors]
        yield np.concatenate([criterion.theta(T), beta, extra])
    # Nearly none: what is left where larger variances have no mode.
    T = [0.01 * np.eye(factor.width) for factor in criterion.layout.factors]
    yield np.concatenate([criterion.theta(T), beta, extra])


def _descended(
    criterion: GeneralizedCriterion,
    x: NDArray[np.float64],
    seen: Evaluations,
    *,
    beginning: bool = False,
) -> Descent | None:
    """The end of the descent from x, on the boundary if it belongs there; None without a value.

    With `beginning`, β is first moved to the mode that it has jointly with the random effects.
    """
    u = None
    if beginning:
        x, u = joint_beginning(criterion, x)
    point = criterion.at(x, start=u)
    seen.note(point, accepted=True)
    if point.gradient is None:
        return None
    end = descend(criterion, point, _curvature(criterion, point), free=criterion.free, seen=seen)
    for _ in range(MOST_ESCAPES):
        face = _on_boundary(criterion, end, seen)
        if face is None:
            return end
        found = escape_from(criterion, face.point)
        if found.gain <= PROMISED:
            return face
        moved = _escaped(criterion, face, seen)
        if moved is None or moved.point.value >= end.point.value - SAME:
            # The interior end was no worse: the boundary was not reached.
            return min(end, face, key=lambda each: each.point.value)
        end = moved
    return end


def _curvature(criterion: GeneralizedCriterion, point: Point) -> NDArray[np.float64]:
    """The working Hessian, with the curvature by ln ϑ or ln 1/φ."""
    B = working_hessian(criterion, point)
    if criterion.problem.extra and has_exact_hessian(criterion):
        B[-1, -1] = max(curvature_by_extra(criterion, point), 1e-2)
    elif criterion.problem.extra and point.gradient is not None and point.mode is not None:
        x = point.x.copy()
        x[-1] += 1e-3
        there = criterion.at(x, start=point.mode.u)
        if there.gradient is not None:
            B[-1, -1] = max((there.gradient[-1] - point.gradient[-1]) / 1e-3, 1e-2)
    return B


def _on_boundary(
    criterion: GeneralizedCriterion, end: Descent, seen: Evaluations
) -> Descent | None:
    """The end moved to the boundary and settled there; None where it is higher, or not near."""
    x = snapped(criterion, end.point.x)
    free = free_on_face(criterion, x)
    if len(free) == len(criterion.free):
        return None
    mode = end.point.mode
    point = criterion.at(x, start=None if mode is None else _rotated(criterion, end.point, x))
    seen.note(point, accepted=False)
    if point.gradient is None or point.value > end.point.value + 1.0:
        return None
    settled = descend(criterion, point, end.B, free=free, seen=seen)
    if settled.point.value > end.point.value + SAME * (1.0 + 1e-6 * abs(end.point.value)):
        return None
    return settled


def _rotated(
    criterion: GeneralizedCriterion, point: Point, x: NDArray[np.float64]
) -> list[NDArray[np.float64]] | None:
    """Random effects to start from; the columns of T change places where a pivot is zero."""
    assert point.mode is not None  # noqa: S101  (of ends)
    before, after = criterion.factors(point.x[: criterion.m]), criterion.factors(x[: criterion.m])
    u = []
    for old, new, part in zip(before, after, point.mode.u, strict=True):
        moved = np.linalg.lstsq(new, old @ part, rcond=1e-10)[0] if len(old) > 1 else part
        u.append(np.asarray(moved))
    return u


def _escaped(criterion: GeneralizedCriterion, face: Descent, seen: Evaluations) -> Descent | None:
    """The end of the search that goes on with variance added; None where that never helps."""
    found = escape_from(criterion, face.point)
    share = 1.0
    for _ in range(8):
        point = criterion.at(with_variance(criterion, face.point.x, found, share))
        lower = point.gradient is not None and point.value < face.point.value
        seen.note(point, accepted=lower)
        if lower:
            return descend(
                criterion, point, _curvature(criterion, point), free=criterion.free, seen=seen
            )
        share *= 0.25
    return None


def _doubtful(criterion: GeneralizedCriterion, end: Descent) -> bool:
    """Whether another start might end elsewhere."""
    factors = criterion.layout.factors
    T = criterion.factors(end.point.x[: criterion.m])
    small = any((np.abs(np.diag(T_f)) < NEAR).any() for T_f in T)
    few = criterion.m > 1 and any(f.levels < FEW_LEVELS and f.width > 1 for f in factors)
    wild = criterion.rows.family.link in NOT_CONVEX
    return not end.converged or small or few or wild


def _ended(
    inner: Conditioned,
    end: Descent,
    seen: Evaluations,
    glm: GlmFit,
    *,
    starts: int,
    agreed: int,
) -> Found:
    """The end with its derivatives, after a step of Newton's where that helps."""
    criterion = inner.criterion
    free = free_on_face(criterion, end.point.x)
    if has_poisson_limit(criterion, end.point):
        # The criterion does not depend on ln ϑ there.
        free = free[free < criterion.m + criterion.p]
    point = _near_end(criterion, end, free, seen)
    H = second_derivatives(criterion, point)
    fall, curvature = _promise(point, H, free)
    if FINISHED < fall < 1e-2 and curvature > FLAT and len(free):
        assert point.gradient is not None  # noqa: S101  (a fall was computed from it)
        step = np.zeros(len(point.x))
        step[free] = -np.linalg.solve(H[np.ix_(free, free)], point.gradient[free])
        new = _stepped(criterion, point, step)
        within = new.value <= point.value + 1e-12 * abs(point.value)
        seen.note(new, accepted=within)
        if within:
            point = new
            fall, curvature = _promise(point, H, free)
    if point is end.point:
        point = criterion.exactly(point.x, None if point.mode is None else point.mode.u)
        fall, curvature = _promise(point, H, free)
    return Found(
        inner=inner, point=point, hessian=H, free=free, expected_fall=fall, curvature=curvature,
        escape=escape_from(criterion, point).gain, converged=end.converged, evaluations=seen,
        starts=starts, agreed=agreed, glm=glm,
    )  # fmt: skip


def _near_end(
    criterion: GeneralizedCriterion, end: Descent, free: NDArray[np.intp], seen: Evaluations
) -> Point:
    """Where the Hessian is taken: so near the end that a step with it leaves no more to gain."""
    point = end.point
    if end.converged and point.gradient is not None and len(free):
        step = np.zeros(len(point.x))
        step[free] = -np.linalg.solve(end.B[np.ix_(free, free)], point.gradient[free])
        promised = -0.5 * float(step @ point.gradient)
        # What is differenced needs the last digits of the mode; closed forms do not.
        if promised < NEAR_ENOUGH and has_exact_hessian(criterion):
            return point
        if promised < ENOUGH:
            new = _stepped(criterion, point, step)
            within = new.value <= point.value + 1e-12 * abs(point.value)
            seen.note(new, accepted=within)
            if within:
                return new
    return criterion.exactly(point.x, None if point.mode is None else point.mode.u)


def _stepped(criterion: GeneralizedCriterion, point: Point, step: NDArray[np.float64]) -> Point:
    """The point a small step further, its mode to the last digits."""
    start = None if point.mode is None else point.mode.u
    if start is not None and not criterion.joint:
        start = predicted_mode(criterion, point, step)
    return criterion.exactly(point.x + step, start)


def _promise(point: Point, H: NDArray[np.float64], free: NDArray[np.intp]) -> tuple[float, float]:
    """½gᵀH⁻¹g, and the least curvature over the greatest, on the face."""
    part = H[np.ix_(free, free)]
    if point.gradient is None or not np.isfinite(part).all():
        return np.inf, np.nan
    if not len(free):
        return 0.0, 1.0
    g = point.gradient[free]
    values, vectors = np.linalg.eigh(part)
    along = vectors.T @ g
    bent = values > FLAT * values[-1]
    fall = 0.5 * float((along[bent] ** 2 / values[bent]).sum())
    return fall, float(values[0] / values[-1])
