"""The exact second derivatives of the Laplace approximation by θ and β.

Differentiating the gradient (`laplace`) once more along one parameter, whose derivative is marked
by a dot, needs no new mode and no new row but the second derivative of w:

    u̇ = H⁻¹[Λ̇ᵀZᵀs - ΛᵀZᵀW_o(ZΛ̇û + Xβ̇)]      η̇ = Xβ̇ + Z(Λ̇û + Λu̇)      ṡ = -w_oη̇
    ẇ = w′η̇      ẇ_o = w_o′η̇      ċ = w″η̇h + w′ḣ
    ḣ_i and the blocks of d(ZᵀWZΛA⁻¹)      from Ȧ = d(ΛᵀZᵀWZΛ), by the algebra
    ρ = ċ - 2ṡ^A - ẇ_oZΛλ - w_oZΛ̇λ      λ̇ = H⁻¹[Λ̇ᵀZᵀr + ΛᵀZᵀρ + 2u̇]      ṙ = ρ - w_oZΛλ̇
    Ġ = Zᵀṙûᵀ + Zᵀru̇ᵀ + Zᵀṡλᵀ + Zᵀsλ̇ᵀ + 2 d(ZᵀWZΛA⁻¹)

All directions share each pass over the rows. A direction costs a third of a gradient, where a
difference of gradients takes two of them.

References
----------
Skaug & Fournier (2006), Computational Statistics & Data Analysis 51, 699-709.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.reference.generalized.mode import back, transformed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.generalized.criterion import GeneralizedCriterion, Point

__all__ = ["exact_hessian", "has_exact_hessian", "movement", "predicted_mode"]

Arrays = list["NDArray[np.float64]"]

#: Numbers in an array of all directions and rows that stay near the processor.
TOGETHER: Final = 60_000


def has_exact_hessian(criterion: GeneralizedCriterion) -> bool:
    """Whether the second derivatives of a criterion by θ and β have this form."""
    return not criterion.joint and criterion.problem.n_agq == 1 and criterion.algebra.differentiable


def exact_hessian(criterion: GeneralizedCriterion, point: Point) -> NDArray[np.float64]:
    """The Hessian by θ and β, shape (m + p, m + p), at a point with its mode to the last digits.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        A Laplace approximation whose mode is that of the random effects alone.
    point : Point
        With its gradient.
    """
    size = criterion.m + criterion.p
    step = max(1, TOGETHER // len(criterion.offset))
    directions = _Directions(criterion, point)
    parts = [
        directions.slopes(np.arange(begin, min(begin + step, size)))
        for begin in range(0, size, step)
    ]
    H = np.concatenate(parts)
    return np.asarray(0.5 * (H + H.T))


def movement(criterion: GeneralizedCriterion, point: Point) -> tuple[Arrays, NDArray[np.float64]]:
    """The derivatives of the mode by θ and β, shapes (m + p, K_f, J_f), and of η, (m + p, n)."""
    return _Directions(criterion, point).movement(np.arange(criterion.m + criterion.p))


def predicted_mode(
    criterion: GeneralizedCriterion, point: Point, step: NDArray[np.float64]
) -> Arrays:
    """The mode at the parameters of a point plus a step, to first order; by θ and β only.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        Whose mode is that of the random effects alone.
    point : Point
        With its mode.
    step : ndarray, shape (m + p [+ 1],)
    """
    mode, m, p = point.mode, criterion.m, criterion.p
    assert mode is not None  # noqa: S101  (asked for where there is one)
    algebra, d = criterion.algebra, mode.values.derivatives
    T, change = criterion.factors(point.x[:m]), criterion.factors(step[:m])
    along = step[m : m + p] @ criterion.Xt
    along += algebra.expand(transformed(change, mode.u))
    right = [
        a - b
        for a, b in zip(
            back(change, algebra.gather(d.score)),
            back(T, algebra.gather(d.observed * along)),
            strict=True,
        )
    ]
    moved: Arrays = mode.H.solve(right)
    return [u + du for u, du in zip(mode.u, moved, strict=True)]


class _Directions:
    """What the derivatives along all parameters have in common."""

    def __init__(self, criterion: GeneralizedCriterion, point: Point) -> None:
        assert point.mode is not None  # noqa: S101  (asked for where there is one)
        self.criterion, self.point, self.mode = criterion, point, point.mode
        self.T = criterion.factors(point.x[: criterion.m])
        self.scores = criterion.algebra.gather(self.mode.values.derivatives.score)

    def _units(self, places: NDArray[np.intp]) -> Arrays:
        """The T_f changed by each parameter, shapes (D, K_f, K_f)."""
        unit = np.zeros((len(places), self.criterion.m))
        at = np.flatnonzero(places < self.criterion.m)
        unit[at, places[at]] = 1.0
        return self.criterion.layout.matrices(unit)

    def movement(self, places: NDArray[np.intp]) -> tuple[Arrays, NDArray[np.float64]]:
        """The derivatives of û and η."""
        criterion, d = self.criterion, self.mode.values.derivatives
        algebra, m = criterion.algebra, criterion.m
        units = self._units(places)
        along = np.zeros((len(places), len(criterion.offset)))
        of_theta, of_beta = places < m, places >= m
        along[of_beta] = criterion.Xt[places[of_beta] - m]
        if of_theta.any():
            along[of_theta] = algebra.expand(
                [unit[of_theta] @ u for unit, u in zip(units, self.mode.u, strict=True)]
            )
        right = back(self.T, algebra.gather(d.observed * along))
        moved: Arrays = self.mode.H.solve(
            [
                unit.swapaxes(1, 2) @ s - each
                for unit, s, each in zip(units, self.scores, right, strict=True)
            ]
        )
        along += algebra.expand(transformed(self.T, moved))
        return moved, along

    def slopes(self, places: NDArray[np.intp]) -> NDArray[np.float64]:
        """The derivatives of the gradient, shape (D, m + p)."""
        criterion, point, mode, T = self.criterion, self.point, self.mode, self.T
        algebra, m = criterion.algebra, criterion.m
        slopes = point.slopes
        assert slopes is not None and slopes.at is not None  # noqa: S101, PT018  (by Laplace)
        d, units = mode.values.derivatives, self._units(places)
        observed = criterion.problem.laplace == "observed"
        w = d.observed if observed else d.expected
        du, deta = self.movement(places)
        slope = d.observed_slope if observed else d.expected_slope
        h, along, adjoint = slopes.at.h, slopes.at.along, slopes.at.adjoint
        dh, blocks = algebra.change(T, units, slopes.at.A, (w, slope * deta))
        objective, k = criterion.objective_at(point.x)
        change = -2.0 * objective.change_of_score(mode.eta, mode.values, deta, k)
        change += objective.rows.second_slope(mode.eta, observed=observed) * h * deta
        change += slope * dh
        change -= d.observed_slope * along * deta
        if (turned := places < m).any():
            change[turned] -= d.observed * algebra.expand(
                [unit[turned] @ lam for unit, lam in zip(units, adjoint, strict=True)]
            )
        penalty = k if objective.likelihood else 1.0
        rho = algebra.gather(slopes.r)
        right = [
            a + unit.swapaxes(1, 2) @ b + 2.0 * penalty * c
            for a, unit, b, c in zip(back(T, algebra.gather(change)), units, rho, du, strict=True)
        ]
        dadjoint = mode.H.solve(right)
        change -= d.observed * algebra.expand(transformed(T, dadjoint))
        dscores = algebra.gather(-d.observed * deta)
        made = np.empty((len(places), m + criterion.p))
        parts = zip(
            algebra.gather(change), mode.u, rho, du, dscores, adjoint, self.scores, dadjoint,
            blocks, strict=True,
        )  # fmt: skip
        G = [
            zr @ u.T + r @ u_.swapaxes(1, 2) + zs @ lam.T + s @ lam_.swapaxes(1, 2) + 2.0 * block
            for zr, u, r, u_, zs, lam, s, lam_, block in parts
        ]
        made[:, :m] = criterion.layout.theta(G)
        made[:, m:] = change @ criterion.Xt.T
        return made
