"""How good a fitted model is: explained variance, influence, robust tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np

from pylme.errors import NotAvailableError
from pylme.fit.refits import Refits
from pylme.options import choice, optional_text
from pylme.results.tables.tidying import half_width
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from pylme.inference.coefficient_tests import CoefficientTests
    from pylme.inference.kernels import Kernels
    from pylme.inference.quality.cluster_robust import RobustKind
    from pylme.inference.quality.explained_variance import ICC, R2, VarianceParts
    from pylme.inference.quality.influence import Influence

__all__ = ["Quality"]


class Quality(Refits):
    """How good a fitted model is: explained variance, influence, robust tests."""

    # --- explained variance -------------------------------------------------------------------

    def r2(self) -> R2:
        """The share of the variance that the fixed effects, and all effects, explain.

        Returns
        -------
        R2
            ``marginal`` and ``conditional``, and the variances of which they are made. For a
            generalized model, on the scale of the linear predictor.

        Raises
        ------
        NotAvailableError
            If the fit came from JSON, or the variance that a family adds on the scale of its link
            is not known.

        Notes
        -----
        For counts the model without predictors is fitted too, for the mean response. A term with a
        level for each row counts as residual in a generalized model.

        References
        ----------
        Nakagawa, Johnson & Schielzeth (2017), The coefficient of determination R² and intra-class
        correlation coefficient from generalized linear mixed-effects models revisited and expanded,
        Journal of the Royal Society Interface 14, doi:10.1098/rsif.2017.0213.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy").r2()
        <R2: marginal 0.2787, conditional 0.7992>
        """
        from pylme.inference.quality.explained_variance import R2

        return R2.of(self._variance_parts(), self.library)

    def icc(self) -> ICC:
        """The share of the variance that lies between groups.

        Returns
        -------
        ICC
            ``adjusted`` (of what the fixed effects leave), ``unadjusted`` (of all variance) and
            ``by_group``.

        Raises
        ------
        NotAvailableError
            As for `r2`, whose variances these are.

        Examples
        --------
        >>> import pylme
        >>> pastes = pylme.datasets.load("pastes")
        >>> fit = pylme.lmer("strength ~ 1 + (1 | batch/cask)", pastes, engine="numpy")
        >>> {group: round(share, 3) for group, share in fit.icc().by_group.items()}
        {'cask:batch': 0.783, 'batch': 0.154}
        """
        from pylme.inference.quality.explained_variance import ICC

        return ICC.of(self._variance_parts(), self.library)

    def _variance_parts(self) -> VarianceParts:
        from pylme.inference.quality.explained_variance import (
            distribution_variance,
            needs_mean,
            random_variances,
            variance_parts,
        )

        linear = self._model.linear_problem()
        model = self._model.design if linear is None else linear
        covariances = [term.cov for term in self.varcorr.terms]
        residual: float | None = self.sigma**2
        if self._info.family is not None:
            family, mean = self.family, 1.0
            if needs_mean(family):
                null = self._without_predictors()
                random = random_variances(
                    null._model.design.terms,  # noqa: SLF001  (of this class)
                    [term.cov for term in null.varcorr.terms],
                )
                mean = float(np.exp(null.fixef.iloc[0] + 0.5 * random.sum()))
            residual = distribution_variance(family, mean, self.sigma)
        if residual is None:
            raise NotAvailableError(
                asked="Computing R² or an intraclass correlation",
                found=f"the variance that the {self.family.name} family adds on the scale of its "
                f"{self.family.link} link is not known",
                remedy="Fit the model with the family's usual link.",
            )
        beta, summed = self._estimates.beta, None
        if not self._has_rows:
            summed = None if self._model.spec is None else self._model.spec.summed
        if summed is None:
            model.require_rows("Computing R² or an intraclass correlation")
            eta = model.X @ beta
            fixed = float(np.var(eta, ddof=1)) if len(eta) > 1 else 0.0
        else:
            from pylme.inference.lazy_fixed_terms import variance_of

            fixed = variance_of(self._model.design, summed, beta)
        return variance_parts(
            fixed,
            model.terms,
            covariances,
            residual,
            n=self.nobs,
            latent=self._info.family is not None,
        )

    def _without_predictors(self) -> Self:
        """The same model with an intercept for its only fixed effect."""
        from pylme.fit.refit_request import request_of

        formula = request_of(self._model, self._request).spec.formula
        bars = " + ".join(str(bar) for bar in formula.bars)
        with silenced():
            return self.update(f". ~ 1 + {bars}")

    def re_pca(self) -> dict[str, Any]:
        """Principal components of the random effects, by grouping factor.

        Returns
        -------
        dict of str to DataFrame
            A row for each component: ``sd`` (relative to the residual's, as in lme4's ``rePCA``),
            ``proportion`` and ``cumulative`` of the variance, and the loadings of the effects. A
            component without variance says that the model has more covariance parameters than the
            data support. Components depend on the units of the variables.

        References
        ----------
        Bates, Kliegl, Vasishth & Baayen (2015), Parsimonious mixed models, arXiv:1506.04967.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
        >>> fit.re_pca()["Subject"]["proportion"].round(3).tolist()
        [0.946, 0.054]
        """
        from pylme.inference.quality.principal_components import principal_components

        found = principal_components(self.varcorr)
        return {group: self._native(table) for group, table in found.items()}

    # --- influence ----------------------------------------------------------------------------

    @overload
    def influence(self, by: str) -> Influence: ...

    @overload
    def influence(self, by: None = None) -> Any: ...

    def influence(self, by: str | None = None) -> Influence | Any:
        """How the estimates change when a group of rows, or a single row, is left out.

        Parameters
        ----------
        by : str, optional
            A grouping factor of the model, or a column that it uses. The model is fitted again
            without each of its levels; where it is the only grouping factor, all of them at once.
            By default, single rows are left out at the same θ.

        Returns
        -------
        Influence
            Cook's distances, DFBETAS, and the changes of all parameters, by group.
        DataFrame
            Without `by`: a row for each row of the data, with ``hat`` (the hat value, whose sum is
            the effective number of parameters), ``cooks_distance``, ``sigma`` (without the row)
            and ``dfbetas[…]``; NaN where a row was left out.

        Raises
        ------
        UnknownNameError
            If there is no such factor or column.
        NotAvailableError
            If the fit came from JSON; without `by`, if the model is a generalized one.

        Notes
        -----
        Cook's distance is the squared length of the change of the fixed effects, in units of their
        covariance matrix, over their number. R's ``lme4`` multiplies it by (J - p)/J with J groups,
        which is negative where there are fewer groups than fixed effects. DFBETAS have the sign of
        the estimate less that without the group; R's are those without the group less the estimate.

        References
        ----------
        Belsley, Kuh & Welsch (1980), Regression Diagnostics, section 2.1.
        Demidenko & Stukel (2005), Influence analysis for linear mixed-effects models, Statistics in
        Medicine 24.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
        >>> fit.influence(by="Subject")
        <Influence of 18 levels of Subject: the greatest Cook's distance is 0.149, of 309>
        """
        from pylme.inference.quality.generalized_influence import influence_on_generalized
        from pylme.inference.quality.groups import groups_of
        from pylme.inference.quality.linear_influence import influence_of_groups
        from pylme.inference.quality.row_influence import influence_of_rows

        optional_text("by", by)
        spec = self._model.spec
        frame = None if spec is None else spec.frame
        generalized = self._model.generalized_problem()
        if generalized is not None:
            if by is None:
                raise NotAvailableError(
                    asked="Computing the influence of single rows",
                    found="rows are left out in closed form, which generalized models have not",
                    remedy="Name the groups to leave out, by=; augment() has hat values and "
                    "Cook's distances as lme4 approximates them.",
                )
            groups = groups_of(by, generalized.terms, frame, self._rows)
            return influence_on_generalized(generalized, groups, self.library)
        kernels = self._kernels_for("Computing influence")
        if by is not None:
            groups = groups_of(by, kernels.linear.terms, frame, self._rows)
            return influence_of_groups(kernels, groups, self.library)
        found = influence_of_rows(kernels)
        columns = {"hat": found.hat, "cooks_distance": found.cooks_distance, "sigma": found.sigma}
        for name, own in zip(self._estimates.names, found.dfbetas.T, strict=True):
            columns[f"dfbetas[{name}]"] = own
        return self._of_given(columns)

    def robust_test(
        self, by: str | None = None, *, kind: RobustKind = "CR2", conf_level: float = 0.95
    ) -> CoefficientTests:
        """Test the fixed effects with cluster-robust standard errors.

        They hold where the random effects or the residual variance are not as the model has them,
        if clusters are independent and there are enough of them.

        Parameters
        ----------
        by : str, optional
            The clusters: a grouping factor, or a column that the model uses. By default the
            grouping factor with the fewest levels. Each cluster must hold whole levels of all
            grouping factors, so crossed factors have none.
        kind : {"CR2", "CR0"}
            "CR2" is unbiased where the model is right, and has degrees of freedom of its own for
            each coefficient; "CR0" is the plain sandwich, too small with few clusters.
        conf_level : float
            The level of the intervals.

        Returns
        -------
        CoefficientTests
            As of `coef_test`.

        Raises
        ------
        UnknownNameError
            If there is no such factor or column.
        OptionError
            If an argument is not one of those allowed, or rows of different clusters depend on each
            other in the model.
        NotAvailableError
            If the model is a generalized one, or the fit came from JSON.

        References
        ----------
        Bell & McCaffrey (2002), Survey Methodology 28.
        Pustejovsky & Tipton (2018), Small-sample methods for cluster-robust variance estimation,
        Journal of Business & Economic Statistics 36.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, engine="numpy")
        >>> fit.robust_test().df.round(6).tolist()
        [17.0, 17.0]
        """
        from pylme.inference.quality.cluster_robust import RobustKind, robust_tests

        choice("kind", kind, RobustKind)
        half_width(conf_level)
        found = self._clustered(kind, optional_text("by", by))
        names, beta = self._estimates.names, self._kernels_for("Testing").beta
        return robust_tests(found, names, beta, conf_level=conf_level, library=self.library)

    def shrinkage(self, group: str | None = None) -> Any:
        """The random effects of each level by its own rows alone, beside their modes.

        Parameters
        ----------
        group : str, optional
            The grouping factor; by default the first one.

        Returns
        -------
        DataFrame
            A row for each level and effect: ``group, level, term, unpooled, estimate``. Unpooled
            are the least-squares effects of the level's rows, after what the fixed effects and
            other random effects explain; NaN where the rows do not determine them. The estimate is
            the conditional mode, shrunk towards zero.

        Raises
        ------
        UnknownNameError
            If no such grouping factor exists.
        NotAvailableError
            If the model is a generalized one, or the fit came from JSON.
        """
        from pylme.inference.quality.shrinkage import shrinkage

        kernels = self._kernels_for("Computing shrinkage")
        return self._native(shrinkage(kernels, optional_text("group", group)))

    def _kernels_for(self, asked: str) -> Kernels:
        """What inference is made of.

        Raises
        ------
        NotAvailableError
            If the model is a generalized one, or has no matrices.
        """
        kernels = self._kernels
        if kernels is None:
            raise NotAvailableError(
                asked=asked,
                found="this needs the matrices of a linear mixed model, and this fit has none",
                remedy="Fit a linear mixed model, and ask before the fit is saved as JSON.",
            )
        return kernels
