"""How estimates change when a group of rows is left out: exact refits of the model without it.

With β̂₍ⱼ₎, θ̂₍ⱼ₎, σ̂₍ⱼ₎ the estimates without group j, and Φ̂ the covariance matrix of β̂,

    Cook's distance   (β̂ - β̂₍ⱼ₎)ᵀ Φ̂⁻¹ (β̂ - β̂₍ⱼ₎) / p
    DFBETAS           (β̂ - β̂₍ⱼ₎)_i / se(β̂₍ⱼ₎)_i

(Belsley, Kuh & Welsch 1980, Regression Diagnostics, section 2.1; for mixed models Demidenko &
Stukel 2005, Statistics in Medicine 24). Where the groups are the levels of the only grouping
factor, all models without one level are fitted at once on the sums of the whole model, by Newton's
method from its θ̂ (`pylme.reference.criterion.deletions`); other groups follow one another.

A single row is left out at the θ̂ of all rows, in closed form. In whitened rows, with E = V⁻¹X, e
the conditional residuals and hᵢ the hat value of row i,

    β̂ - β̂₍ᵢ₎ = S⁻¹Eᵢᵀ eᵢ/(1 - hᵢ)      r²₍ᵢ₎ = r² - eᵢ²/(1 - hᵢ)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.arrays import read_only
from pylme.covariance.names import block_labels, cells
from pylme.errors import NotAvailableError
from pylme.frame import Library, to_native
from pylme.model_matrix.model_matrix import independent_columns
from pylme.model_matrix.random_term import RandomTerm
from pylme.options import choice
from pylme.reference.criterion.deletions import deletions
from pylme.reference.criterion.one_factor import OneFactor
from pylme.reference.criterion.prepare import problem_of
from pylme.reference.optimize.newton import minimise
from pylme.reference.rows import hat_values
from pylme.reference.threads import one_thread

if TYPE_CHECKING:
    from typing import Any

    from pylme.inference.kernels import Kernels
    from pylme.inference.quality.groups import Groups
    from pylme.reference.criterion.likelihood import Evaluation
    from pylme.reference.criterion.prepare import Problem
    from pylme.results.linear_problem import LinearProblem

__all__ = ["Influence", "RowInfluence", "influence_of_groups", "influence_of_rows"]

#: What may be left of a column of X, all rows making 1, before it counts as taken away.
TAKEN: Final = 1e-8
#: Numbers that a batch may hold at once in each of its tables.
MOST_NUMBERS: Final = 5_000_000
View = Literal["influence", "changes", "estimates"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Estimated:
    """Estimates of R fits, NaN where a model could not be fitted.

    Attributes
    ----------
    criterion, sigma : ndarray, shape (R,)
    beta : ndarray, shape (R, p)
    vcov : ndarray, shape (R, p, p)
    theta : ndarray, shape (R, m)
        lme4's.
    converged : ndarray of bool, shape (R,)
    """

    criterion: NDArray[np.float64]
    sigma: NDArray[np.float64]
    beta: NDArray[np.float64]
    vcov: NDArray[np.float64]
    theta: NDArray[np.float64]
    converged: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Influence:
    """The influence of groups of rows on the estimates.

    Attributes
    ----------
    by : str
        What groups the rows.
    levels : tuple of str, length J
        The groups.
    rows : ndarray of int, shape (J,)
        Rows of each group.
    names : tuple of str, length p
        The fixed effects.
    terms : tuple of RandomTerm
        The random-effects terms.
    whole : Estimated
        The estimates from all rows.
    without : Estimated
        The estimates without each group. A fixed effect that only this group determines is NaN.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which frames are given.
    """

    by: str
    levels: tuple[str, ...]
    rows: NDArray[np.intp]
    names: tuple[str, ...]
    terms: tuple[RandomTerm, ...]
    whole: Estimated
    without: Estimated
    library: Library = "pandas"

    def __len__(self) -> int:
        return len(self.levels)

    @property
    def cooks_distance(self) -> NDArray[np.float64]:
        """Cook's distance of each group, shape (J,); of the coefficients that are left."""
        p = len(self.names)
        if not p:
            return np.full(len(self), np.nan)
        change = self.whole.beta - self.without.beta
        missing = np.isnan(change)
        distance = np.einsum("ji,ik,jk->j", change, np.linalg.inv(self.whole.vcov[0]), change) / p
        for j in np.flatnonzero(missing.any(axis=1) & ~missing.all(axis=1)):
            left = ~missing[j]
            own = self.whole.vcov[0][np.ix_(left, left)]
            distance[j] = change[j, left] @ np.linalg.solve(own, change[j, left]) / left.sum()
        return read_only(distance)

    @property
    def dfbetas(self) -> NDArray[np.float64]:
        """Changes of the fixed effects in standard errors without the group, shape (J, p)."""
        error = np.sqrt(self.without.vcov.diagonal(axis1=1, axis2=2))
        return read_only((self.whole.beta - self.without.beta) / error)

    def to_frame(self, view: View = "influence") -> Any:
        """A row for each group.

        Parameters
        ----------
        view : {"influence", "changes", "estimates"}
            "influence": rows, Cook's distance, DFBETAS, and whether the refit converged.
            "estimates": criterion, σ, fixed effects, standard deviations and correlations of random
            effects without the group. "changes": these less those from all rows, except for the
            criterion, which is not comparable between different rows.
        """
        choice("view", view, View)
        columns: dict[str, Any] = {self.by: list(self.levels), "rows": self.rows}
        if view == "influence":
            columns["cooks_distance"] = self.cooks_distance
            columns |= {f"dfbetas[{n}]": c for n, c in zip(self.names, self.dfbetas.T, strict=True)}
            columns["converged"] = self.without.converged
        else:
            own = self._parameters(self.without)
            if view == "changes":
                whole = self._parameters(self.whole)
                own = {n: v - whole[n] for n, v in own.items() if n != "criterion"}
            columns |= own
        return to_native(pd.DataFrame(columns), self.library)

    def _parameters(self, of: Estimated) -> dict[str, NDArray[np.float64]]:
        """Estimates by name, each of shape (R,)."""
        found = {"criterion": of.criterion, "sigma": of.sigma}
        found |= {f"beta[{name}]": of.beta[:, i] for i, name in enumerate(self.names)}
        labels = block_labels(term.group for term in self.terms)
        for term, label in zip(self.terms, labels, strict=True):
            effects = term.names
            T = of.sigma[:, None, None] * term.factor(of.theta)
            covariance = T @ T.swapaxes(1, 2)
            sd = np.sqrt(covariance.diagonal(axis1=1, axis2=2))
            found |= {f"sd[{name} | {label}]": sd[:, i] for i, name in enumerate(effects)}
            for row, column in cells(len(effects)):
                if row > column:
                    with np.errstate(invalid="ignore", divide="ignore"):
                        corr = covariance[:, row, column] / (sd[:, row] * sd[:, column])
                    found[f"corr[{effects[column]}, {effects[row]} | {label}]"] = corr
        return found

    def __repr__(self) -> str:
        distance = self.cooks_distance
        known = np.flatnonzero(np.isfinite(distance))
        if not len(known):
            return f"<Influence of {len(self)} levels of {self.by}>"
        most = known[distance[known].argmax()]
        return (
            f"<Influence of {len(self)} levels of {self.by}: "
            f"the greatest Cook's distance is {distance[most]:.3g}, of {self.levels[most]}>"
        )


