"""Tests of a fitted model: coefficients, hypotheses, terms, variances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.errors import NotAvailableError, PylmeError
from pylme.fit.covariances import Covariances
from pylme.inference.ddf import Ddf, default_ddf, require_kernels
from pylme.inference.hypotheses import hypothesis_of
from pylme.inference.term_hypotheses import TermType
from pylme.options import choice, true_or_false
from pylme.results.tables import tidying
from pylme.results.tables.summary import Summary, tested_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from pylme.inference.coefficient_tests import CoefficientTests, Estimated
    from pylme.inference.fixed_terms import FixedTerms
    from pylme.inference.hypothesis_test import HypothesisTest
    from pylme.inference.kernels import Kernels
    from pylme.inference.term_tests import TermTests
    from pylme.results.tables.tidying import Effects, Names

__all__ = ["Tests"]


class Tests(Covariances):
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
                    Estimate Std. Error df t value Pr(>|t|)
        (Intercept)  251.405      6.825 17  36.838  < 2e-16 ***
        Days          10.467      1.546 17   6.771 3.26e-06 ***
        ---
        Signif. codes:  0 ‘***’ 0.001 ‘**’ 0.01 ‘*’ 0.05 ‘.’ 0.1 ‘ ’ 1
        """
        from pylme.inference.coefficient_tests import Estimated, contrast_tests

        method = self._ddf(ddf)
        tidying.half_width(conf_level)
        source = self._source(method)
        names = self._estimates.names if isinstance(source, Estimated) else source.linear.x_names
        return contrast_tests(
            source, np.eye(len(names)), names, ddf=method, conf_level=conf_level,
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
        <HypothesisTest: recipeB - recipeC = 0; t(42) = 0.01809, p = 0.9856 (Satterthwaite)>
        >>> fit.test("recipe", ddf="kenward-roger")
        <HypothesisTest: recipeB = 0, recipeC = 0; F(2, 42) = 0.2488, p = 0.7809 (Kenward-Roger)>
        """
        from pylme.inference.hypothesis_test import hypothesis_test

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
        prior weights. By type II an F test takes a factor not to be contained in its interaction
        with a covariate, as lmerTest does, and a χ² test takes it to be, as car does.

        References
        ----------
        Searle (1987), Linear Models for Unbalanced Data; Fox & Weisberg (2019), An R Companion to
        Applied Regression, section 6.3; Kuznetsova, Brockhoff & Christensen
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
        from pylme.inference.term_tests import term_tests

        kind = choice("type", type, TermType)
        method = self._ddf(ddf)
        fixed = self._fixed_terms()
        if kind in {1, 2}:
            fixed.require_rows_alike(f"Testing terms by hypotheses of type {kind}")
        return term_tests(self._source(method), fixed, kind, ddf=method, library=self.library)

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
        from pylme.inference.term_tests import deletion_tests

        method = self._ddf(ddf)
        return deletion_tests(
            self._source(method), self._fixed_terms(), ddf=method, library=self.library
        )

    def summary(self, *, ddf: Ddf | None = None) -> Summary:
        """The summary, which prints as in R and renders to HTML, LaTeX and Markdown.

        Parameters
        ----------
        ddf : {"satterthwaite", "kenward-roger", "normal"}, optional
            Add p-values with degrees of freedom by this method, as lmerTest's summary has them. By
            default the summary is lme4's.

        Raises
        ------
        OptionError, NotAvailableError
            As for `coef_test`.
        """
        return Summary(
            info=self._info,
            estimates=self._estimates,
            vcov=self._vcov,
            varcorr=self.varcorr,
            optinfo=self.optinfo,
            scaled_residuals=self._model.residuals("scaled") if self._has_rows else None,
            engine=self.engine,
            library=self.library,
            tests=None if ddf is None else self.coef_test(ddf=ddf),
        )

    def tidy(
        self,
        effects: Effects | Sequence[Effects] = ("fixed", "ran_pars"),
        *,
        conf_int: bool = False,
        conf_level: float = 0.95,
        ddf: Ddf | None = None,
        exponentiate: bool = False,
        names: Names = "pylme",
    ) -> Any:
        """Estimates as a tidy frame with broom.mixed's columns.

        Parameters
        ----------
        effects : {"fixed", "ran_pars", "ran_vals"} or several of them
            Fixed effects, standard deviations and correlations, conditional modes.
        conf_int : bool
            Add ``conf_low`` and ``conf_high``: normal intervals, or those of `ddf`.
        conf_level : float
            The level of the intervals.
        ddf : {"satterthwaite", "kenward-roger", "normal"}, optional
            Add ``df`` and ``p_value`` of the fixed effects by this method; see `coef_test`.
        exponentiate : bool
            Exponentiate the fixed effects and their intervals, for odds ratios and rate ratios.
            Standard errors are those of the exponentiated values, by the delta method; the
            statistic and the p-value remain those of the coefficient.
        names : {"pylme", "broom"}
            "broom" gives broom's own column names, with dots: ``std.error``.

        Returns
        -------
        DataFrame
            ``effect, group, [level,] term, estimate, std_error, statistic[, df][, p_value]``.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed, with or without intervals.
        NotAvailableError
            As for `coef_test`.
        """
        tidying.half_width(conf_level)
        table = self._coefficients
        if ddf is not None:
            tests = self.coef_test(ddf=ddf, conf_level=conf_level)
            table = tested_frame(tests, self._estimates.names)
            table = table.assign(conf_low=tests.conf_low, conf_high=tests.conf_high)
        rows = tidying.tidy(
            effects,
            table=table,
            varcorr=self.varcorr,
            modes=lambda: [(e, self.ranef_var[e.group]) for e in self._random_effects.values()],
            conf_level=conf_level if true_or_false("conf_int", conf_int) else None,
            exponentiate=true_or_false("exponentiate", exponentiate),
        )
        return self._native(tidying.named(rows, names))

    def _fixed_terms(self) -> FixedTerms:
        """The terms of the fixed effects, in the columns of the fit."""
        # What has no matrices says why.
        design, spec = self._model.design, self._model.spec
        if spec is None or design.x_names != self._estimates.names:
            raise NotAvailableError(
                asked="Testing the terms of the fixed effects",
                found="the columns that lme4 kept are not those that pylme finds in the formula",
                remedy="Test the coefficients by name with fit.test().",
            )
        if spec.summed is not None:
            from pylme.inference.lazy_fixed_terms import LazyFixedTerms

            return LazyFixedTerms.of_sums(design, spec.summed)
        from pylme.inference.fixed_terms import FixedTerms

        return FixedTerms.of_rows(design, spec)

    def _ddf(self, ddf: Ddf | None) -> Ddf:
        """The method that was chosen, or the default one of the model."""
        if ddf is None:
            return default_ddf("tests", linear=self._linear)
        return choice("ddf", ddf, Ddf)

    def _source(self, ddf: Ddf) -> Kernels | Estimated:
        """What tests are computed from."""
        if ddf == "normal":
            from pylme.inference.coefficient_tests import Estimated

            return Estimated(beta=self._estimates.beta, vcov=self._vcov)
        return require_kernels(self._kernels, ddf, linear=self._linear)

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
