"""Many responses on one design: simulations and bootstraps.

With one grouping factor all responses are fitted at once along a leading axis, and those that are
done leave the batch. With several factors they follow one another on the same cross products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.arrays import read_only
from pylme.covariance.names import cells, parameter_name
from pylme.errors import NotAvailableError, OptionError, ResponseError
from pylme.frame import Library, to_native
from pylme.model_matrix.matrices import ModelMatrices
from pylme.options import number_array, true_or_false
from pylme.reference.criterion.prepare import prepare
from pylme.reference.optimize.degenerate import unidentified, without_minimum, without_residual
from pylme.reference.optimize.several_starts import fit
from pylme.results.certificate import NO_RESIDUAL, NOISELESS
from pylme.tolerances import SINGULAR

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pylme.reference.criterion.prepare import Problem
    from pylme.reference.optimize.several_starts import Optima

__all__ = ["ManyFits", "fit_many", "term_covariances"]

#: Numbers that a batch may hold at once: responses beyond follow in further batches.
MOST_NUMBERS: Final = 30_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ManyFits:
    """The fits of R responses on one design.

    Attributes
    ----------
    names : tuple of str, length p
        The fixed effects.
    groups : tuple of str
        The grouping factor of each random-effects term, in lme4's order.
    effects : tuple of tuple of str
        The effects of each term.
    reml : bool
    beta : ndarray, shape (R, p)
    vcov : ndarray, shape (R, p, p)
        Covariance matrices of the fixed effects.
    theta : ndarray, shape (R, m)
        In lme4's order and parametrization.
    sigma : ndarray, shape (R,)
        Residual standard deviations.
    covariances : tuple of ndarray, shapes (R, k, k)
        σ²TTᵀ of each term.
    criterion : ndarray, shape (R,)
        REML criteria or deviances.
    converged : ndarray of bool, shape (R,)
        Whether no step was expected to lower the criterion by more than 1e-10.
    singular : ndarray of bool, shape (R,)
        Whether a covariance matrix has not full rank, by lme4's rule and tolerance.
    evaluations : ndarray of int, shape (R,)
    unbounded : ndarray of bool, shape (R,)
        Whether the criterion has no minimum: the effects explain the response completely.
    unidentified : tuple of str
        What the data do not determine, each in a sentence; it holds of every response.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` returns its rows.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    effects: tuple[tuple[str, ...], ...]
    reml: bool
    beta: NDArray[np.float64]
    vcov: NDArray[np.float64]
    theta: NDArray[np.float64]
    sigma: NDArray[np.float64]
    covariances: tuple[NDArray[np.float64], ...]
    criterion: NDArray[np.float64]
    converged: NDArray[np.bool_]
    singular: NDArray[np.bool_]
    evaluations: NDArray[np.intp]
    unbounded: NDArray[np.bool_]
    unidentified: tuple[str, ...]
    library: Library = "pandas"

    def __len__(self) -> int:
        return len(self.criterion)

    @property
    def std_error(self) -> NDArray[np.float64]:
        """Standard errors of the fixed effects, shape (R, p)."""
        return np.sqrt(self.vcov.diagonal(axis1=1, axis2=2))

    @property
    def sd(self) -> tuple[NDArray[np.float64], ...]:
        """Standard deviations of each term's effects, shapes (R, k)."""
        return tuple(np.sqrt(c.diagonal(axis1=1, axis2=2)) for c in self.covariances)

    @property
    def corr(self) -> tuple[NDArray[np.float64], ...]:
        """Correlations by term, shapes (R, k, k); NaN where either variance is zero."""
        made = []
        for covariance, sd in zip(self.covariances, self.sd, strict=True):
            with np.errstate(invalid="ignore", divide="ignore"):
                correlation = covariance / (sd[:, :, None] * sd[:, None])
            k = sd.shape[1]
            correlation[:, np.arange(k), np.arange(k)] = 1.0
            made.append(correlation)
        return tuple(made)

    def to_frame(self) -> Any:
        """A row for each response: criterion, fixed effects, standard deviations, correlations."""
        columns: dict[str, Any] = {"criterion": self.criterion, "sigma": self.sigma}
        columns |= {f"beta[{name}]": self.beta[:, i] for i, name in enumerate(self.names)}
        for group, effects, sd, corr in zip(
            self.groups, self.effects, self.sd, self.corr, strict=True
        ):
            columns |= {
                parameter_name(effects[row], effects[column], label=group, style="many"): (
                    sd[:, row] if row == column else corr[:, row, column]
                )
                for row, column in cells(len(effects), "cov.last")
            }
        columns |= {"converged": self.converged, "singular": self.singular}
        return to_native(pd.DataFrame(columns), self.library)

    def __repr__(self) -> str:
        return (
            f"<ManyFits: {len(self)} responses, {self.converged.sum()} converged, "
            f"{self.singular.sum()} singular>"
        )


def fit_many(design: ModelMatrices, Y: ArrayLike, *, reml: bool = True) -> ManyFits:
    """Fit a linear mixed model to each of many responses.

    Parameters
    ----------
    design : ModelMatrices
        Of `pylme.design`: its columns, weights and offset; its own response is not used.
    Y : array_like, shape (R, n)
        A response in each row, in the rows that the design uses.
    reml : bool

    Returns
    -------
    ManyFits

    Raises
    ------
    OptionError
        If `Y` has not the shape (R, n), or holds values that are not finite.
    ResponseError
        If the fixed effects alone explain a response.

    Examples
    --------
    >>> import numpy as np
    >>> import pylme
    >>> dyestuff = pylme.datasets.load("dyestuff")
    >>> design = pylme.design("Yield ~ 1 + (1 | Batch)", dyestuff)
    >>> fits = pylme.reference.fit_many(design, np.stack([design.y, 2 * design.y]))
    >>> fits.sigma.round(3).tolist()
    [49.51, 99.02]
    """
    if not isinstance(design, ModelMatrices):
        raise OptionError(option="design", value=design, allowed="a pylme.design(...)")
    if any(term.structure.kind != "us" for term in design.terms):
        raise NotAvailableError(
            asked=f"Fitting many responses to {design.formula}",
            found="fits in batches are of terms without a covariance structure",
            remedy='Fit the responses one by one: fit.refit(y), or lmer(..., engine="numpy").',
        )
    reml = true_or_false("reml", reml)
    responses = _checked(Y, design.n)
    k = sum(len(term.names) for term in design.terms)
    size = max(1, k * max(len(term.levels) for term in design.terms) * (k + design.p + 1))
    batch = max(1, MOST_NUMBERS // max(size, design.n))
    weights = None if bool((design.weights == 1.0).all()) else design.weights
    parts = []
    for first in range(0, len(responses), batch):
        Yb = responses[first : first + batch] - design.offset
        problem = prepare(design.X, Yb, design.terms, weights=weights, reml=reml)
        if len(empty := without_residual(problem)):
            raise ResponseError(
                response=f"row {first + empty[0]} of Y", found=NO_RESIDUAL, remedy=NOISELESS
            )
        parts.append(_estimates(problem, fit(problem)))
    joined = {name: _joined([part[name] for part in parts]) for name in parts[0]}
    return ManyFits(
        names=design.x_names,
        groups=tuple(term.group for term in design.terms),
        effects=tuple(term.names for term in design.terms),
        reml=reml,
        library=design.rows.library,
        # This depends on the columns alone, so that the problem of any response will do.
        unidentified=tuple(one.sentence for one in unidentified(problem, design)),
        **joined,
    )


def _checked(Y: ArrayLike, n: int) -> NDArray[np.float64]:
    responses = number_array(Y)
    if responses is None:
        raise OptionError(option="Y", value=Y, allowed=f"an array of numbers, of shape (R, {n})")
    if responses.ndim != 2 or responses.shape[1] != n or not len(responses):
        raise OptionError(
            option="Y", value=f"an array of shape {responses.shape}",
            allowed=f"one of shape (R, {n}): a response in each row",
        )  # fmt: skip
    if not np.isfinite(responses).all():
        where = np.argwhere(~np.isfinite(responses))[0].tolist()
        raise OptionError(
            option="Y", value=f"{responses[tuple(where)]} at {where}", allowed="finite numbers"
        )
    return responses


def _estimates(problem: Problem, found: Optima) -> dict[str, Any]:
    evaluation = found.optimum.evaluation
    variance = evaluation.rss / problem.likelihood.nu
    back = np.linalg.inv(problem.columns.RX)
    root = back @ np.linalg.inv(evaluation.RX).swapaxes(1, 2)
    diagonal = problem.layout.diagonal
    return {
        "beta": (evaluation.beta + problem.columns.beta0) @ back.T,
        "vcov": variance[:, None, None] * (root @ root.swapaxes(1, 2)),
        "theta": found.theta,
        "sigma": np.sqrt(variance),
        "covariances": term_covariances(problem, found.theta, variance),
        "criterion": found.criterion,
        "converged": found.optimum.converged,
        "singular": (found.theta[:, diagonal] < SINGULAR).any(axis=1),
        "evaluations": found.optimum.evaluations,
        "unbounded": without_minimum(problem, evaluation.rss),
    }


def term_covariances(
    problem: Problem, theta: NDArray[np.float64], variance: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """σ²TTᵀ of each term in lme4's order, shapes (R, k, k).

    Parameters
    ----------
    problem : Problem
    theta : ndarray, shape (R, m)
        lme4's.
    variance : ndarray, shape (R,)
        σ².
    """
    covariances: dict[int, NDArray[np.float64]] = {}
    for factor, matrix in zip(problem.layout.factors, problem.layout.matrices(theta), strict=True):
        for position, place in zip(factor.terms, factor.places, strict=True):
            own = matrix[:, place, place]
            covariances[position] = variance[:, None, None] * (own @ own.swapaxes(1, 2))
    return tuple(covariances[t] for t in range(len(covariances)))


def _joined(parts: list[Any]) -> Any:
    if isinstance(parts[0], tuple):
        return tuple(_joined(list(of_term)) for of_term in zip(*parts, strict=True))
    whole = np.concatenate(parts)
    if whole.dtype == np.float64:
        return read_only(whole)
    whole.flags.writeable = False
    return whole
