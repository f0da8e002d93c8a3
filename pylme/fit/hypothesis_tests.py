"""Tests of a fitted model: coefficients, hypotheses, terms, variances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.errors import NotAvailableError, PylmeError
from pylme.fit.base import EngineFit
from pylme.inference.coefficient_tests import Estimated, contrast_tests
from pylme.inference.ddf import Ddf, require_kernels
from pylme.inference.hypotheses import hypothesis_of
from pylme.inference.hypothesis_test import hypothesis_test
from pylme.inference.term_hypotheses import TermType
from pylme.inference.term_tests import deletion_tests, term_tests
from pylme.options import choice
from pylme.results import tidying

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from pylme.inference.coefficient_tests import CoefficientTests
    from pylme.inference.fixed_terms import FixedTerms
    from pylme.inference.hypothesis_test import HypothesisTest
    from pylme.inference.kernels import Kernels
    from pylme.inference.term_tests import TermTests

__all__ = ["Tests"]


class Tests(EngineFit):
    """Tests of a fitted model: coefficients, hypotheses, terms, variances."""

    def coef_test(self, *, ddf: Ddf | None = None, conf_level: float = 0.95) -> CoefficientTests:
        """Test each fixed effect, with an interval.

        Parameters
        ----------
        ddf : {"satterthwaite", "kenward-roger", "normal"}, optional
            The method of the degrees of freedom; by default Satterthwaite's for a linear model and
            "normal", which gives Wald's z tests, for a generalized one. Kenward and Roger's method
            also adjusts the standard errors for small samples. A model that was fitted by ML is
            fitted by REML for it, and all numbers are those of the REML fit.
        conf_level : float
            The level of the intervals.

        Returns
        -------
        CoefficientTests
            Its `to_frame` gives the columns ``term, estimate, std_error, df, statistic, p_value,
            conf_low, conf_high, method``.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed.
        NotAvailableError
            If degrees of freedom are not defined for the model, or the fit came from JSON.

        References
        ----------
        Fai & Cornelius (1996), Journal of Statistical Computation and Simulation 54; Kenward &
        Roger (1997), Biometrics 53.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
        >>> print(fit.coef_test())
        Fixed effects: t tests, degrees of freedom by Satterthwaite
                    Estimate Std. Error      df t value Pr(>|t|)
        (Intercept)  251.405      6.825  17.000  36.838  < 2e-16 ***
        Days          10.467      1.546  17.000   6.771 3.26e-06 ***
        ---
        Signif. codes:  0 ‘***’ 0.001 ‘**’ 0.01 ‘*’ 0.05 ‘.’ 0.1 ‘ ’ 1
        """
        method = self._ddf(ddf)
        tidying.half_width(conf_level)
        names = self._estimates.names
        return contrast_tests(
            self._source(method), np.eye(len(names)), names, ddf=method, conf_level=conf_level,
            library=self.library,
        )  # fmt: skip

    def test(
        self,
        hypothesis: str | Sequence[str] | ArrayLike,
        *,
        ddf: Ddf | None = None,
        conf_level: float = 0.95,
    ) -> HypothesisTest:
        """Test a linear hypothesis on the fixed effects.

        Parameters
        ----------
        hypothesis : str, sequence of str, or array_like of shape (q, p) or (p,)
            The name of a term or of a coefficient; equations divided by commas, such as
            ``"armB - armC = 0"``; a list of equations; or a matrix with a row for each contrast
            that is zero. Names with unusual characters may stand between backticks.
        ddf : {"satterthwaite", "kenward-roger", "normal"}, optional
            As for `coef_test`.
        conf_level : float
            The level of the intervals of single equations.

        Returns
        -------
        HypothesisTest
            t for one equation, F for several; by the normal method z and χ².

        Raises
        ------
        UnknownNameError
            If no coefficient has a name in the text.
        OptionError
            If an argument is not one of those allowed.
        NotAvailableError
            As for `coef_test`.

        Examples
        --------
        >>> import pylme
        >>> cake = pylme.datasets.load("cake")
        >>> fit = pylme.lmer(
        ...     "angle ~ recipe + temp + (1 | recipe:replicate)", cake, engine="numpy"
        ... )
        >>> fit.test("recipeB = recipeC")
        <HypothesisTest: recipeB - recipeC = 0; t(42) = 0.02, p = 0.9842 (Satterthwaite)>
        >>> fit.test("recipe", ddf="kenward-roger")
        <HypothesisTest: recipeB = 0, recipeC = 0; F(2, 42) = 0.2, p = 0.8 (Kenward-Roger)>
        """
        method = self._ddf(ddf)
        tidying.half_width(conf_level)
        asked = hypothesis_of(hypothesis, self._estimates.names, self._term_columns())
        return hypothesis_test(
            self._source(method), asked, ddf=method, conf_level=conf_level, library=self.library
        )

    def anova(self, *, type: TermType = 3, ddf: Ddf | None = None) -> TermTests:  # noqa: A002
        """Test each term of the fixed effects: F tests of type I, II or III.

        Type I tests each term after those before it in the formula, type II after all that do not
        contain it, and type III in the presence of all others, whatever the coding of factors.

        Parameters
        ----------
        type : {1, 2, 3}
        ddf : {"satterthwaite", "kenward-roger", "normal"}, optional
            As for `coef_test`.

        Returns
        -------
        TermTests
            Its `to_frame` gives the columns ``term, sum_sq, mean_sq, df_num, df, statistic,
            p_value, method``; by the normal method Wald's χ² and no squares.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed.
        NotAvailableError
            As for `coef_test`; or if only R can evaluate the formula.

        Notes
        -----
        A factor in an interaction with a covariate is tested by type III at zero of the covariate:
        centre the covariate to test it at the mean. All hypotheses come from the design without
        prior weights.

        References
        ----------
        Searle (1987), Linear Models for Unbalanced Data; Kuznetsova, Brockhoff & Christensen
        (2017), Journal of Statistical Software 82(13).

        Examples
        --------
        >>> import pylme
        >>> cake = pylme.datasets.load("cake")
        >>> fit = pylme.lmer(
        ...     "angle ~ recipe * temp + (1 | recipe:replicate)", cake, engine="numpy"
        ... )
        >>> print(fit.anova(ddf="kenward-roger"))
        Type III: F tests, degrees of freedom by Kenward-Roger
                       Sum Sq    Mean Sq NumDF  DenDF F value Pr(>F)
        recipe         3.9967    1.99834     2 254.02  0.0957 0.9088
        temp        1966.7051 1966.70508     1 222.00 94.1632 <2e-16 ***
        recipe:temp    1.7416    0.87079     2 222.00  0.0417 0.9592
        ---
        Signif. codes:  0 ‘***’ 0.001 ‘**’ 0.01 ‘*’ 0.05 ‘.’ 0.1 ‘ ’ 1
        """
        kind = choice("type", type, TermType)
        method = self._ddf(ddf)
        return term_tests(
            self._source(method), self._fixed_terms(), kind, ddf=method, library=self.library
        )

    def drop1(self, *, ddf: Ddf | None = None) -> TermTests:
        """Test each term of the fixed effects that no other contains, by leaving it out.

        Parameters
        ----------
        ddf : {"satterthwaite", "kenward-roger", "normal"}, optional
            As for `coef_test`.

        Returns
        -------
        TermTests

        Raises
        ------
        OptionError, NotAvailableError
            As for `anova`.

        Examples
        --------
        >>> import pylme
        >>> cake = pylme.datasets.load("cake")
        >>> fit = pylme.lmer(
        ...     "angle ~ recipe * temp + (1 | recipe:replicate)", cake, engine="numpy"
        ... )
        >>> fit.drop1().terms
        ('recipe:temp',)
        """
        method = self._ddf(ddf)
        return deletion_tests(
            self._source(method), self._fixed_terms(), ddf=method, library=self.library
        )

    def _fixed_terms(self) -> FixedTerms:
        """The terms of the fixed effects, in the columns of the fit."""
        from pylme.inference.fixed_terms import FixedTerms

        # What has no matrices says why.
        design, spec = self._model.design, self._model.spec
        if spec is None or design.x_names != self._estimates.names:
            raise NotAvailableError(
                asked="Testing the terms of the fixed effects",
                found="the columns that lme4 kept are not those that pylme finds in the formula",
                remedy="Test the coefficients by name with fit.test().",
            )
        return FixedTerms.of(design, spec)

    def _ddf(self, ddf: Ddf | None) -> Ddf:
        """The method that was chosen, or the default one of the model."""
        if ddf is None:
            return "satterthwaite" if self._info.family is None else "normal"
        return choice("ddf", ddf, Ddf)

    def _source(self, ddf: Ddf) -> Kernels | Estimated:
        """What tests are computed from."""
        if ddf == "normal":
            return Estimated(beta=self._estimates.beta, vcov=self._vcov)
        return require_kernels(self._kernels, ddf, linear=self._info.family is None)

    def _term_columns(self) -> dict[str, list[int]]:
        """The coefficients of each term of the fixed effects, where the formula is known."""
        try:
            design = self._model.design
        except PylmeError:
            return {}
        names = list(self._estimates.names)
        labels = design.recipe.terms.fixed.labels
        columns: dict[str, list[int]] = {label: [] for label in labels}
        for name, term in zip(design.x_names, design.assign, strict=True):
            if term and name in names:
                columns[labels[term - 1]].append(names.index(name))
        return {label: found for label, found in columns.items() if found}
