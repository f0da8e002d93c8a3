"""A model fitted to all replicates at once by the NumPy engine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.covariance.structure import structure_of
from pylme.model_matrix.build import build
from pylme.reference import fit_many
from pylme.results.certificate import NO_FINITE_OPTIMUM
from pylme.results.convergence import Status
from pylme.results.parameters import parameters_of, varcorr_values
from pylme.simulation.estimate.block import Block, stacked
from pylme.simulation.estimate.record import failure
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.model_matrix.spec import ModelSpec
    from pylme.reference import ManyFits

__all__ = ["Batch", "estimate_rows"]


class Batch:
    """A model on one design, for engine "numpy".

    Parameters
    ----------
    name : str
    spec : ModelSpec
        On the rows of the simulation; its own response is not used.
    """

    def __init__(self, name: str, spec: ModelSpec) -> None:
        self.name = name
        self.reml = spec.reml
        with silenced():
            # A study does not repeat the warnings about dropped columns for each fit.
            self.design = build(spec)
        kept = self.design.rows.kept
        self.rows = slice(None) if kept is None else kept

    def fit(self, drawn: Any) -> list[Block]:
        """The fits to all replicates of a `Simulation`."""
        replicates = drawn.first + np.arange(len(drawn))
        Y = np.ascontiguousarray(drawn.y[self.rows].T)
        try:
            return [self._block(Y, replicates)]
        except Exception:  # noqa: BLE001  (one failing replicate stops the whole batch)
            return self._one_by_one(Y, replicates)

    def _block(self, Y: NDArray[np.float64], replicates: NDArray[np.int64]) -> Block:
        started = time.perf_counter()
        fits = fit_many(self.design, Y, reml=self.reml)
        seconds = (time.perf_counter() - started) / len(Y)
        terms = [
            (group, effects, structure_of("us", len(effects)))
            for group, effects in zip(fits.groups, fits.effects, strict=True)
        ]
        estimate = estimate_rows(fits)
        std_error = np.full(estimate.shape, np.nan)
        std_error[:, : fits.beta.shape[1]] = fits.std_error
        return Block(
            model=self.name,
            replicates=replicates,
            parameters=parameters_of(fits.names, terms, fits.theta.shape[1]),
            estimate=estimate,
            std_error=std_error,
            fits=_fits(fits, seconds),
        )

    def _one_by_one(self, Y: NDArray[np.float64], replicates: NDArray[np.int64]) -> list[Block]:
        blocks = []
        for y, replicate in zip(Y, replicates, strict=True):
            started = time.perf_counter()
            try:
                blocks.append(self._block(y[None], replicate[None]))
            except Exception as error:  # noqa: BLE001  (kept as the replicate's row)
                failed = failure(error, seconds=time.perf_counter() - started)
                blocks.append(stacked(self.name, [failed], first=int(replicate)))
        return blocks


def _fits(fits: ManyFits, seconds: float) -> dict[str, Any]:
    """The columns of each fit.

    The code of `Convergence` knows how a search ended alone: 1, for a singular fit 0, else -1.
    """
    n = len(fits)
    names = np.array(
        [Status.NOT_CONVERGED.value, Status.SINGULAR.value, Status.CONVERGED.value], dtype=object
    )
    code = np.where(fits.converged, np.where(fits.singular, 0, 1), -1)
    vain = fits.unbounded | bool(fits.unidentified)
    code = np.where(fits.unbounded, -1, code)
    doubts = "\n".join(fits.unidentified)
    return {
        "criterion": fits.criterion,
        "status": np.where(vain, Status.DEGENERATE.value, names[code + 1]),
        "code": code,
        "singular": fits.singular,
        "verdict": [None] * n,
        "messages": [NO_FINITE_OPTIMUM if one else doubts for one in fits.unbounded],
        "seconds": np.full(n, seconds),
        "error": [None] * n,
    }


def estimate_rows(fits: ManyFits) -> NDArray[np.float64]:
    """Fixed effects, standard deviations and correlations, sigma and theta: shape (R, P)."""
    varcorr = varcorr_values(
        [
            (sd, corr, structure_of("us", sd.shape[1]))
            for sd, corr in zip(fits.sd, fits.corr, strict=True)
        ]
    )
    return np.hstack([fits.beta, varcorr, fits.sigma[:, None], fits.theta])
