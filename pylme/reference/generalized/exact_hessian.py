"""The exact second derivatives of the Laplace approximation.

Differentiating the gradient (`laplace`) once more along one parameter, whose derivative is marked
by a dot, needs no new mode and no new row but the second derivative of w:

    u̇ = H⁻¹[Λ̇ᵀZᵀs - ΛᵀZᵀW_o(ZΛ̇û + Xβ̇)]      η̇ = Xβ̇ + Z(Λ̇û + Λu̇)      ṡ = -w_oη̇
    ẇ = w′η̇      ẇ_o = w_o′η̇      ċ = w″η̇h + w′ḣ
    ḣ_i and the blocks of d(ZᵀWZΛA⁻¹)      from Ȧ = d(ΛᵀZᵀWZΛ), by the algebra
    ρ = ċ - 2ṡ^A - ẇ_oZΛλ - w_oZΛ̇λ      λ̇ = H⁻¹[Λ̇ᵀZᵀr + ΛᵀZᵀρ + 2u̇]      ṙ = ρ - w_oZΛλ̇
    Ġ = Zᵀṙûᵀ + Zᵀru̇ᵀ + Zᵀṡλᵀ + Zᵀsλ̇ᵀ + 2 d(ZᵀWZΛA⁻¹)

ln ϑ changes the rows at a fixed η too, and ln 1/φ the penalty (`extra_parameter`).
All directions share each pass over the rows. A direction costs a third of a gradient, where a
difference of gradients takes two of them.

References
----------
Skaug & Fournier (2006), Computational Statistics & Data Analysis 51, 699-709.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.families.shape import shape_derivatives
from pylme.reference.generalized.extra_parameter import extra_curvature
from pylme.reference.generalized.mode import back, transformed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.generalized.criterion import GeneralizedCriterion, Point

__all__ = ["exact_hessian", "has_exact_hessian", "movement", "predicted_mode"]

Arrays = list["NDArray[np.float64]"]

#: Numbers in an array of all directions and rows that stay near the processor.
TOGETHER: Final = 60_000


def has_exact_hessian(criterion: GeneralizedCriterion) -> bool:
    """Whether the second derivatives of a criterion have this form."""
    return not criterion.joint and criterion.problem.n_agq == 1 and criterion.algebra.differentiable


def exact_hessian(criterion: GeneralizedCriterion, point: Point) -> NDArray[np.float64]:
    """The Hessian, shape (m + p [+ 1], m + p [+ 1]), at a point with its mode to the last digits.

    Parameters
    ----------
    criterion : GeneralizedCriterion
        A Laplace approximation whose mode is that of the random effects alone.
    point : Point
        With its gradient.
    """
    size = len(point.x)
    step = max(1, TOGETHER // len(criterion.offset))
    directions = _Directions(criterion, point)
    parts = [
        directions.slopes(np.arange(begin, min(begin + step, size)))
        for begin in range(0, size, step)
    ]
    H = np.concatenate(parts)
    if criterion.problem.extra:
        H[:-1, -1] = H[-1, :-1]
    return np.asarray(0.5 * (H + H.T))


def movement(criterion: GeneralizedCriterion, point: Point) -> tuple[Arrays, NDArray[np.float64]]:
    """The derivatives of the mode by θ and β, shapes (m + p, K_f, J_f), and of η, (m + p, n)."""
    return _Directions(criterion, point).movement(np.arange(criterion.m + criterion.p))


def predicted_mode(
    criterion: GeneralizedCriterion, point: Point, step: NDArray[np.float64]
) -> Arrays:
    """The mode at the parameters of a point plus a step, to first order.

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
    moving = -d.observed * along
    if criterion.problem.shape_free and step[-1] != 0.0:
        objective, _ = criterion.objective_at(point.x)
        moving += step[-1] * shape_derivatives(objective.rows, mode.eta, observed=False).score
    right = [
        a + b
        for a, b in zip(
            back(change, algebra.gather(d.score)), back(T, algebra.gather(moving)), strict=True
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
        self.objective, self.k = criterion.objective_at(point.x)
        self.extra = None
        if criterion.problem.extra:
            observed = criterion.problem.laplace == "observed"
            self.extra = extra_curvature(self.objective, self.mode, self.k, observed=observed)

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
        of_theta, of_beta = places < m, (places >= m) & (places < m + criterion.p)
        along[of_beta] = criterion.Xt[places[of_beta] - m]
        if of_theta.any():
            along[of_theta] = algebra.expand(
                [unit[of_theta] @ u for unit, u in zip(units, self.mode.u, strict=True)]
            )
        right = back(self.T, algebra.gather(d.observed * along - self._of_rows("score", places)))
        moved: Arrays = self.mode.H.solve(
            [
                unit.swapaxes(1, 2) @ s - each
                for unit, s, each in zip(units, self.scores, right, strict=True)
            ]
        )
        along += algebra.expand(transformed(self.T, moved))
        return moved, along

    def _of_rows(self, name: str, places: NDArray[np.intp]) -> Any:
        """What of the rows changes at a fixed η, shape (D, n); 0 where nothing does."""
        if self.extra is None or self.extra.rows is None or places[-1] < len(self.point.x) - 1:
            return 0.0
        return np.append(np.zeros(len(places) - 1), 1.0)[:, None] * getattr(self.extra.rows, name)

    def slopes(self, places: NDArray[np.intp]) -> NDArray[np.float64]:
        """The derivatives of the gradient, shape (D, m + p [+ 1]).

        The last column is known in the last row alone: elsewhere it is left to symmetry.
        """
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
        dw = slope * deta + self._of_rows("information", places)
        dh, blocks = algebra.change(T, units, slopes.at.A, (w, dw))
        objective, k = self.objective, self.k
        change = -2.0 * objective.change_of_score(mode.eta, mode.values, deta, k)
        second = objective.rows.second_slope(mode.eta, observed=observed)
        change += h * (second * deta + self._of_rows("information_slope", places))
        change += slope * dh
        change -= along * (d.observed_slope * deta + self._of_rows("observed", places))
        if (turned := places < m).any():
            change[turned] -= d.observed * algebra.expand(
                [unit[turned] @ lam for unit, lam in zip(units, adjoint, strict=True)]
            )
        penalty = k if objective.likelihood else 1.0
        last = self.extra is not None and places[-1] == len(point.x) - 1
        if self.extra is not None and last:
            change[-1] -= 2.0 * self.extra.score
        rho = algebra.gather(slopes.r)
        right = [
            a + unit.swapaxes(1, 2) @ b + 2.0 * penalty * c
            for a, unit, b, c in zip(back(T, algebra.gather(change)), units, rho, du, strict=True)
        ]
        if self.extra is not None and last:
            for part, u in zip(right, mode.u, strict=True):
                part[-1] += 2.0 * self.extra.penalty * u
        dadjoint = mode.H.solve(right)
        dalong = algebra.expand(transformed(T, dadjoint))
        change -= d.observed * dalong
        dscores = algebra.gather(self._of_rows("score", places) - d.observed * deta)
        made = np.full((len(places), len(point.x)), np.nan)
        parts = zip(
            algebra.gather(change), mode.u, rho, du, dscores, adjoint, self.scores, dadjoint,
            blocks, strict=True,
        )  # fmt: skip
        G = [
            zr @ u.T + r @ u_.swapaxes(1, 2) + zs @ lam.T + s @ lam_.swapaxes(1, 2) + 2.0 * block
            for zr, u, r, u_, zs, lam, s, lam_, block in parts
        ]
        made[:, :m] = criterion.layout.theta(G)
        made[:, m : m + criterion.p] = change @ criterion.Xt.T
        if self.extra is not None and last:
            made[-1, -1] = self._of_extra(deta[-1], dh[-1], dalong[-1])
        return made

    def _of_extra(
        self, deta: NDArray[np.float64], dh: NDArray[np.float64], dalong: NDArray[np.float64]
    ) -> float:
        """The second derivative by ln ϑ or ln 1/φ."""
        slopes, extra = self.point.slopes, self.extra
        assert slopes is not None and slopes.at is not None and extra is not None  # noqa: S101, PT018  (asked for where there are)
        at, rows = slopes.at, extra.rows
        if rows is None:
            return extra.second
        total = -2.0 * extra.score @ deta + dh @ rows.information + dalong @ rows.score
        total += at.h @ (rows.information_twice + rows.information_slope * deta)
        return extra.second + float(total + at.along @ (rows.score_twice - rows.observed * deta))