def influence_of_groups(kernels: Kernels, groups: Groups, library: Library) -> Influence:
    """The model fitted again without each group.

    Parameters
    ----------
    kernels : Kernels
        Of the fit.
    groups : Groups
    library : {"pandas", "polars", "pyarrow"}
    """
    kernels.linear.require_rows("Computing influence")
    linear, problem = kernels.linear, kernels.problem
    if problem.structured:
        raise NotAvailableError(
            asked=f"Fitting the model again without each level of {groups.name}",
            found="refits without a group are of terms without a covariance structure",
            remedy="Leave the group out yourself: fit.update(data=...).",
        )
    J, p, m = len(groups.levels), linear.X.shape[1], len(kernels.theta)
    without = Estimated(
        criterion=np.full(J, np.nan),
        sigma=np.full(J, np.nan),
        beta=np.full((J, p), np.nan),
        vcov=np.full((J, p, p), np.nan),
        theta=np.full((J, m), np.nan),
        converged=np.zeros(J, dtype=np.bool_),
    )
    with one_thread():
        start = problem.conditioned(kernels.theta[None])
        optimum = minimise(problem.criterion, problem.layout, start)
        whole = _estimated(problem, optimum.evaluation, optimum.theta, problem.likelihood.nu)
        left = np.arange(J)
        if groups.factor and isinstance(problem.criterion, OneFactor):
            left = _all_at_once(problem, linear, optimum.theta, without)
        for j in left.tolist():
            _one_by_one(linear, groups.codes != j, whole.theta[0], without, j)
    return Influence(
        by=groups.name,
        levels=groups.levels,
        rows=np.bincount(groups.codes, minlength=J),
        names=linear.x_names,
        terms=linear.terms,
        whole=whole,
        without=without,
        library=library,
    )


