"""Profile likelihood and intervals of a fitted model."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.errors import NotAvailableError, PylmeError
from pylme.fit.base import EngineFit
from pylme.options import choice, true_or_false, whole_number
from pylme.results.linear_problem import LinearProblem
from pylme.results.parameters import varcorr_values
from pylme.results.tables.tidying import half_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.draws.seeds import Seed
    from pylme.inference.confidence_intervals import IntervalMethod, ParameterNames
    from pylme.inference.likelihood_ratio_tests.comparison import ComparedModel
    from pylme.inference.likelihood_ratio_tests.random_effects import RandomEffectTests
    from pylme.inference.profile_likelihood.likelihood import ProfiledLikelihood
    from pylme.inference.profile_likelihood.parameters import ProfiledParameter
    from pylme.inference.profile_likelihood.profile import Profile
    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["Intervals"]


class Intervals(EngineFit):
    """Profile likelihood and intervals of a fitted model."""

    def profile(
        self,
        parameters: str | Sequence[str] | None = None,
        *,
        reml: bool = False,
        conf_level: float = 0.999,
    ) -> Profile:
        """Profile the likelihood.

        Parameters
        ----------
        parameters : str or sequence of str, optional
            As for `confint`; by default all.
        reml : bool
            As for `confint`.
        conf_level : float
            The curves reach to the ends of the intervals of this level, or to the boundary.

        Returns
        -------
        Profile
            The curves ζ of each parameter, with all other parameters along them; drawn by
            `plot.profile`.

        Raises
        ------
        NotAvailableError
            If the fit came from JSON; or if the model is a generalized one of a family with a
            dispersion by lme4's criterion, or with ``n_agq=0``.
        OptionError
            If an argument is not one of those allowed.
        UnknownNameError
            If there is no such parameter.

        Notes
        -----
        The likelihood of a generalized model is approximated as in its fit. A shape of a negative
        binomial that was estimated is estimated again at each point; lme4 holds it.

        References
        ----------
        Bates, Mächler, Bolker & Walker (2015), JSS 67(1), section 5.1.

        Examples
        --------
        >>> import pylme
        >>> fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
        >>> fit.profile(".sigma").confint(0.9).round(2)[["conf_low", "conf_high"]]
           conf_low  conf_high
        0     39.73      64.07
        """
        from pylme.inference.confidence_intervals import with_likelihood
        from pylme.inference.profile_likelihood.parameters import chosen
        from pylme.inference.profile_likelihood.profile import profile

        reml = true_or_false("reml", reml)
        half_width(conf_level)
        wanted = chosen(self._parameters, parameters)
        return profile(
            self._profiled_likelihood(reml=reml),
            self._parameters,
            with_likelihood(wanted, reml=reml, named=parameters is not None),
            conf_level=conf_level,
            reml=reml,
            library=self.library,
        )

    def confint(
        self,
        method: IntervalMethod = "profile",
        *,
        conf_level: float = 0.95,
        parameters: str | Sequence[str] | None = None,
        reml: bool = False,
        names: ParameterNames = "pylme",
        n: int = 1000,
        seed: Seed = None,
        n_jobs: int | None = None,
        progress: bool = False,
    ) -> Any:
        """Confidence intervals of the parameters.

        Parameters
        ----------
        method : {"profile", "wald", "bootstrap"}
            "profile": the values at which the profile deviance rises by a quantile of χ²₁.
            "wald": estimates and their standard errors, with the delta method for the logarithms
            of standard deviations and for Fisher's z of correlations. "bootstrap": percentiles of
            `bootstrap`, which has other kinds of intervals.
        conf_level : float
            The level of the intervals.
        parameters : str or sequence of str, optional
            Which parameters: their labels (``"Days"``, ``"sd__Days | Subject"``, ``"sigma"``),
            lme4's names (``".sig01"``, ``"sd_Days|Subject"``), or ``"fixed"`` and ``"ran_pars"``.
            By default all.
        reml : bool
            Profile the restricted likelihood, which exists for standard deviations and
            correlations only. By default the likelihood is profiled, also where the model was
            fitted by REML, as in lme4.
        names : {"pylme", "lme4"}
            "lme4" names and orders the parameters as lme4 does.
        n, seed, n_jobs, progress
            Of the bootstrap.

        Returns
        -------
        DataFrame
            ``effect, group, term, estimate, conf_low, conf_high``, in the library of the data. The
            estimates are those of the fit. An interval that reaches the boundary ends there: at 0
            for a standard deviation, at -1 or 1 for a correlation.

        Raises
        ------
        NotAvailableError
            Profile and bootstrap: if the fit came from JSON. Profile: as for `profile`.
        OptionError
            If an argument is not one of those allowed.
        UnknownNameError
            If there is no such parameter.

        References
        ----------
        Bates, Mächler, Bolker & Walker (2015), JSS 67(1), section 5.1; Venzon & Moolgavkar (1988),
        Applied Statistics 37(1).

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
        >>> fit.confint(parameters="ran_pars").round(3)[["term", "conf_low", "conf_high"]]
                            term  conf_low  conf_high
        0        sd__(Intercept)    14.381     37.716
        1  cor__(Intercept).Days    -0.481      0.685
        2               sd__Days     3.801      8.753
        3        sd__Observation    22.898     28.858
        """
        from pylme.inference import confidence_intervals as ci
        from pylme.inference.profile_likelihood.parameters import chosen

        method = choice("method", method, ci.IntervalMethod)
        names = choice("names", names, ci.ParameterNames)
        reml = true_or_false("reml", reml)
        half_width(conf_level)
        every = self._parameters
        wanted = chosen(every, parameters)
        places = [every.index(parameter) for parameter in wanted]
        if method == "profile":
            wanted = ci.with_likelihood(wanted, reml=reml, named=parameters is not None)
            ends = ci.profile_intervals(
                self._profiled_likelihood(reml=reml), wanted, conf_level=conf_level
            )
        elif method == "wald":
            errors = None if self._info.family is not None else self._variance_errors
            ends = ci.wald_intervals(
                wanted,
                self._estimates.beta,
                np.sqrt(np.diag(self._vcov)),
                self.varcorr,
                errors,
                conf_level=conf_level,
            )
        else:
            boot = self.bootstrap(n, seed=seed, n_jobs=n_jobs, progress=progress)
            ends = boot.ends("percentile", conf_level=conf_level)[places]
        estimates = self._parameter_values[[every.index(parameter) for parameter in wanted]]
        return self._native(ci.interval_table(wanted, estimates, ends, names))

    def ranova(self, *, bootstrap: int = 0, seed: Seed = None) -> RandomEffectTests:
        """Test each random effect by the likelihood ratio against the model without it.

        From each term ``(effects | group)`` one part of the left-hand side is taken at a time, if
        no other part contains it: ``(x | g)`` is compared with ``(1 | g)``, and ``(1 | g)`` with
        the model without the term. Fits by REML are compared by their restricted likelihoods, as
        the fixed effects stay the same.

        Parameters
        ----------
        bootstrap : int
            Replicates of a parametric bootstrap of each test; 0 for none.
        seed : int, SeedSequence or None
            Of the bootstrap.

        Returns
        -------
        RandomEffectTests
            ``p_value`` is by χ², which is conservative, as a variance may not be negative;
            ``p_boundary`` by the mixture of χ² distributions that large samples have; ``p_exact``,
            where the model has only one variance, by the exact distribution.

        Raises
        ------
        NotAvailableError
            If the model is a generalized one, or the fit came from JSON.

        References
        ----------
        Stram & Lee (1994), Biometrics 50; Crainiceanu & Ruppert (2004), JRSS B 66(1).

        Examples
        --------
        >>> import pylme
        >>> fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
        >>> fit.ranova().to_frame()[["term", "p_value", "p_boundary", "p_exact"]].round(4)
                  term  p_value  p_boundary  p_exact
        0  (1 | Batch)   0.0116      0.0058   0.0044
        """
        from pylme.inference.likelihood_ratio_tests.random_effects import random_effect_tests

        if self._info.family is not None:
            raise NotAvailableError(
                asked="Testing random effects",
                found="the table is made of linear mixed models, and this is a generalized one",
                remedy="Fit the model without the effect, and compare the two: "
                "pylme.anova(smaller, fit). For the only random effect of a model ask whether the "
                'interval of its standard deviation begins at zero: fit.confint("profile").',
            )
        linear = self._profiled_problem("Testing random effects")
        return random_effect_tests(
            replace(linear, terms=self._assigned(linear.terms)),
            self.criterion,
            bootstrap=whole_number("bootstrap", bootstrap, least=0),
            seed=seed,
            library=self.library,
        )

    def _assigned(self, terms: tuple[RandomTerm, ...]) -> tuple[RandomTerm, ...]:
        """The terms with the part of the formula that each column belongs to, where it is known."""
        if all(term.assign for term in terms):
            return terms
        try:
            own = self._model.design.terms
        except PylmeError:
            return terms
        known = {(term.group, term.names): term for term in own}
        made = []
        for term in terms:
            same = known.get((term.group, term.names), term)
            made.append(replace(term, assign=same.assign, label=same.label))
        return tuple(made)

    def _compared(self, name: str) -> ComparedModel:
        """What `pylme.anova` needs of the fit, under a name."""
        from pylme.inference.likelihood_ratio_tests.comparison import ComparedModel

        linear = self._model.linear_problem()
        problem = linear if linear is not None else LinearProblem.of(self._model.design, reml=False)
        info, estimates = self._info, self._estimates
        generalized = None if info.family is None else self._model.generalized_problem()
        approximation = None
        if generalized is not None:
            approximation = generalized.n_agq, generalized.laplace, generalized.criterion
        weights = np.ones(len(problem.y)) if problem.weights is None else problem.weights
        return ComparedModel(
            name=name,
            formula=info.formula,
            y=problem.y,
            weights=weights,
            offset=problem.offset,
            X=problem.X,
            terms=problem.terms,
            family=None if info.family is None else (self.family.name, info.link),
            approximation=approximation,
            loglik=estimates.loglik,
            df=estimates.df,
            reml=info.reml,
            linear=linear,
        )

    @cached_property
    def _parameters(self) -> tuple[ProfiledParameter, ...]:
        from pylme.inference.profile_likelihood.parameters import profiled_parameters

        return profiled_parameters(
            self._estimates.names,
            [(term.group, term.names, term.structure) for term in self.varcorr.terms],
            scale=self.varcorr.sigma is not None,
        )

    @cached_property
    def _parameter_values(self) -> NDArray[np.float64]:
        """The estimates of all parameters, in their order."""
        terms = [
            varcorr_values([(term.sd[None], term.corr[None], term.structure)])[0]
            for term in self.varcorr.terms
        ]
        sigma = [] if self.varcorr.sigma is None else [self.varcorr.sigma]
        return np.concatenate([self._estimates.beta, *terms, sigma])

    def _profiled_likelihood(self, *, reml: bool) -> ProfiledLikelihood[Any, Any]:
        """The likelihood, or the restricted one, at its optimum."""
        from pylme.inference.profile_likelihood.generalized_likelihood import GeneralizedLikelihood
        from pylme.inference.profile_likelihood.linear_likelihood import LinearLikelihood
        from pylme.inference.profile_likelihood.structured_likelihood import StructuredLikelihood

        generalized = self._model.generalized_problem()
        if generalized is None:
            linear = self._profiled_problem("Profiling the likelihood")
            if any(term.structure.kind != "us" for term in linear.terms):
                return StructuredLikelihood(linear, reml=reml)
            return LinearLikelihood(linear, reml=reml)
        if reml:
            raise NotAvailableError(
                asked="Profiling the restricted likelihood",
                found="a generalized model has none",
                remedy="Use reml=False.",
            )
        return GeneralizedLikelihood(generalized)

    def _profiled_problem(self, asked: str) -> LinearProblem:
        linear = self._model.linear_problem()
        if linear is None:
            raise NotAvailableError(
                asked=asked,
                found="a fit from JSON does not contain the matrices that this is computed from",
                remedy="Ask before the fit is saved, or fit the model again.",
            )
        return linear
