"""R², influence, residuals by simulation, refits of a fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np
import pandas as pd

from pylme.crosscheck.fitting import fit_model
from pylme.errors import NotAvailableError, OptionError
from pylme.fit.hypothesis_tests import Tests
from pylme.options import choice, number_array, optional_text, whole_number
from pylme.results.coefficients import coefficients_by_level
from pylme.results.engine import choose
from pylme.results.methods_report import methods_report
from pylme.results.tidying import half_width
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from pylme.draws.seeds import Seed
    from pylme.inference.coefficient_tests import CoefficientTests
    from pylme.inference.kernels import Kernels
    from pylme.inference.prediction.random_part import Random
    from pylme.inference.quality.cluster_robust import RobustKind
    from pylme.inference.quality.explained_variance import ICC, R2, VarianceParts
    from pylme.inference.quality.influence import Influence
    from pylme.inference.quality.simulated_residuals import ResidualMethod, SimulatedResiduals
    from pylme.results.methods_report import MethodsReport

__all__ = ["Quality"]


class Quality(Tests):
    """R², influence, residuals by simulation, refits of a fitted model."""

    # --- coefficients by group ----------------------------------------------------------------

    @property
    def coef(self) -> dict[str, Any]:
        """Coefficients by grouping factor: fixed effects plus conditional modes, as R's ``coef``.

        Levels as index, coefficients as columns. The fixed effects alone are ``fit.fixef``.
        """
        return {
            group: self._native(coefficients_by_level(self._estimates, effects))
            for group, effects in self._random_effects.items()
        }

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
        return variance_parts(
            model.X @ self._estimates.beta,
            model.terms,
            covariances,
            residual,
            latent=self._info.family is not None,
        )

    def _without_predictors(self) -> Self:
        """The same model with an intercept for its only fixed effect."""
        from pylme.fit.refit import request_of

        formula = request_of(self._model, self._request).spec.formula
        bars = " + ".join(str(bar) for bar in formula.bars)
        with silenced():
            return self.update(f". ~ 1 + {bars}")

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
            If the model is a generalized one, or the fit came from JSON.

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
        from pylme.inference.quality.groups import groups_of
        from pylme.inference.quality.influence import influence_of_groups, influence_of_rows

        optional_text("by", by)
        kernels = self._kernels_for("Computing influence")
        if by is not None:
            spec = self._model.spec
            frame = None if spec is None else spec.frame
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

    # --- residuals by simulation --------------------------------------------------------------

    def simulated_residuals(
        self,
        *,
        method: ResidualMethod | None = None,
        n: int = 250,
        seed: Seed = None,
        random: Random = "none",
    ) -> SimulatedResiduals:
        """Residuals that are uniform between 0 and 1 where the model is right.

        Parameters
        ----------
        method : {"rotated", "exact", "simulation"}, optional
            "rotated": the closed form for a linear model, each row given those before it in its
            groups, so that residuals are independent; the default for linear models. "exact": the
            closed form without rotation. "simulation": the share of responses drawn from the model
            that lie below the one observed, as of R's DHARMa; the default for generalized models.
        n : int
            Responses drawn.
        seed : int, SeedSequence or None
            Of the draws.
        random : {"none", "all"}, list of str, or str
            The random effects that are held at their modes, as for `simulate`. Residuals with held
            effects are less spread than uniform ones.

        Returns
        -------
        SimulatedResiduals
            With tests of uniformity and, after a simulation, of the dispersion and the number of
            zeros.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed, or a generalized model is asked for a closed
            form.
        NotAvailableError
            If the fit came from JSON, or too many rows depend on each other to be rotated.

        References
        ----------
        Dunn & Smyth (1996), Randomized quantile residuals, Journal of Computational and Graphical
        Statistics 5.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
        >>> fit.simulated_residuals()
        <SimulatedResiduals of 180 rows, rotated: p 0.182>
        """
        from pylme.draws.seeds import seeds_of
        from pylme.inference.quality.response_model import observed, response_model
        from pylme.inference.quality.simulated_residuals import (
            ResidualMethod,
            SimulatedResiduals,
            exact_residuals,
            residuals_by_simulation,
        )

        linear = self._info.family is None
        if method is None:
            method = "rotated" if linear else "simulation"
        choice("method", method, ResidualMethod)
        if method != "simulation" and not linear:
            raise OptionError(
                option="method", value=method,
                allowed='"simulation" for a generalized model, whose residuals have no closed form',
            )  # fmt: skip
        n = whole_number("n", n, least=2)
        model, y = response_model(self._model, random), observed(self._model)
        drawn, entropy = None, None
        if method == "simulation":
            seeds = seeds_of(seed, rng="numpy", n=n + 1)
            residuals, drawn = residuals_by_simulation(model, y, seeds, n)
            fitted, entropy = drawn.mean(axis=0), seeds.entropy
        else:
            residuals = exact_residuals(model, y, rotated=method == "rotated")
            fitted = model.eta
        return SimulatedResiduals(
            residuals=residuals, fitted=fitted, observed=y, method=method, simulated=drawn,
            seed=entropy, rows=self._rows,
        )  # fmt: skip

    def overdispersion(self) -> dict[str, float]:
        """Pearson's test of overdispersion of a generalized model.

        The sum of squared Pearson residuals over the residual degrees of freedom, which is about 1
        where the family describes the variance; its p-value by the χ² distribution is approximate,
        and best where means are large. `simulated_residuals` tests the dispersion by simulation.

        Returns
        -------
        dict
            ``ratio``, ``statistic``, ``df`` and ``p_value`` (one-sided, for more variance than the
            family has).

        Raises
        ------
        NotAvailableError
            If the model estimates a residual variance, which a linear model does.

        References
        ----------
        McCullagh & Nelder (1989), Generalized Linear Models, 2nd edition, section 4.5.
        """
        from scipy.special import chdtrc

        if self._info.use_scale:
            raise NotAvailableError(
                asked="Testing for overdispersion",
                found="the model estimates a residual variance, which takes up any dispersion",
                remedy="Ask a binomial, Poisson or negative binomial model.",
            )
        statistic = float((self._model.residuals("pearson") ** 2).sum())
        df = float(self.df_resid)
        return {
            "ratio": statistic / df, "statistic": statistic, "df": df,
            "p_value": float(chdtrc(df, statistic)),
        }  # fmt: skip

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

    def _of_given(self, columns: Mapping[str, NDArray[np.float64]]) -> Any:
        """A frame with a line for each row of the data given; NaN where a row was left out."""
        placed = {name: self._rows.place(values, name=name) for name, values in columns.items()}
        table = pd.DataFrame(placed)
        labelled = self.library == "pandas" or self._rows.index is not None
        return self._native(table if labelled else table.reset_index(drop=True))

    # --- for papers and other packages --------------------------------------------------------

    def report(self) -> MethodsReport:
        """The sentences for a paper's methods section, and what to cite.

        Model, family, criterion, engine with the versions of the software, rows used and left out,
        levels of each grouping factor, convergence. A fit from JSON gives it too.

        Returns
        -------
        MethodsReport
            ``text``, ``facts`` and ``citations``; prints, and renders to HTML, LaTeX and Markdown.

        Examples
        --------
        >>> import pylme
        >>> fit = pylme.lmer(
        ...     "Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"), engine="numpy"
        ... )
        >>> fit.report().facts["rows_used"]
        30
        """
        return methods_report(
            self._info, self._estimates, self._rows, self.convergence, engine=self.engine
        )

    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        """Fixed effects as the package maketables reads them."""
        tests = self.coef_test()
        return pd.DataFrame(
            {
                "b": tests.estimate, "se": tests.std_error, "t": tests.statistic,
                "p": tests.p_value, "ci95l": tests.conf_low, "ci95u": tests.conf_high,
            },
            index=pd.Index(list(tests.terms), name="Coefficient"),
        )  # fmt: skip

    def __maketables_stat__(self, key: str) -> float | str | None:
        """A measure of fit by maketables' name of it; None where it is not one of a mixed model."""
        known: dict[str, float | str] = {
            "N": self.nobs, "aic": self.aic, "bic": self.bic, "ll": self.loglik,
            "df_resid": self.df_resid, "sigma": self.sigma, "se_type": "model-based",
        }  # fmt: skip
        known |= {f"N_{group}": n for group, n in self.ngrps.items()}
        return known.get(key)

    @property
    def __maketables_depvar__(self) -> str:
        """The response, for maketables."""
        return self.formula.partition("~")[0].strip()

    # --- the same model again -----------------------------------------------------------------

    def refit(self, y: ArrayLike | None = None, *, reml: bool | None = None) -> Self:
        """The same model fitted by the same engine to another response, or by another criterion.

        Parameters
        ----------
        y : array_like, shape (rows,), optional
            The new response, with a value for each row of the data or for each row used, by
            position; by default that of this fit. It replaces the left side of the formula. Of a
            binomial model it may be an array (rows, 2) of successes and failures, or where that is
            the response of this fit, the successes.
        reml : bool, optional
            False for maximum likelihood; by default as this fit.

        Returns
        -------
        Fit

        Raises
        ------
        OptionError
            If `y` has not one finite number for each row used, or a generalized model is asked for
            REML.
        NotAvailableError
            If the fit came from JSON.

        Examples
        --------
        >>> import pylme
        >>> fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
        >>> round(fit.refit(reml=False).criterion, 3)
        327.327
        >>> round(float(fit.refit(2 * fit.data["Yield"]).sigma / fit.sigma), 4)
        2.0
        """
        from pylme.fit.refit import request_of, request_with_response

        request = request_of(self._model, self._request)
        successes = None if y is None else number_array(y)
        if successes is not None and successes.ndim == 1 and self._counts:
            y = self._with_failures(successes)
        request = request_with_response(request, self._rows, y, reml=reml)
        with silenced():
            # The first fit warned of rows and columns left out.
            model = fit_model(self.engine, request)
        model.announce()
        return type(self)(model, request)

    @property
    def _counts(self) -> bool:
        """Whether the response is of successes and failures."""
        return self._info.family == "binomial" and self._model.design.y.ndim > 1

    def _with_failures(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Successes and failures, of as many trials as there were."""
        trials = self._model.design.y.sum(axis=1)
        if len(values) == self._rows.n_given:
            trials = self._rows.place(trials).to_numpy()
        if values.shape != trials.shape:
            return values
        return np.column_stack([values, trials - values])

    def simulate(self, n: int = 1, *, seed: Seed = None, random: Random = "none") -> Any:
        """Responses drawn from the fitted model.

        Parameters
        ----------
        n : int
            How many.
        seed : int, SeedSequence or None
            As for `pylme.simulate`.
        random : {"none", "all"}, list of str, or str
            The random effects that are held at their modes, as for `predict`: none, all, those of
            some grouping factors, or terms as in the formula. All others are drawn anew, from their
            own covariance matrix, also where the formula holds a part of a term: with
            ``random="(1 | g)"`` in a model with ``(x | g)`` intercepts are held and slopes drawn.

        Returns
        -------
        DataFrame
            Columns ``sim_1``, …, ``sim_n``, each a response that `refit` takes, in the rows of the
            data given; NaN where a row was left out. The residual standard deviation of a row is
            sigma/√weight. Of successes and failures, the successes; of other binomial responses,
            the proportion, or 0 and 1.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed.
        NotAvailableError
            If the fit came from JSON.

        Examples
        --------
        >>> import pylme
        >>> fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
        >>> fit.simulate(3, seed=1).shape
        (30, 3)
        """
        from pylme.draws.from_model import draw_from_model
        from pylme.draws.seeds import seeds_of
        from pylme.inference.quality.response_model import response_model

        n = whole_number("n", n, least=1)
        seeds = seeds_of(seed, rng="numpy", n=n)
        model = response_model(self._model, random)
        drawn = draw_from_model(model, [seeds.generator(i) for i in range(n)])
        return self._of_given({f"sim_{i + 1}": y for i, y in enumerate(drawn)})

    def update(self, formula: str | None = None, data: Any = None, **changes: Any) -> Self:
        """The model fitted again with another formula, other data, or other arguments.

        Parameters
        ----------
        formula : str, optional
            Changes to the formula, with dots for what it has now, as in R's ``update``:
            ``". ~ . - x"``, ``"log(.) ~ . + z"``, ``"~ . - (x | g) + (1 | g)"``. Fixed terms are
            written out; removing a term that the formula does not have is an error.
        data : DataFrame, Table or mapping of arrays, optional
            By default the rows that this fit used, with the columns that it used, so that models
            can be compared. A new variable needs the data.
        **changes
            Further arguments of the function that fitted the model, such as ``reml=False``,
            ``weights="w"``, ``engine="numpy"``. What is not given stays.

        Returns
        -------
        Fit

        Raises
        ------
        FormulaError
            If the formula cannot be read, removes a term that is not there, or names a column that
            the fit does not have.
        UnknownNameError
            If an argument is none of the fitting function.
        DataError, OptionError, NotAvailableError
            As in a first fit; or if the fit came from JSON.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
        >>> fit.update(". ~ . - (Days | Subject) + (1 | Subject)").formula
        'Reaction ~ Days + (1 | Subject)'
        """
        from pylme.fit.refit import changed_request, request_of

        engine = changes.pop("engine", None)
        request = changed_request(
            request_of(self._model, self._request), change=formula, data=data, changes=changes
        )
        chosen = choose(
            self.engine if engine is None else engine,
            request.function,
            control=request.control,
            formula=request.spec.formula,
        )
        model = fit_model(chosen, request)
        model.announce()
        return type(self)(model, request)
