"""The Laplace approximation of many responses on one design with one grouping factor, at once.

The formulas are those of `laplace` and `mode`, with an axis for the responses in front and for
families whose observed information is the expected one. Each response has its own parameters (θ,
β). The optimum is found by BFGS from a differenced Hessian, in well-conditioned columns; a last
step of Newton's with the Hessian there takes it to the digits of the gradient.

References
----------
Nocedal & Wright (2006), Numerical Optimization, 2nd edition, section 6.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pylme.families.rows import RowFunction
from pylme.reference.problem.layout import layout_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.families import Family
    from pylme.families.rows import RowValues
    from pylme.model_matrix.random_term import RandomTerm
    from pylme.reference.problem.layout import Layout

__all__ = ["ManyLaplace", "ManyOptima"]

Array = NDArray[np.float64]

#: The predicted fall of D + uᵀu at which the iterations of a mode end.
_MODE: Final = 1e-10
_ITERATIONS: Final = 60
#: The predicted fall of the criterion at which a search ends.
_ENOUGH: Final = 1e-10
_STEPS: Final = 60
_HALVINGS: Final = 12
#: Of an element of A, beyond which its inverse has no digits.
_LARGEST: Final = 1e14
#: The step of a difference, in units of columns of mean square 1.
_DIFFERENCE: Final = 1e-5
#: The standard deviation of the effects where searches start, in these units.
_START: Final = 0.6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ManyOptima:
    """Where the searches ended.

    Attributes
    ----------
    theta : ndarray, shape (R, m)
        In lme4's order, diagonals of zero or more.
    beta : ndarray, shape (R, p)
    value : ndarray, shape (R,)
        The criterion less what does not depend on the parameters.
    vcov : ndarray, shape (R, p, p)
        Of β, from the inverse Hessian by all parameters; NaN where it is not positive definite.
    expected_fall : ndarray, shape (R,)
        Half the squared length of the gradient in the inverse Hessian.
    pivots : ndarray, shape (R,)
        The least diagonal element of θ, for columns of mean square 1.
    far : ndarray, shape (R,)
        The largest linear predictor, in absolute value.
    evaluations : int
    """

    theta: Array
    beta: Array
    value: Array
    vcov: Array
    expected_fall: Array
    pivots: Array
    far: Array
    evaluations: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Point:
    value: Array
    gradient: Array
    u: Array


class ManyLaplace:
    """The criterion of R responses.

    Parameters
    ----------
    family : Family
        With its canonical link: binomial or Poisson.
    Y, weights : ndarray, shape (R, n)
        Responses (proportions for the binomial) and prior weights (times trials).
    X : ndarray, shape (n, p)
    terms : sequence of RandomTerm
        Of one grouping factor.
    offset : ndarray, shape (n,)
    """

    def __init__(
        self,
        family: Family,
        Y: Array,
        weights: Array,
        *,
        X: Array,
        terms: Sequence[RandomTerm],
        offset: Array,
    ) -> None:
        codes = terms[0].codes
        order = np.argsort(codes, kind="stable")
        self._codes = codes[order]
        self._starts = np.flatnonzero(np.diff(self._codes, prepend=-1))
        # Levels that have no rows in these have no part in anything.
        self._codes = np.cumsum(np.diff(self._codes, prepend=self._codes[0]) > 0)
        self._layout: Layout = layout_of(terms)
        z = np.concatenate([terms[t].columns for t in self._layout.factors[0].terms], axis=1)[order]
        self._size_z = np.sqrt((z * z).mean(axis=0))
        self._size_z[self._size_z == 0.0] = 1.0
        self._z = z / self._size_z
        Q, self._back = np.linalg.qr(X[order])
        root = np.sqrt(len(X))
        self._X, self._back = Q * root, self._back / root
        self._offset = offset[order]
        self._rows = RowFunction.of(family, Y[:, order], weights[:, order])
        self.m, self.p = len(self._layout.row), X.shape[1]
        self.evaluations = 0

    def optima(self) -> ManyOptima:
        """The optimum of each response."""
        R = len(self._rows.y)
        x = np.zeros((R, self.m + self.p))
        x[:, : self.m][:, self._layout.diagonal] = _START
        with np.errstate(all="ignore"):
            x[:, self.m :] = self._without_effects()
            far = np.abs(self._eta(x[:, self.m :])).max(axis=1)
            point = self.at(x)
            B = _positive(self._hessian(x, point, central=False))
            x, point = self._descended(x, point, B)
            # The Hessian changes with the last steps, and is taken after another one.
            x, point = self._stepped(x, point, B)
            H = self._hessian(x, point, central=True)
            x, point = self._stepped(x, point, H)
            fall = 0.5 * (point.gradient * _solved(H, point.gradient)).sum(axis=1)
            return self._callers(x, point.value, H, fall, far)

    def _stepped(self, x: Array, point: _Point, H: Array) -> tuple[Array, _Point]:
        """The points a step of Newton's further, where the criterion is no higher there."""
        step = _solved(H, -point.gradient)
        new = self.at(x + step, point.u)
        better = np.asarray(new.value <= point.value + 1e-12 * np.abs(point.value))
        return np.where(better[:, None], x + step, x), _Point(
            value=np.where(better, new.value, point.value),
            gradient=np.where(better[:, None], new.gradient, point.gradient),
            u=np.where(better[:, None, None], new.u, point.u),
        )

    def _callers(self, x: Array, value: Array, H: Array, fall: Array, far: Array) -> ManyOptima:
        """The ends in the columns of the caller."""
        T = self._layout.matrices(x[:, : self.m])[0]
        T = T * np.where(T.diagonal(axis1=1, axis2=2) < 0, -1.0, 1.0)[:, None]
        pivots = T.diagonal(axis1=1, axis2=2).min(axis=1)
        theta = self._layout.theta([T / self._size_z[:, None]])
        positive = np.asarray(np.isfinite(H).all(axis=(1, 2)))
        safe = np.where(positive[:, None, None], H, np.eye(H.shape[1]))
        positive &= np.linalg.eigvalsh(safe)[:, 0] > 0
        safe = np.where(positive[:, None, None], safe, np.eye(H.shape[1]))
        inner = 2.0 * np.linalg.inv(safe)[:, self.m :, self.m :]
        back = np.linalg.inv(self._back) if self.p else self._back
        vcov = back @ inner @ back.T
        return ManyOptima(
            theta=theta,
            beta=x[:, self.m :] @ back.T,
            value=value,
            vcov=np.where(positive[:, None, None], vcov, np.nan),
            expected_fall=np.where(positive, fall, np.inf),
            pivots=pivots,
            far=far,
            evaluations=self.evaluations,
        )

    def at(
        self, x: Array, start: Array | None = None, which: NDArray[np.intp] | None = None
    ) -> _Point:
        """The criterion and its gradient at parameters of shape (R, m + p).

        Parameters
        ----------
        x : ndarray, shape (R, m + p)
        start : ndarray, shape (R, J, K), optional
            Random effects u from which the iterations start.
        which : ndarray of int, shape (R,), optional
            The responses; by default all of them.
        """
        self.evaluations += 1
        rows = self._rows if which is None else _of(self._rows, which)
        T = self._layout.matrices(x[:, : self.m])[0]
        fixed = self._eta(x[:, self.m :])
        Zt = self._z @ T
        u = np.zeros((len(x), len(self._starts), T.shape[1])) if start is None else start
        u, values, A, S, sound = self._mode(rows, fixed, Zt, T, u)
        d = values.derivatives
        inverse = np.linalg.inv(A)
        h = np.einsum("rna,rnab,rnb->rn", Zt, inverse[:, self._codes], Zt, optimize=True)
        c = d.observed_slope * h
        first = c - 2.0 * d.score
        v = self._gathered(first[..., None] * Zt) + 2.0 * u
        adjoint = (inverse @ v[..., None])[..., 0]
        r = first - d.observed * (Zt * adjoint[:, self._codes]).sum(axis=2)
        zr = self._gathered(r[..., None] * self._z)
        zs = self._gathered(d.score[..., None] * self._z)
        G = zr.swapaxes(1, 2) @ u + zs.swapaxes(1, 2) @ adjoint
        G = G + 2.0 * (S @ T[:, None] @ inverse).sum(axis=1)
        sign, logdet = np.linalg.slogdet(A)
        value = values.deviance.sum(axis=1) + (u * u).sum(axis=(1, 2)) + logdet.sum(axis=1)
        value = np.where((sign > 0).all(axis=1) & sound & np.isfinite(value), value, np.inf)
        gradient = np.concatenate([self._layout.theta([G]), r @ self._X], axis=1)
        return _Point(value=value, gradient=gradient, u=u)

    def _mode(
        self, rows: RowFunction, fixed: Array, Zt: Array, T: Array, u: Array
    ) -> tuple[Array, RowValues, Array, Array, NDArray[np.bool_]]:
        """The modes, the rows there, A and ZᵀWZ by level, and whether all of it was finite."""
        sound, arrived = np.ones(len(u), dtype=np.bool_), False
        eta = fixed + (Zt * u[:, self._codes]).sum(axis=2)
        values = rows.at(eta)
        eye = np.eye(T.shape[1])
        outer = self._z[:, :, None] * self._z[:, None]
        for _ in range(_ITERATIONS):
            S = self._gathered(values.derivatives.observed[..., None, None] * outer)
            A = T.swapaxes(1, 2)[:, None] @ S @ T[:, None] + eye
            sound &= (np.abs(A) < _LARGEST).all(axis=(1, 2, 3))
            A[~sound] = eye
            if arrived:
                break
            g = self._gathered(values.derivatives.score[..., None] * Zt) - u
            step = np.linalg.solve(A, g[..., None])[..., 0]
            fall = (g * step).sum(axis=2)
            # The step from there doubles the digits, and is taken.
            arrived = not (fall.sum(axis=1) > _MODE).any()
            before = self._by_level(values.deviance) + (u * u).sum(axis=2)
            along = (Zt * step[:, self._codes]).sum(axis=2)
            share = np.ones_like(before)
            for _ in range(_HALVINGS):
                there = rows.at(eta + share[:, self._codes] * along)
                moved = u + share[..., None] * step
                after = self._by_level(there.deviance) + (moved * moved).sum(axis=2)
                bad = ~(after <= before + 1e-9 * np.abs(before)) & (fall > 1e-8)
                if not bad.any():
                    break
                share = np.where(bad, 0.5 * share, share)
            u, values = moved, there
            eta = eta + share[:, self._codes] * along
        return u, values, A, S, sound

    def _descended(self, x: Array, point: _Point, B: Array) -> tuple[Array, _Point]:
        """The ends of BFGS; responses that are done leave the batch."""
        value, gradient, u = point.value.copy(), point.gradient.copy(), point.u.copy()
        x = x.copy()
        active = np.arange(len(x))
        for _ in range(_STEPS):
            step = -_solved(B[active], gradient[active])
            slope = (gradient[active] * step).sum(axis=1)
            going = (-0.5 * slope > _ENOUGH) & np.isfinite(value[active])
            active, step, slope = active[going], step[going], slope[going]
            if not len(active):
                break
            waiting = np.arange(len(active))
            share = np.ones(len(active))
            for _ in range(_HALVINGS):
                own = active[waiting]
                trial = x[own] + share[waiting, None] * step[waiting]
                new = self.at(trial, u[own], own)
                fell = new.value <= value[own] + 1e-4 * share[waiting] * slope[waiting] + 1e-10
                done = own[fell]
                moved, change = trial[fell] - x[done], new.gradient[fell] - gradient[done]
                B[done] = _updated(B[done], moved, change)
                x[done], value[done] = trial[fell], new.value[fell]
                gradient[done], u[done] = new.gradient[fell], new.u[fell]
                waiting = waiting[~fell]
                if not len(waiting):
                    break
                share[waiting] *= 0.4
            # What cannot fall any more stays where it is.
            active = np.delete(active, waiting)
        return x, _Point(value=value, gradient=gradient, u=u)

    def _hessian(self, x: Array, point: _Point, *, central: bool) -> Array:
        """Differences of gradients, shape (R, m + p, m + p)."""
        R, size = x.shape
        H = np.empty((R, size, size))
        for k in range(size):
            ahead = x.copy()
            ahead[:, k] += _DIFFERENCE
            above = self.at(ahead, point.u).gradient
            if not central:
                H[:, k] = (above - point.gradient) / _DIFFERENCE
                continue
            ahead[:, k] -= 2.0 * _DIFFERENCE
            H[:, k] = (above - self.at(ahead, point.u).gradient) / (2.0 * _DIFFERENCE)
        return 0.5 * (H + H.swapaxes(1, 2))

    def _without_effects(self) -> Array:
        """β of the generalized linear models without random effects."""
        rows = self._rows
        share = rows.y if rows.family.name == "poisson" else 0.5 * (rows.y + 0.5)
        eta = np.log(share + 0.1) if rows.family.name == "poisson" else np.log(share / (1 - share))
        beta = np.zeros((len(rows.y), self.p))
        for _ in range(25):
            d = rows.at(eta).derivatives
            w = np.maximum(d.observed, 1e-10)
            target = w * (eta - self._offset) + d.score
            XtWX = np.einsum("rn,np,nq->rpq", w, self._X, self._X, optimize=True)
            new = _solved(XtWX, target @ self._X)
            moved = np.abs(new - beta).max(initial=0.0)
            beta = new
            eta = np.clip(self._eta(beta), -30.0, 30.0)
            if moved < 1e-6:
                break
        return beta

    def _eta(self, beta: Array) -> Array:
        return np.asarray(beta @ self._X.T + self._offset)

    def _gathered(self, values: Array) -> Array:
        """Sums over the rows of each level, along the second axis."""
        return np.asarray(np.add.reduceat(values, self._starts, axis=1))

    def _by_level(self, values: Array) -> Array:
        return np.asarray(np.add.reduceat(values, self._starts, axis=1))


