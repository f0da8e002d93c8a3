"""Generalized linear mixed models of a block of responses on one design.

With one grouping factor and the canonical link all responses are fitted at once. Those whose end is
near the boundary, or was not reached, and all others, follow one another: their searches go on from
other starts, or have several factors, where the design alone is shared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.errors import PylmeError
from pylme.families import Family
from pylme.families.rows import RowFunction
from pylme.identifiability.separation.report import separation
from pylme.inference.many_contrasts import ManyFixedEffects
from pylme.model_matrix.matrices import ModelMatrices
from pylme.reference.generalized.criterion import criterion_of
from pylme.reference.generalized.many import ManyLaplace
from pylme.reference.generalized.objective import objective_of
from pylme.reference.generalized.optimum.ending import ending_of
from pylme.reference.generalized.optimum.search import FEW_LEVELS, NoModeError, find
from pylme.reference.optimize.boundary import NEAR
from pylme.reference.threads import one_thread
from pylme.responses.design import part_of
from pylme.responses.estimates import Estimates, statuses
from pylme.responses.linear import in_columns, patterns_of
from pylme.results.generalized_problem import GeneralizedProblem
from pylme.tolerances import SINGULAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.reference.generalized.optimum.ending import GeneralizedEnding
    from pylme.responses.design import Part

__all__ = ["GeneralizedFits"]

#: A linear predictor beyond which the fixed effects may separate the response.
_FAR: Final = 10.0
#: Links that make the criterion of each response a smooth one with one mode of the random effects.
_CANONICAL: Final = frozenset({("binomial", "logit"), ("poisson", "log")})
#: Responses that are fitted at once: tables of more leave the cache of the processor.
_AT_ONCE: Final = 250
#: The fall of the criterion that may be left at the end of a batch.
_SURE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeneralizedFits:
    """A generalized linear mixed model on one design, by the Laplace approximation.

    Attributes
    ----------
    design : ModelMatrices
    family : Family
    """

    design: ModelMatrices
    family: Family

    @property
    def batched(self) -> bool:
        """No: responses follow one another."""
        return False

    def fit(self, Y: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> Estimates:
        """The fits of some responses.

        Parameters
        ----------
        Y : ndarray, shape (R, n)
            NaN where a value is missing.
        weights : ndarray, shape (R, n), optional
            Weights of each response, in place of those of the design.
        """
        parts, order = [], []
        for rows, which in patterns_of(Y):
            part = part_of(self.design, rows)
            left = which
            if self._at_once(part):
                sound = np.array([r for r in which if not self._fault(Y[r, rows])], dtype=np.intp)
                for first in range(0, len(sound), _AT_ONCE):
                    few = sound[first : first + _AT_ONCE]
                    w = None if weights is None else weights[few][:, rows]
                    found, fitted = self._batch(part, Y[few][:, rows], w)
                    parts.append(found)
                    order += few[fitted].tolist()
                left = np.setdiff1d(which, order)
            for r in left:
                own = part
                if weights is not None:
                    matrices = replace(part.matrices, weights=weights[r, rows])
                    own = replace(part, matrices=matrices)
                parts.append(self._one(own, Y[r, rows]))
                order.append(int(r))
        return Estimates.joined(parts).of(np.argsort(order))

    def _at_once(self, part: Part) -> bool:
        """Whether responses in these rows have one minimum each, which a batch finds."""
        terms = part.matrices.terms
        canonical = (self.family.name, self.family.link) in _CANONICAL
        if part.fault or not canonical or len({term.group for term in terms}) > 1:
            return False
        thetas = terms[-1].thetas.stop
        wide = any(len(term.names) > 1 for term in terms)
        return not (wide and thetas > 1 and len(terms[0].levels) < FEW_LEVELS)

    def _batch(
        self, part: Part, Y: NDArray[np.float64], weights: NDArray[np.float64] | None
    ) -> tuple[Estimates, NDArray[np.intp]]:
        """The fits of those responses whose ends are well inside, and which these are."""
        design = part.matrices
        problems = [
            GeneralizedProblem.of(
                replace(
                    design, y=y, family=self.family,
                    weights=design.weights if weights is None else weights[r],
                ),
                self.family,
            )
            for r, y in enumerate(Y)
        ]  # fmt: skip
        rows = [RowFunction.of(self.family, each.y, each.weights) for each in problems]
        objectives = [
            objective_of(each, own, each.trials) for each, own in zip(problems, rows, strict=True)
        ]
        with one_thread():
            found = ManyLaplace(
                self.family,
                np.array([each.y for each in problems]),
                np.array([each.weights for each in problems]),
                X=design.X,
                terms=design.terms,
                offset=design.offset,
            ).optima()
        plain = np.array(
            [own.counted is one for own, one in zip(objectives, rows, strict=True)], dtype=np.bool_
        )
        sure = plain & (found.expected_fall < _SURE) & (found.pivots > NEAR) & (found.far <= _FAR)
        fitted = np.flatnonzero(sure & np.isfinite(found.vcov).all(axis=(1, 2)))
        constant = np.array([own.constant for own in objectives])
        count = len(fitted)
        none = np.zeros(count, dtype=np.bool_)
        matrices = [[term.factor(theta) for term in design.terms] for theta in found.theta[fitted]]
        fixed = _fixed(found.beta[fitted], found.vcov[fitted])
        return Estimates(
            fixed=in_columns(fixed, part.columns, self.design.p),
            theta=found.theta[fitted],
            sigma=np.full(count, np.nan),
            covariances=tuple(
                np.array([T[t] @ T[t].T for T in matrices]).reshape(count, k, k)
                for t, k in enumerate(len(term.names) for term in design.terms)
            ),
            criterion=(found.value + constant)[fitted],
            rows=np.full(count, design.n),
            evaluations=np.full(count, found.evaluations),
            singular=none,
            status=statuses(converged=~none, singular=none, degenerate=none, identified=True),
            message=np.full(count, "", dtype=object),
        ), fitted  # fmt: skip

    def _one(self, part: Part, y: NDArray[np.float64]) -> Estimates:
        fault = part.fault or self._fault(y)
        if fault:
            return self._failed(part, fault)
        design = replace(part.matrices, y=y, family=self.family)
        problem = GeneralizedProblem.of(design, self.family)
        try:
            # Of a response that the fixed effects separate all derivatives underflow.
            with one_thread(), np.errstate(all="ignore"):
                criterion = criterion_of(problem)
                found = find(criterion)
                ending = ending_of(criterion, found)
        except (NoModeError, PylmeError, np.linalg.LinAlgError) as error:
            return self._failed(part, str(getattr(error, "found", "")) or "no mode was found")
        far = np.abs(found.glm.eta).max(initial=0.0) > _FAR or not found.glm.converged
        parted = separation(self.family, y, design.X, design.x_names) if far else None
        return self._estimates(part, ending, separated=parted is not None)

    def _fault(self, y: NDArray[np.float64]) -> str:
        """Why a response cannot be one of the family; empty where it can."""
        if not np.isfinite(y).all():
            return "it has infinite values"
        if self.family.name == "binomial":
            if ((y < 0) | (y > 1)).any():
                return "a binomial response takes values between 0 and 1"
            return "" if np.ptp(y) > 0 else "all its values are equal"
        if ((y < 0) | (y != np.round(y))).any():
            return "a response of counts takes whole numbers of 0 or more"
        return "" if y.any() else "all its counts are 0"

    def _failed(self, part: Part, message: str) -> Estimates:
        return Estimates.failed(
            1,
            p=self.design.p,
            widths=[len(term.names) for term in self.design.terms],
            ddf="normal",
            rows=int(part.rows.sum()),
            message=message,
        )

    def _estimates(self, part: Part, ending: GeneralizedEnding, *, separated: bool) -> Estimates:
        design = part.matrices
        p, m = design.p, len(ending.x) - design.p
        theta, beta = ending.x[:m], ending.x[m:]
        vcov = _vcov(ending, m, p)
        fixed = _fixed(beta[None], vcov[None])
        covariances = []
        for term in design.terms:
            T = term.factor(theta)
            covariances.append((T @ T.T)[None])
        singular = np.array([bool((theta[design.lower == 0] < SINGULAR).any())])
        degenerate = np.array([separated or not np.isfinite(vcov).all()])
        said = "the fixed effects separate the response: no finite estimate" if separated else ""
        return Estimates(
            fixed=in_columns(fixed, part.columns, self.design.p),
            theta=theta[None],
            sigma=np.full(1, np.nan),
            covariances=tuple(covariances),
            criterion=np.array([ending.value]),
            rows=np.array([design.n]),
            evaluations=np.array([ending.evaluations]),
            singular=singular,
            status=statuses(
                converged=np.array([ending.converged]), singular=singular, degenerate=degenerate,
                identified=True,
            ),
            message=np.array([said], dtype=object),
        )  # fmt: skip


def _fixed(beta: NDArray[np.float64], vcov: NDArray[np.float64]) -> ManyFixedEffects:
    """What z tests need, of R fits."""
    R, p = beta.shape
    return ManyFixedEffects(
        ddf="normal",
        beta=beta,
        vcov=vcov,
        unscaled=vcov,
        sigma2=np.ones(R),
        nu=np.full(R, np.inf),
        slopes=np.zeros((R, 0, p, p)),
        drift=np.zeros((R, 0)),
        inverse=np.zeros((R, 0, 0)),
    )


def _vcov(ending: GeneralizedEnding, m: int, p: int) -> NDArray[np.float64]:
    """Twice the inverse Hessian on the face, by β; NaN where it is not positive definite."""
    free = ending.free
    H = ending.hessian[np.ix_(free, free)]
    if not np.isfinite(H).all() or not (np.linalg.eigvalsh(H) > 0.0).all():
        return np.full((p, p), np.nan)
    places = np.searchsorted(free, np.arange(m, m + p))
    return np.asarray(2.0 * np.linalg.inv(H)[np.ix_(places, places)])
