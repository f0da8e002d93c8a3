"""Estimates of linear functions of the fixed effects, for both kinds of models.

Of a linear model the covariance matrix and the degrees of freedom are those of `targets`, by the
method asked for. Of a generalized model they are those of the fit's own covariance matrix and the
normal distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.inference.ddf import Ddf
from pylme.inference.joint_test import JointTest, joint_test
from pylme.inference.kernels import Kernels
from pylme.inference.targets import Targets, infer
from pylme.inference.wald import joint_p

if TYPE_CHECKING:
    from pylme.inference.means.functions import LinearFunctions

__all__ = ["Estimator", "FunctionEstimates"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FunctionEstimates:
    """Estimates, NaN where the data do not determine them.

    Attributes
    ----------
    estimate, std_error, df : ndarray, shape (r,)
    covariance : ndarray, shape (s, s)
        Of those that are estimable.
    estimable : ndarray of bool, shape (r,)
        Of which s are true.
    """

    estimate: NDArray[np.float64]
    std_error: NDArray[np.float64]
    df: NDArray[np.float64]
    covariance: NDArray[np.float64]
    estimable: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimator:
    """What linear functions are estimated from.

    Attributes
    ----------
    aliases : ndarray, shape (p, dropped)
        The columns that were dropped as combinations of the others.
    ddf : {"satterthwaite", "kenward-roger", "normal"}
    kernels : Kernels or None
        Of a linear model.
    beta : ndarray, shape (p,)
    vcov : ndarray, shape (p, p)
        Of a generalized model.
    """

    aliases: NDArray[np.float64]
    ddf: Ddf
    kernels: Kernels | None
    beta: NDArray[np.float64]
    vcov: NDArray[np.float64]

    def estimate(self, functions: LinearFunctions) -> FunctionEstimates:
        """Their estimates, standard errors and degrees of freedom."""
        known = functions.estimable(self.aliases)
        chosen = functions.chosen(np.flatnonzero(known))
        beta = self.beta
        if self.kernels is None:
            covariance = chosen.X @ self.vcov @ chosen.X.T
            df = np.full(len(chosen), np.inf)
        else:
            inferred = infer(self.kernels, Targets(x=chosen.X), ddf=self.ddf)
            beta, df = inferred.kernels.beta, inferred.df
            covariance = np.asarray(inferred.covariance)
        made = np.full((3, len(functions)), np.nan)
        made[:, known] = chosen.X @ beta + chosen.offset, np.sqrt(covariance.diagonal()), df
        return FunctionEstimates(
            estimate=made[0], std_error=made[1], df=made[2], covariance=covariance, estimable=known
        )

    def joint(self, functions: LinearFunctions) -> JointTest:
        """The test that all of them are zero, of what the data determine of them."""
        known = functions.estimable_part(self.aliases)
        if not len(known):
            return JointTest(statistic=np.nan, df_num=0, df=np.nan, p_value=np.nan)
        if self.kernels is not None:
            return joint_test(self.kernels, known.X, -known.offset, ddf=self.ddf)
        covariance = known.X @ self.vcov @ known.X.T
        values, vectors = np.linalg.eigh(covariance)
        kept = values > np.sqrt(np.finfo(float).eps) * values[-1]
        rank = int(kept.sum())
        scores = vectors[:, kept].T @ (known.X @ self.beta + known.offset)
        F = float((scores**2 / values[kept]).sum()) / rank
        return JointTest(
            statistic=F, df_num=rank, df=np.inf, p_value=float(joint_p(F, rank, np.inf))
        )