def _of(rows: RowFunction, which: NDArray[np.intp]) -> RowFunction:
    return RowFunction(
        family=rows.family,
        y=rows.y[which],
        weights=rows.weights[which],
        least=None if rows.least is None else rows.least[which],
        plain=rows.plain,
    )


def _solved(A: Array, b: Array) -> Array:
    """A⁻¹b of each; NaN where A is singular or not finite."""
    finite = np.asarray(np.isfinite(A).all(axis=(1, 2)))
    safe = np.where(finite[:, None, None], A, np.eye(A.shape[1]))
    values, vectors = np.linalg.eigh(safe)
    along = (vectors.swapaxes(1, 2) @ b[..., None])[..., 0]
    solved = (vectors @ (along / np.where(values == 0.0, np.nan, values))[..., None])[..., 0]
    return np.where(finite[:, None], solved, np.nan)


def _positive(H: Array) -> Array:
    """With curvatures downwards turned upwards."""
    finite = np.asarray(np.isfinite(H).all(axis=(1, 2)))
    values, vectors = np.linalg.eigh(np.where(finite[:, None, None], H, np.eye(H.shape[1])))
    values = np.maximum(np.abs(values), 1e-3 * np.abs(values).max(axis=1, keepdims=True))
    return np.asarray((vectors * values[:, None]) @ vectors.swapaxes(1, 2))


def _updated(B: Array, step: Array, change: Array) -> Array:
    """The BFGS update, where the curvature along the step is positive."""
    along = (step * change).sum(axis=1)
    Bs = (B @ step[..., None])[..., 0]
    size = (step * Bs).sum(axis=1)
    sound = np.asarray(along > 1e-10 * size)
    new = (
        B
        + change[:, :, None] * change[:, None] / along[:, None, None]
        - Bs[:, :, None] * Bs[:, None] / size[:, None, None]
    )
    return np.where(sound[:, None, None], new, B)
