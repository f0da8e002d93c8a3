"""lme4's criterion of a generalized model by dense algebra and SciPy's densities.

It shares no code with pylme: Z and Λ are whole matrices, the mode is found by Fisher scoring,
𝒜 is -2 log-likelihood by `scipy.stats` (for Gamma by R's `aic`, whose dispersion is the deviance
over n), and the optimum by BFGS on central differences from several points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.optimize import minimize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .generator import GeneralizedModel

__all__ = ["DenseCriterion"]

#: The step of the central differences, in columns of unit size.
_STEP = 1e-5


class DenseCriterion:
    """The criterion F(θ, β[, ln ϑ]) of a model.

    Parameters
    ----------
    model : GeneralizedModel
    """

    def __init__(self, model: GeneralizedModel) -> None:
        self.model = model
        n = len(model.y)
        blocks = []
        for codes, columns in model.terms:
            levels, k = int(codes.max()) + 1, columns.shape[1]
            Z = np.zeros((n, levels * k))
            for c in range(k):
                Z[np.arange(n), codes * k + c] = columns[:, c]
            blocks.append((Z, levels, k))
        self.blocks = blocks
        self.m = sum(k * (k + 1) // 2 for _, _, k in blocks)
        self.p = model.X.shape[1]
        self.free_shape = model.family == "negative binomial"
        self.size = self.m + self.p + self.free_shape
        self._mode: np.ndarray | None = None

    def _ZL(self, theta: np.ndarray) -> np.ndarray:
        parts, at = [], 0
        for Z, levels, k in self.blocks:
            T = np.zeros((k, k))
            # lme4's order: by columns of the lower triangle.
            for c in range(k):
                T[c:, c] = theta[at : at + k - c]
                at += k - c
            parts.append(Z @ np.kron(np.eye(levels), T))
        return np.hstack(parts)

    def _means(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        link = self.model.link
        if link == "logit":
            mu = 1 / (1 + np.exp(-eta))
            return mu, mu * (1 - mu)
        if link == "probit":
            return stats.norm.cdf(eta), stats.norm.pdf(eta)
        if link == "cloglog":
            tau = np.exp(np.minimum(eta, 30))
            return -np.expm1(-tau), tau * np.exp(-tau)
        mu = np.exp(eta)
        return mu, mu

    def _rows(self, eta: np.ndarray, shape: float) -> tuple[float, np.ndarray, np.ndarray]:
        """The deviance, the score and the expected information."""
        model = self.model
        mu, slope = self._means(eta)
        a = model.weights * model.trials
        if model.family == "binomial":
            mu = np.clip(mu, 1e-15, 1 - 1e-15)
            y, V = model.y / model.trials, mu * (1 - mu)
            with np.errstate(divide="ignore", invalid="ignore"):
                first = np.where(y > 0, y * np.log(y / mu), 0.0)
                second = np.where(y < 1, (1 - y) * np.log((1 - y) / (1 - mu)), 0.0)
            d = 2 * a * (first + second)
        elif model.family == "Gamma":
            y, V = model.y, mu**2
            d = 2 * a * ((y - mu) / mu - np.log(y / mu))
        else:
            y, V = model.y, mu
            with np.errstate(divide="ignore", invalid="ignore"):
                log = np.where(y > 0, y * np.log(np.maximum(y, 1e-300) / mu), 0.0)
            if self.free_shape:
                V = mu + mu**2 / shape
                d = 2 * a * (log - (y + shape) * np.log((y + shape) / (mu + shape)))
            else:
                d = 2 * a * (log - (y - mu))
        return float(d.sum()), a * (y - mu) * slope / V, a * slope**2 / V

    def _value(self, eta: np.ndarray, shape: float, deviance: float) -> float:
        model = self.model
        mu, _ = self._means(eta)
        if model.family == "binomial":
            mu = np.clip(mu, 1e-15, 1 - 1e-15)
            logs = stats.binom.logpmf(model.y, model.trials, mu)
        elif model.family == "Gamma":
            dispersion = deviance / model.weights.sum()
            logs = stats.gamma.logpdf(model.y, 1 / dispersion, scale=mu * dispersion)
            return float(-2 * (model.weights * logs).sum() + 2)
        elif self.free_shape:
            logs = stats.nbinom.logpmf(model.y, shape, shape / (shape + mu))
        else:
            logs = stats.poisson.logpmf(model.y, mu)
        return float(-2 * (model.weights * logs).sum())

    def __call__(self, x: np.ndarray) -> float:
        theta, beta = x[: self.m], x[self.m : self.m + self.p]
        shape = float(np.exp(x[-1])) if self.free_shape else np.nan
        ZL = self._ZL(theta)
        fixed = self.model.X @ beta + self.model.offset
        # The mode is one; where iterations begin decides their number alone.
        if self._mode is not None:
            value = self._from(self._mode, ZL, fixed, shape)
            if np.isfinite(value):
                return value
        return self._from(np.zeros(ZL.shape[1]), ZL, fixed, shape)

    def _from(self, u: np.ndarray, ZL: np.ndarray, fixed: np.ndarray, shape: float) -> float:
        with np.errstate(all="ignore"):
            D, s, w = self._rows(fixed + ZL @ u, shape)
            before = D + u @ u
            for _ in range(500):
                A = (ZL.T * w) @ ZL + np.eye(len(u))
                step = np.linalg.solve(A, ZL.T @ s - u)
                share = 1.0
                for _ in range(40):
                    new = u + share * step
                    D, s2, w2 = self._rows(fixed + ZL @ new, shape)
                    after = D + new @ new
                    if np.isfinite(after) and after <= before + 1e-9 * abs(before):
                        break
                    share /= 2
                else:
                    return np.inf
                u, s, w = new, s2, w2
                small = step @ (A @ step)
                before = after
                if small < 1e-20 * max(1.0, before):
                    break
            sign, logdet = np.linalg.slogdet((ZL.T * w) @ ZL + np.eye(len(u)))
            eta = fixed + ZL @ u
            value = self._value(eta, shape, D) + float(u @ u) + logdet
        if not (np.isfinite(value) and sign > 0):
            return np.inf
        self._mode = u
        return value

    def scale(self) -> np.ndarray:
        """What makes the columns of the parameters of unit size, shape (m + p [+ 1],)."""
        sizes = []
        for _, columns in self.model.terms:
            root = np.sqrt((columns**2).mean(axis=0))
            k = columns.shape[1]
            sizes += [root[row] for c in range(k) for row in range(c, k)]
        sizes += list(np.sqrt((self.model.X**2).mean(axis=0)))
        return np.array([*sizes, *([1.0] if self.free_shape else [])])

    def least(
        self, points: Sequence[np.ndarray], starts: Sequence[np.ndarray]
    ) -> tuple[float, np.ndarray]:
        """The lowest value from the best of some points and from other starts, and where it is."""
        centre = self.model.X[:, 1].mean()
        scale = self.scale()

        def outer(z: np.ndarray) -> np.ndarray:
            """Parameters of the centred covariate to those of the covariate."""
            x = z / scale
            x[self.m] -= centre * x[self.m + 1]
            return self._uncentred(x, centre)

        def inner(x: np.ndarray) -> np.ndarray:
            z = self._uncentred(x.copy(), -centre)
            z[self.m] += centre * z[self.m + 1]
            return z * scale

        def slope(z: np.ndarray) -> np.ndarray:
            made = np.empty_like(z)
            for k in range(len(z)):
                step = np.zeros_like(z)
                step[k] = _STEP
                made[k] = (self(outer(z + step)) - self(outer(z - step))) / (2 * _STEP)
            return made

        values = [self(np.asarray(point)) for point in points]
        least = int(np.argmin(values))
        best = (float(values[least]), np.asarray(points[least]))
        for start in (best[1], *starts):
            if not np.isfinite(self(np.asarray(start))):
                continue
            with np.errstate(all="ignore"):
                found = minimize(
                    lambda z: min(self(outer(z)), 1e10), inner(np.asarray(start)), jac=slope,
                    method="BFGS", options={"gtol": 1e-4, "maxiter": 100},
                )  # fmt: skip
            if found.fun < best[0]:
                best = (float(found.fun), outer(found.x))
        return best

    def _uncentred(self, x: np.ndarray, centre: float) -> np.ndarray:
        """θ of columns (1, x) from that of (1, x - centre): the first row of T changes."""
        at = 0
        for _, columns in self.model.terms:
            if columns.shape[1] == 2:
                x[at] -= centre * x[at + 1]
                # T's second column would get an element above the diagonal: rotate it away.
                T = np.array([[x[at], -centre * x[at + 2]], [x[at + 1], x[at + 2]]])
                L = np.linalg.qr(T.T)[1].T
                L = L * np.where(np.diag(L) < 0, -1.0, 1.0)
                x[at], x[at + 1], x[at + 2] = L[0, 0], L[1, 0], L[1, 1]
                at += 3
            else:
                at += 1
        return x
