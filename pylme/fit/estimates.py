"""The estimates of a fit, with labels: effects, variances, information criteria."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from pylme.errors import NotAvailableError
from pylme.fit.model import FitModel
from pylme.frame import label_index
from pylme.results.estimates import aic, aicc, bic, coefficient_table
from pylme.results.ranef import ConditionalVariances, EffectsByGroup
from pylme.results.varcorr import varcorr_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from pylme.by_group.table import GroupCorrelations, IntervalMethod
    from pylme.inference.kernels import Kernels
    from pylme.results.ranef import RandomEffects
    from pylme.results.varcorr import VarCorr, VarianceErrors

__all__ = ["FitEstimates"]


class FitEstimates(FitModel):
    """The numbers that an engine estimates, in the library of the data."""

    @property
    def fixef(self) -> pd.Series[float]:
        """Fixed effects, by R's coefficient names."""
        values = self._estimates.beta.copy()
        return pd.Series(values, index=label_index(self._estimates.names), name="fixef")

    @cached_property
    def _vcov(self) -> NDArray[np.float64]:
        return self._model.vcov()

    @property
    def vcov(self) -> Any:
        """Covariance matrix of the fixed effects, a frame."""
        names = self._estimates.names
        table = pd.DataFrame(
            self._vcov.copy(), index=label_index(names), columns=label_index(names)
        )
        return self._native(table, labels="term")

    @property
    def sigma(self) -> float:
        """Residual standard deviation; 1 for a family without a scale."""
        return self._estimates.sigma

    @property
    def theta(self) -> NDArray[np.float64]:
        """Relative covariance parameters in lme4's order, shape (m,)."""
        return self._estimates.theta

    @property
    def criterion(self) -> float:
        """The REML criterion, or the deviance -2 log L."""
        return self._estimates.criterion

    @property
    def loglik(self) -> float:
        """Log-likelihood, restricted for a REML fit."""
        return self._estimates.loglik

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return aic(self.loglik, self._estimates.df)

    @property
    def bic(self) -> float:
        """Schwarz's information criterion."""
        return bic(self.loglik, self._estimates.df, self.nobs)

    @property
    def aicc(self) -> float:
        """AIC corrected for few rows (Hurvich & Tsai 1989, Biometrika 76)."""
        return aicc(self.loglik, self._estimates.df, self.nobs)

    @property
    def df_resid(self) -> int:
        """Residual degrees of freedom: rows used minus estimated parameters."""
        return self.nobs - self._estimates.df

    @cached_property
    def varcorr(self) -> VarCorr:
        """Variances, standard deviations and correlations of the random effects."""
        return replace(self._model.varcorr(), library=self.library)

    @property
    def varcorr_table(self) -> Any:
        """Variances, covariances, standard deviations and correlations, with standard errors.

        Columns ``grp, var1, var2, vcov, vcov_std_error, sdcor, sdcor_std_error``. The standard
        errors come from the joint Hessian of the criterion in all covariance parameters and the
        residual variance (the fixed effects, for a generalized model), by the delta method; NaN for
        a term on the boundary. lme4 computes none, so for its fits they are computed from its
        matrices at its theta.

        Raises
        ------
        NotAvailableError
            If a family has a dispersion and the criterion is lme4's, which is no likelihood, or a
            fit by lme4 came from JSON.
        """
        errors = self._variance_errors
        if errors is None:
            raise NotAvailableError(
                asked="Reading standard errors of the variance components",
                found="they come from the Hessian of a likelihood, and this fit has none: it came "
                "from JSON, or its family has a dispersion and lme4's criterion is no likelihood",
                remedy='Fit a linear mixed model, or a generalized one with engine="numpy" and '
                'criterion="likelihood", and ask before the fit is saved as JSON.',
            )
        return self._native(varcorr_table(self.varcorr, errors))

    @cached_property
    def _variance_errors(self) -> VarianceErrors | None:
        errors = self._model.variance_errors()
        if errors is not None:
            return errors
        generalized = self._model.generalized_problem()
        if generalized is not None and generalized.theta is not None:
            from pylme.reference.generalized.variance_errors import variance_errors_at

            return variance_errors_at(generalized)
        linear = self._model.linear_problem()
        if linear is None or linear.theta is None:
            return None
        from pylme.reference.criterion.prepare import problem_of
        from pylme.reference.standard_errors import standard_errors

        return standard_errors(problem_of(linear), linear.terms, linear.theta)

    def group_correlations(
        self,
        by: str,
        *,
        group: str | None = None,
        method: IntervalMethod = "delta",
        conf_level: float = 0.95,
    ) -> GroupCorrelations:
        """Standard deviations and correlations of random effects by the levels of a factor.

        For a model with a covariance matrix for each level, as `pylme.group_specific` writes it.

        Parameters
        ----------
        by : str
            The factor.
        group : str, optional
            The grouping factor, where several have terms by `by`.
        method : {"delta", "profile"}
            "delta": intervals from the joint Hessian, quick, symmetric for log sd and for Fisher's
            z, not available on the boundary. "profile": intervals from the profile likelihood,
            slow, available on the boundary too.
        conf_level : float
            The level of the intervals.

        Returns
        -------
        GroupCorrelations
            The table, and a likelihood ratio test of one covariance matrix for all levels.
            Intervals and test are computed by the NumPy engine, whichever engine fitted the model;
            they are not available for a generalized model or a fit from JSON.

        Raises
        ------
        NotAvailableError
            If the random part has no term for each level of `by`.
        OptionError
            If an argument is not one of those allowed.

        Notes
        -----
        The residual variance is the same for all levels, as in every model of lme4. If it differs
        between the levels, separate fits of each level give different standard deviations.

        References
        ----------
        Pinheiro & Bates (2000), Mixed-Effects Models in S and S-PLUS, section 2.4.

        Examples
        --------
        >>> import pylme
        >>> hsb = pylme.datasets.load("hsb")
        >>> part = pylme.group_specific("ses", group="sch.id", by="sector", data=hsb)
        >>> fit = pylme.lmer(f"math ~ ses*sector + {part}", hsb)  # doctest: +SKIP
        >>> fit.group_correlations(by="sector", method="profile")  # doctest: +SKIP
        """
        from pylme.by_group.correlations import group_correlations

        return group_correlations(
            self.varcorr, self._model.linear_problem(), by=by, group=group, method=method,
            conf_level=conf_level, library=self.library,
        )  # fmt: skip

    @cached_property
    def _coefficients(self) -> pd.DataFrame:
        return coefficient_table(self._estimates, self._vcov, self._info)

    @property
    def coef_table(self) -> Any:
        """Fixed effects: ``estimate, std_error, statistic``, and ``p_value`` where it is known.

        A frame with the names of the coefficients as labels of its rows.
        """
        return self._native(self._coefficients.copy(), labels="term")

    @cached_property
    def _kernels(self) -> Kernels | None:
        """What inference is made of; None where there is no linear model with its matrices."""
        from pylme.inference.kernels import Kernels

        return Kernels.of_model(self._model)

    @cached_property
    def _random_effects(self) -> dict[str, RandomEffects]:
        return {effects.group: effects for effects in self._model.ranef()}

    @property
    def ranef(self) -> dict[str, Any]:
        """Conditional modes by grouping factor: levels as index, effects as columns."""
        frames = {group: effects.to_frame() for group, effects in self._random_effects.items()}
        return EffectsByGroup(frames, self._native)

    @cached_property
    def ranef_var(self) -> Mapping[str, NDArray[np.float64]]:
        """Conditional variances by grouping factor, shape (levels, k, k)."""
        return ConditionalVariances(tuple(self._random_effects), self._model.ranef_var)
