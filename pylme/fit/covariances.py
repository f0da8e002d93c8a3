"""Covariance matrices of the fixed effects, other than the engine's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from pylme.errors import NotAvailableError
from pylme.fit.base import EngineFit
from pylme.options import choice, optional_text

if TYPE_CHECKING:
    from pylme.inference.covariances import CovarianceKind
    from pylme.inference.quality.cluster_robust import ClusterRobust, RobustKind

__all__ = ["Covariances"]


class Covariances(EngineFit):
    """Covariance matrices of the fixed effects: adjusted, of a Hessian, cluster-robust."""

    def vcov_of(self, kind: CovarianceKind = "model", *, by: str | None = None) -> Any:
        """A covariance matrix of the fixed effects.

        Parameters
        ----------
        kind : {"model", "kenward-roger", "hessian", "rx", "CR0", "CR2"}
            "model": the engine's own, `vcov`. "kenward-roger": adjusted for small samples, of a
            linear model; of its REML fit. "hessian" and "rx": for a generalized model, from the
            second derivatives of the deviance by all parameters, or from the penalized weighted
            least squares problem at the estimates of the variances alone, which is too small where
            these depend on the fixed effects. "CR0" and "CR2": cluster-robust, of a linear model;
            `robust_test` has the tests with them.
        by : str, optional
            The clusters of "CR0" and "CR2", as for `robust_test`.

        Returns
        -------
        DataFrame

        Raises
        ------
        OptionError
            If no such kind exists, or there are no such clusters.
        NotAvailableError
            If the matrix is not defined for the model, or needs what the fit does not have.

        References
        ----------
        Kenward & Roger (1997), Biometrics 53.

        Examples
        --------
        >>> import pylme
        >>> pastes = pylme.datasets.load("pastes")
        >>> fit = pylme.lmer("strength ~ 1 + (1 | batch/cask)", pastes, engine="numpy")
        >>> fit.vcov_of("kenward-roger").round(4)
                     (Intercept)
        (Intercept)       0.4582
        """
        from pylme.inference.covariances import (
            CovarianceKind,
            adjusted_covariance,
            generalized_covariance,
        )

        kind = choice("kind", kind, CovarianceKind)
        names = list(self._estimates.names)
        match kind:
            case "model":
                return self.vcov
            case "kenward-roger":
                matrix = adjusted_covariance(self._kernels, linear=self._linear)
            case "CR0" | "CR2":
                matrix = self._clustered(kind, optional_text("by", by)).vcov
            case "hessian" | "rx":
                matrix = generalized_covariance(self._model, kind, p=len(names))
        return self._native(pd.DataFrame(matrix, index=names, columns=names), labels="term")

    def _clustered(self, kind: RobustKind, by: str | None) -> ClusterRobust:
        """A cluster-robust covariance matrix of the fixed effects."""
        from pylme.inference.quality.cluster_robust import cluster_robust
        from pylme.inference.quality.groups import groups_of

        kernels = self._kernels
        if kernels is None:
            found = "a fit from JSON does not contain the matrices that they are computed from"
            remedy = "Ask before the fit is saved, or fit the model again."
            if not self._linear:
                found = "they are defined for linear mixed models, and this is a generalized one"
                remedy = (
                    'Use the model\'s own, fit.coef_test(), or draw them, fit.confint("bootstrap").'
                )
            raise NotAvailableError(
                asked="Computing cluster-robust standard errors", found=found, remedy=remedy
            )
        terms = kernels.linear.terms
        if by is None:
            by = min(terms, key=lambda term: len(term.levels)).group
        spec = self._model.spec
        groups = groups_of(by, terms, None if spec is None else spec.frame, self._rows)
        return cluster_robust(kernels, groups, kind)

    @property
    def _linear(self) -> bool:
        """Whether the model is a linear one."""
        spec = self._model.spec
        return (self._info if spec is None else spec).family is None
