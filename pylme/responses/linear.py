"""Linear mixed models of a block of responses: one batch for each pattern of missing rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.errors import PylmeError
from pylme.inference.ddf import Ddf
from pylme.inference.many_fits import fixed_effects_of
from pylme.model_matrix.matrices import ModelMatrices
from pylme.reference.criterion.prepare import prepare, with_own_weights
from pylme.reference.many import term_covariances
from pylme.reference.optimize.degenerate import unidentified, without_minimum, without_residual
from pylme.reference.optimize.several_starts import fit
from pylme.responses.design import part_of
from pylme.responses.estimates import Estimates, statuses
from pylme.results.certificate import NO_FINITE_OPTIMUM, NO_RESIDUAL
from pylme.results.linear_problem import LinearProblem
from pylme.tolerances import SINGULAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pylme.inference.many_contrasts import ManyFixedEffects
    from pylme.responses.design import Part

__all__ = ["LinearFits", "in_columns", "patterns_of"]

#: Responses that are fitted at once: tables of more leave the cache of the processor.
_AT_ONCE: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearFits:
    """A linear mixed model on one design.

    Attributes
    ----------
    design : ModelMatrices
    reml : bool
    ddf : {"satterthwaite", "kenward-roger", "normal"}
    """

    design: ModelMatrices
    reml: bool
    ddf: Ddf

    @property
    def batched(self) -> bool:
        """Whether there is one grouping factor, so that responses are fitted at once."""
        one = len({term.group for term in self.design.terms}) == 1
        return one and self.ddf != "kenward-roger"

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
        infinite = np.asarray(np.isinf(Y).any(axis=1))
        for rows, which in patterns_of(Y):
            part = part_of(self.design, rows)
            sound = which[~infinite[which]]
            for first in range(0, len(sound), _AT_ONCE):
                own = sound[first : first + _AT_ONCE]
                w = None if weights is None else weights[own][:, rows]
                parts.append(self._of_part(part, Y[own][:, rows], w))
                order.append(own)
            if len(sound) < len(which):
                bad = which[infinite[which]]
                parts.append(self._failed(bad, part, "it has infinite values"))
                order.append(bad)
        return Estimates.joined(parts).of(np.argsort(np.concatenate(order)))

    def _failed(self, which: NDArray[np.intp], part: Part, message: str) -> Estimates:
        return Estimates.failed(
            len(which),
            p=self.design.p,
            widths=[len(term.names) for term in self.design.terms],
            ddf=self.ddf,
            rows=int(part.rows.sum()),
            message=message,
        )

    def _of_part(
        self, part: Part, Y: NDArray[np.float64], weights: NDArray[np.float64] | None
    ) -> Estimates:
        """The fits of responses with the same rows; a failure costs its response alone."""
        everyone = np.arange(len(Y))
        if part.fault:
            return self._failed(everyone, part, part.fault)
        try:
            return self._batch(part, Y, weights)
        except (PylmeError, np.linalg.LinAlgError, FloatingPointError) as error:
            if len(Y) == 1:
                return self._failed(everyone, part, _reason(error))
        half = len(Y) // 2
        return Estimates.joined(
            [
                self._of_part(part, Y[own], None if weights is None else weights[own])
                for own in (slice(0, half), slice(half, None))
            ]
        )

    def _batch(
        self, part: Part, Y: NDArray[np.float64], weights: NDArray[np.float64] | None
    ) -> Estimates:
        if weights is not None and not self.batched:
            each = [replace(part, matrices=replace(part.matrices, weights=w)) for w in weights]
            return Estimates.joined(
                [self._of_part(own, Y[r : r + 1], None) for r, own in enumerate(each)]
            )
        design = part.matrices
        linear = LinearProblem.of(design, reml=self.reml)
        problem = prepare(
            design.X, Y - design.offset, design.terms, weights=linear.weights, reml=linear.reml
        )
        if len(explained := without_residual(problem)):
            return self._without(part, Y, weights, explained)
        scale = np.ones(len(Y))
        if weights is not None:
            # Weights of mean 1 make no difference but to the units of σ and θ.
            scale = weights.mean(axis=1)
            problem = with_own_weights(problem, weights / scale[:, None])
        found = fit(problem)
        rss = found.optimum.evaluation.rss
        fixed = fixed_effects_of(linear, problem, found, ddf=self.ddf)
        theta = found.theta / np.sqrt(scale)[:, None]
        singular = np.asarray((theta[:, problem.layout.diagonal] < SINGULAR).any(axis=1))
        degenerate = without_minimum(problem, rss)
        doubts = "\n".join(one.sentence for one in unidentified(problem, design))
        message = np.full(len(Y), doubts, dtype=object)
        message[degenerate] = NO_FINITE_OPTIMUM
        return Estimates(
            fixed=in_columns(fixed, part.columns, self.design.p),
            theta=theta,
            sigma=np.sqrt(fixed.sigma2 * scale),
            covariances=term_covariances(problem, found.theta, fixed.sigma2),
            criterion=found.criterion,
            rows=np.full(len(Y), design.n),
            evaluations=found.optimum.evaluations,
            singular=singular,
            status=statuses(
                converged=found.optimum.converged, singular=singular, degenerate=degenerate,
                identified=not doubts,
            ),
            message=message,
        )  # fmt: skip

    def _without(
        self,
        part: Part,
        Y: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
        explained: NDArray[np.intp],
    ) -> Estimates:
        """The fits where the fixed effects alone explain some of the responses."""
        others = np.setdiff1d(np.arange(len(Y)), explained)
        parts = [self._failed(explained, part, NO_RESIDUAL)]
        if len(others):
            w = None if weights is None else weights[others]
            parts.append(self._of_part(part, Y[others], w))
        order = np.argsort(np.concatenate([explained, others]))
        return Estimates.joined(parts).of(order)


def patterns_of(
    Y: NDArray[np.float64],
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.intp]]]:
    """The patterns of rows without missing values, each with the responses that have it.

    Parameters
    ----------
    Y : ndarray, shape (R, n)
    """
    missing = np.isnan(Y)
    if not missing.any():
        yield np.ones(Y.shape[1], dtype=np.bool_), np.arange(len(Y))
        return
    packed = np.packbits(missing, axis=1)
    _, first, which = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    which = which.ravel()
    for pattern, example in enumerate(first):
        yield ~missing[example], np.flatnonzero(which == pattern)


def _reason(error: Exception) -> str:
    return str(getattr(error, "found", "")) or str(error)


def in_columns(fixed: ManyFixedEffects, columns: NDArray[np.intp], p: int) -> ManyFixedEffects:
    """The same with NaN for the coefficients that the rows do not determine."""
    if len(columns) == p:
        return fixed
    R, m = fixed.drift.shape

    def wider(values: NDArray[np.float64], *shape: int, axes: int) -> NDArray[Any]:
        made = np.full(shape, np.nan)
        at: tuple[Any, ...] = (..., columns) if axes == 1 else (..., columns[:, None], columns)
        made[at] = values
        return made

    return replace(
        fixed,
        beta=wider(fixed.beta, R, p, axes=1),
        vcov=wider(fixed.vcov, R, p, p, axes=2),
        unscaled=wider(fixed.unscaled, R, p, p, axes=2),
        slopes=wider(fixed.slopes, R, m, p, p, axes=2),
    )