def _all_at_once(
    problem: Problem, linear: LinearProblem, start: NDArray[np.float64], without: Estimated
) -> NDArray[np.intp]:
    """Fit the models without each level of the only factor; returns the levels that are left.

    These are levels without which X loses rank, or too little is left to fit a model to.
    """
    criterion = problem.criterion
    assert isinstance(criterion, OneFactor)  # noqa: S101  (for the type checker)
    weights = np.ones(len(linear.y)) if linear.weights is None else linear.weights
    without_each = deletions(problem, criterion, np.log(weights))
    p = problem.likelihood.p
    possible = np.asarray(without_each.nu > 0)
    if p:
        # The columns are orthonormal in all rows.
        possible &= np.linalg.eigvalsh(without_each.gram[:, :p, :p])[:, 0] > TAKEN
    levels = np.flatnonzero(possible)
    step = max(1, MOST_NUMBERS // without_each.batch_numbers)
    for first in range(0, len(levels), step):
        own = levels[first : first + step]
        batch = without_each.subset(own)
        optimum = minimise(batch, problem.layout, np.tile(start, (len(own), 1)))
        found = _estimated(problem, optimum.evaluation, optimum.theta, batch.nu)
        for name in ("criterion", "sigma", "beta", "vcov", "theta"):
            getattr(without, name)[own] = getattr(found, name)
        without.converged[own] = optimum.converged
    return np.flatnonzero(~possible)


def _one_by_one(
    linear: LinearProblem,
    kept: NDArray[np.bool_],
    theta: NDArray[np.float64],
    without: Estimated,
    j: int,
) -> None:
    """Fit the model to some of the rows; nothing is written where there is too little left."""
    part, columns = rows_of(linear, kept)
    if part is None:
        return
    try:
        problem = problem_of(part)
        optimum = minimise(problem.searched(), problem.layout, problem.conditioned(theta[None]))
    except np.linalg.LinAlgError:
        return
    found = _estimated(problem, optimum.evaluation, optimum.theta, problem.likelihood.nu)
    without.criterion[j], without.sigma[j] = found.criterion[0], found.sigma[0]
    without.theta[j] = found.theta[0]
    without.beta[j, columns] = found.beta[0]
    without.vcov[j][np.ix_(columns, columns)] = found.vcov[0]
    without.converged[j] = optimum.converged[0]


def rows_of(
    linear: LinearProblem, kept: NDArray[np.bool_]
) -> tuple[LinearProblem | None, NDArray[np.intp]]:
    """The model on some of the rows, and the columns of X that these determine.

    None where a grouping factor has a single level left, or there are not more rows than columns.
    """
    X = linear.X[kept]
    columns = np.asarray(independent_columns(X), dtype=np.intp)
    terms: list[RandomTerm] = []
    start = 0
    for term in linear.terms:
        levels, codes = np.unique(term.codes[kept], return_inverse=True)
        stop = start + len(levels) * len(term.names)
        terms.append(
            replace(
                term,
                levels=tuple(term.levels[i] for i in levels),
                codes=codes.astype(np.int32),
                columns=np.asfortranarray(term.columns[kept]),
                rows=slice(start, stop),
            )
        )
        start = stop
    if len(X) <= len(columns) or any(len(term.levels) < 2 for term in terms):
        return None, columns
    part = replace(
        linear,
        y=linear.y[kept],
        X=np.asfortranarray(X[:, columns]),
        x_names=tuple(linear.x_names[i] for i in columns),
        terms=tuple(terms),
        weights=None if linear.weights is None else linear.weights[kept],
        offset=linear.offset[kept],
        reml=linear.reml and len(columns) > 0,
        theta=None,
    )
    return part, columns


def _estimated(
    problem: Problem, at: Evaluation, theta: NDArray[np.float64], nu: NDArray[np.intp] | int
) -> Estimated:
    """Estimates in the caller's columns."""
    back = np.linalg.inv(problem.columns.RX)
    variance = at.rss / nu
    root = back @ np.linalg.inv(at.RX).swapaxes(1, 2)
    return Estimated(
        criterion=at.criterion,
        sigma=np.sqrt(variance),
        beta=(at.beta + problem.columns.beta0) @ back.T,
        vcov=variance[:, None, None] * (root @ root.swapaxes(1, 2)),
        theta=problem.callers(theta),
        converged=np.ones(len(theta), dtype=np.bool_),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowInfluence:
    """The influence of single rows at the θ̂ of all rows, each of shape (n,) or (n, p).

    Attributes
    ----------
    hat : ndarray
        Hat values; their sum is the effective number of parameters.
    cooks_distance : ndarray
    sigma : ndarray
        The residual standard deviation without the row.
    dfbetas : ndarray
    """

    hat: NDArray[np.float64]
    cooks_distance: NDArray[np.float64]
    sigma: NDArray[np.float64]
    dfbetas: NDArray[np.float64]


def influence_of_rows(kernels: Kernels) -> RowInfluence:
    """What leaving out each row would change at the same θ."""
    kernels.linear.require_rows("Computing influence")
    linear, problem, layout = kernels.linear, kernels.problem, kernels.layout
    columns, p = problem.columns, linear.X.shape[1]
    with one_thread():
        hat = hat_values(problem, kernels.theta, kernels.evaluation)
        # Of columns of which XᵀV⁻¹X is the identity: E = V⁻¹X = X - ZΣZᵀV⁻¹X.
        L = kernels.evaluation.RX[0]
        X = columns.x_of_base.T @ columns.base
        E = np.linalg.solve(L, X)
        e = columns.y[0] - kernels.evaluation.beta[0] @ X
        T = layout.matrices(problem.conditioned(kernels.theta[None]))
        parts = zip(
            layout.factors, columns.z_of_base, kernels.Sigma, kernels.precision.N,
            problem.criterion.effects(T), strict=True,
        )  # fmt: skip
        for factor, B, Sigma, N, h in parts:
            z = B.T @ columns.base
            spread, modes = np.tensordot(Sigma, N, axes=1), Sigma @ h.T
            for a in range(factor.width):
                e -= z[a] * modes[a, factor.codes]
                E -= z[a] * spread[a, factor.codes].T
    rest = np.where(hat < 1.0, 1.0 - hat, np.nan)
    change = E * (e / rest)
    left = np.maximum(kernels.rss - e * e / rest, 0.0) / (kernels.nu - 1)
    back = np.linalg.inv(columns.RX) @ np.linalg.inv(L).T
    # S₍ᵢ₎⁻¹ = S⁻¹ + S⁻¹EᵢᵀEᵢS⁻¹/(1 - hᵢ).
    variance = (back * back).sum(axis=1)[:, None] + (back @ E) ** 2 / rest
    return RowInfluence(
        hat=hat,
        cooks_distance=(change * change).sum(axis=0) / (kernels.sigma2 * p)
        if p
        else np.full(len(hat), np.nan),
        sigma=np.sqrt(left),
        dfbetas=((back @ change) / np.sqrt(left * variance)).T,
    )
