"""A fitted model as its engine gives it: estimates, rows, convergence, and what is drawn from it.

What is computed after the fit is in the other files of this room. Records come from the engine
through the protocol `FittedModel`; they are kept, and get labels.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from pylme.errors import NotAvailableError, OptionError
from pylme.families.family import family_of_name
from pylme.frame import frame_of_used, label_index, to_native
from pylme.options import (
    choice,
    finite_numbers,
    is_number,
    quadrature_points,
    text,
    whole_number,
)
from pylme.render import Rendered
from pylme.results import saving
from pylme.results.assessment import assess
from pylme.results.estimates import aic, aicc, bic, coefficient_table
from pylme.results.fitted_model import ResidualType
from pylme.results.ranef import ConditionalVariances, EffectsByGroup
from pylme.results.tables import tidying
from pylme.results.tables.overview import overview
from pylme.results.varcorr import varcorr_table
from pylme.tolerances import SINGULAR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

    from numpy.typing import ArrayLike, NDArray

    from pylme.by_group.table import GroupCorrelations, IntervalMethod
    from pylme.crosscheck.report import CrossCheck
    from pylme.draws.seeds import Seed
    from pylme.families import Family
    from pylme.frame import Library
    from pylme.identifiability.identify import Design
    from pylme.inference.kernels import Kernels
    from pylme.options import (
        Engine,
        EngineName,
        Rng,
    )
    from pylme.render import Document
    from pylme.results.convergence import Convergence
    from pylme.results.engine import FitRequest
    from pylme.results.estimates import Estimates, ModelInfo
    from pylme.results.fitted_model import Condition, FittedModel
    from pylme.results.optinfo import OptInfo
    from pylme.results.ranef import RandomEffects
    from pylme.results.tables.tidying import Names
    from pylme.results.varcorr import VarCorr, VarianceErrors
    from pylme.simulation.bootstrap.bootstrap import Bootstrap
    from pylme.simulation.draw.simulator import Simulator

__all__ = ["EngineFit"]


class EngineFit(Rendered):
    """The part of a `Fit` that its engine gives."""

    def __init__(self, model: FittedModel, request: FitRequest | None = None) -> None:
        self._model = model
        self._request = request
        self._rows = model.rows
        self._checks: dict[tuple[int | None, int | None], CrossCheck] = {}

    def to_pandas(self) -> Self:
        """The same fit with pandas frames, whatever the library of its data."""
        if self._rows.library == "pandas":
            return self
        fit = copy(self)
        fit._rows = replace(self._rows, library="pandas")  # noqa: SLF001  (of this class)
        fit._checks = {  # noqa: SLF001
            asked: replace(check, library="pandas") for asked, check in self._checks.items()
        }
        for record in ("design", "varcorr", "optinfo"):
            fit.__dict__.pop(record, None)
        return fit

    @property
    def library(self) -> Library:
        """The library of the data, in which frames are returned: pandas, polars or pyarrow."""
        return self._rows.library

    def _native(self, result: pd.DataFrame | pd.Series[Any], *, labels: str = "index") -> Any:
        """A frame, or a Series of rows, in the library of the data."""
        return to_native(result, self.library, labels=labels)

    def _of_rows(self, frame: pd.DataFrame) -> Any:
        """A frame with a line for each row used. Only pandas has row labels."""
        labelled = self.library == "pandas" or self._rows.index is not None
        return self._native(frame if labelled else frame.reset_index(drop=True))

    # --- what was fitted ----------------------------------------------------------------------

    @cached_property
    def _info(self) -> ModelInfo:
        return self._model.info()

    @cached_property
    def _estimates(self) -> Estimates:
        return self._model.estimates()

    @property
    def engine(self) -> EngineName:
        """The engine that fitted the model."""
        return self._model.engine

    @property
    def formula(self) -> str:
        """The model formula, as R writes it."""
        return self._info.formula

    @cached_property
    def design(self) -> Design:
        """The matrices of the model as `pylme.design` makes them, for a fit by either engine.

        Raises
        ------
        NotAvailableError
            If only R can evaluate the formula, or the fit came from JSON.
        """
        from pylme.identifiability.identify import Design

        design = Design.of(self._model.design)
        return replace(design, rows=replace(design.rows, library=self.library))

    @property
    def data(self) -> Any:
        """The columns that the model uses, in the rows used, in the library of the data.

        Columns keep their names and values; weights and offsets that were given as arrays are
        columns too. A dict of arrays is returned as a pandas DataFrame.

        Raises
        ------
        NotAvailableError
            If the fit came from JSON, which contains no data.
        """
        spec = self._model.spec
        if spec is None:
            raise NotAvailableError(
                asked="Reading the data of a fit",
                found="this fit came from JSON, which carries no data",
                remedy="Fit the model again, or keep the fit by pickle, which carries all of it.",
            )
        return self._of_rows(frame_of_used(spec.frame, self._rows))

    @property
    def family(self) -> Family:
        """The conditional distribution of the response and the link.

        Gaussian with the identity link for a linear model. The ϑ of a negative binomial has the
        digits that R prints; ``fit.getme("glmer.nb.theta")`` has all digits.
        """
        return family_of_name(self._info.family, self._info.link)

    @property
    def _has_rows(self) -> bool:
        """Whether the fit was made from rows, and not from sums of lazy data."""
        return self._model.has_rows

    @property
    def _is_of_lazy_data(self) -> bool:
        """Whether the engine of lazy data can be asked for values in its rows."""
        return not self._has_rows and self._model.spec is not None

    def _require_rows(self, asked: str) -> None:
        """Raise where the fit was made from sums of lazy data, and holds no rows.

        Parameters
        ----------
        asked : str
            What needs them, for the message.

        Raises
        ------
        NotAvailableError
        """
        if not self._has_rows:
            self._model.design.require_rows(asked)

    @property
    def nobs(self) -> int:
        """The number of rows used."""
        return self._info.nobs

    @property
    def ngrps(self) -> dict[str, int]:
        """Levels of each grouping factor."""
        return dict(self._info.ngrps)

    @property
    def success(self) -> str | None:
        """The level of a binomial response that counts as success; None for a numeric response.

        ``"TRUE"`` for truth values. R treats the first level of a factor as failure.
        """
        outcomes = self._info.outcomes
        return None if outcomes is None else outcomes[1]

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Warnings and messages of the engine during the fit, in order."""
        return self._model.conditions

    # --- estimates ----------------------------------------------------------------------------

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

    # --- random effects -----------------------------------------------------------------------

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

    # --- convergence --------------------------------------------------------------------------

    @cached_property
    def optinfo(self) -> OptInfo:
        """The optimiser's record: lme4's ``@optinfo``."""
        record = self._model.optinfo()
        if record.trace is None:
            return record
        return replace(record, trace=replace(record.trace, library=self.library))

    @cached_property
    def convergence(self) -> Convergence:
        """Whether the fit has converged, judged from all the evidence."""
        return assess(self._estimates, self.optinfo, self.conditions, singular=self.is_singular())

    def is_singular(self, tol: float = SINGULAR) -> bool:
        """Whether some covariance matrix of the random effects does not have full rank.

        Parameters
        ----------
        tol : float
            A diagonal element of the relative Cholesky factor below `tol` counts as zero. The rule
            and the default are lme4's.

        Raises
        ------
        OptionError
            If `tol` is not a positive number.
        """
        if not (is_number(tol) and tol > 0):
            raise OptionError(option="tol", value=tol, allowed="a positive number")
        return self._model.is_singular(float(tol))

    def cross_check(
        self, *, starts: int | None = None, quadrature: int | None = None
    ) -> CrossCheck:
        """Whether the fit is right: the verdict of an independent implementation.

        For a fit by lme4, its matrices are compared with pylme's own, its numbers are recomputed
        from them, exact derivatives show whether its theta is an optimum, and an independent
        optimiser searches for a better one. For a fit by the NumPy engine, only the optimum is
        checked, without lme4.

        Parameters
        ----------
        starts : int, optional
            The number of starts of the search for the optimum: this fit's theta, the NumPy engine's
            own start, and others far from both. The default depends on the cost: six where the data
            leave no doubt, about a dozen at a singular fit, about 50 where other minima are likely,
            fewer for models with many random effects in several factors. If fewer are given than
            the data need, and no better optimum is found, the verdict is UNCHECKED.
        quadrature : int, optional
            Of a generalized model fitted by the Laplace approximation: also find the optimum of the
            integral itself by adaptive quadrature with so many points, 25 for instance, and say
            where the two differ. For one random-effects term of one effect, and families without a
            dispersion.

        Returns
        -------
        CrossCheck
            The result is kept: the same call returns the same object.

        Raises
        ------
        OptionError
            If `starts` is not a positive whole number, or `quadrature` not one from 2 to 100.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
        >>> fit.cross_check().verdict
        <Verdict.AGREES: 'agrees'>
        """
        from pylme.crosscheck.check import cross_check

        count = None if starts is None else whole_number("starts", starts, least=1)
        points = None if quadrature is None else quadrature_points("quadrature", quadrature)
        if (count, points) not in self._checks:
            check = cross_check(self._model, starts=count, quadrature=points)
            self._checks[count, points] = replace(check, library=self.library)
        return self._checks[count, points]

    def refit_from(self, theta: ArrayLike | CrossCheck, *, beta: ArrayLike | None = None) -> Self:
        """The same model fitted to the same rows again, by the same engine from another start.

        Parameters
        ----------
        theta : array_like of shape (m,), or CrossCheck
            Relative covariance parameters in lme4's order, such as ``fit.cross_check().theta``; or
            the cross-check itself, which of a generalized model also gives the fixed effects and
            the dispersion of a negative binomial.
        beta : array_like of shape (p,), optional
            Fixed effects of a generalized model. Those of a linear model follow from theta.

        Raises
        ------
        OptionError
            If the number of values is not that of the elements of theta, or a value is not finite,
            or `beta` is given for a linear model or with a cross-check.
        NotAvailableError
            If the fit came from JSON.

        Warns
        -----
        FitWarning
            As in the first fit.

        Notes
        -----
        With fixed effects given, ``glmer`` skips its first stage, which would leave the start
        behind, and its iterations have the tolerance 1e-10 (``tolPwrss``): at the default of 1e-7
        the errors of its criterion can lead the search away from an optimum.
        """
        from pylme.crosscheck.report import CrossCheck

        generalized = self._info.family is not None
        if beta is not None and (isinstance(theta, CrossCheck) or not generalized):
            raise OptionError(
                option="beta",
                value=beta,
                allowed="fixed effects of a generalized model, with theta as numbers",
            )
        shape: list[float] = []
        if isinstance(theta, CrossCheck):
            beta = theta.beta if generalized and len(theta.beta) else None
            shape = [] if theta.shape is None or beta is None else [float(np.log(theta.shape))]
            theta = theta.theta
        start = _numbers("theta", theta, len(self.theta))
        if beta is not None:
            start = np.concatenate([start, _numbers("beta", beta, len(self.fixef)), shape])
        model = self._model.refit_from(start)
        model.announce()
        return type(self)(model, self._request)

    # --- rows ---------------------------------------------------------------------------------

    @cached_property
    def _fitted(self) -> NDArray[np.float64]:
        return self._model.fitted()

    @property
    def fitted(self) -> Any:
        """Fitted values in the rows of the data given, a Series; NaN where a row was left out.

        Of a fit to lazy data, the data with a column ``fitted``, a lazy frame of the same library.
        """
        if self._is_of_lazy_data:
            from pylme.inference.prediction.lazy import fitted_lazily

            return fitted_lazily(self._model)
        return self._native(self._rows.place(self._fitted, name="fitted"))

    @property
    def residuals(self) -> Any:
        """Residuals as R's ``residuals(fit)`` gives them, in the rows of the data given.

        Of a fit to lazy data, the data with a column ``residuals``, a lazy frame of the same
        library.
        """
        return self.residuals_of(self._default_residuals)

    @property
    def _default_residuals(self) -> ResidualType:
        return "response" if self._info.family is None else "deviance"

    def residuals_of(self, kind: ResidualType) -> Any:
        """Residuals of one kind in the rows of the data given; NaN where a row was left out.

        Parameters
        ----------
        kind : {"deviance", "pearson", "response", "working", "scaled"}
            R's types; "scaled" are Pearson residuals divided by sigma, as in a summary.

        Raises
        ------
        OptionError
            If no such kind exists.
        """
        kind = choice("kind", kind, ResidualType)
        if self._is_of_lazy_data:
            from pylme.inference.prediction.lazy import residuals_lazily

            return residuals_lazily(self._model, kind)
        return self._native(self._rows.place(self._model.residuals(kind), name="residuals"))

    # --- more ---------------------------------------------------------------------------------

    def getme(self, name: str) -> Any:
        """An item of lme4's ``getME``: "X", "Zt", "Lambdat", "L", "RX", "u", "devcomp", ...

        Parameters
        ----------
        name : str
            The item's name in lme4.

        Returns
        -------
        ndarray, scipy.sparse.csc_array, number, text, tuple or dict
            The value in R, without its names.

        Raises
        ------
        UnknownNameError
            If no such item exists.
        NotAvailableError
            If the fit came from JSON.
        """
        return self._model.getme(text("name", name))

    def glance(self, *, names: Names = "pylme") -> Any:
        """The fit in one row, with broom.mixed's columns, ``AICc`` and ``engine``.

        Parameters
        ----------
        names : {"pylme", "broom"}
            "broom" gives broom's own column names, with dots: ``df.residual``.

        Raises
        ------
        OptionError
            If `names` is neither.
        """
        row = tidying.glance_row(
            self._info, self._estimates, aic=self.aic, aicc=self.aicc, bic=self.bic,
            engine=self.engine,
        )  # fmt: skip
        return self._native(tidying.named(row, names))

    def model_frame(self) -> Any:
        """The columns that the model used, by R's names for them, in the rows used.

        Raises
        ------
        NotAvailableError
            If the fit came from JSON.
        """
        columns = dict(self._model.columns())
        return self._of_rows(pd.DataFrame(columns, index=self._rows.used_index))

    def augment(self, *, names: Names = "pylme") -> Any:
        """The rows used with fitted values, residuals and influence, with broom.mixed's columns.

        Parameters
        ----------
        names : {"pylme", "broom"}
            The names of the added columns begin with an underscore, ``_fitted``; with "broom" they
            begin with a dot, ``.fitted``.

        Raises
        ------
        NotAvailableError
            If the fit came from JSON.
        OptionError
            If `names` is neither.
        """
        rows = tidying.augmented(
            self._model.columns(), self._model.row_quantities(), self._rows.used_index, names=names
        )
        return self._of_rows(rows)

    def bootstrap(
        self,
        n: int = 1000,
        *,
        seed: Seed = None,
        engine: Engine | None = None,
        n_jobs: int | None = None,
        statistic: Callable[[Self], Mapping[str, float]] | None = None,
        progress: bool = False,
    ) -> Bootstrap:
        """Parametric bootstrap: fit the model to responses drawn from it.

        Parameters
        ----------
        n : int
            Replicates.
        seed : int, SeedSequence or None
            As for `pylme.simulate`.
        engine : {"auto", "lme4", "numpy"}, optional
            The engine that fits the replicates; by default the one that fitted the model. lme4 uses
            the control and the start of the original fit; "numpy" fits all replicates of a linear
            model at once.
        n_jobs : int or None
            Workers, as for `pylme.study`.
        statistic : callable, optional
            Takes a `Fit` and returns further numbers by name. Each replicate is then fitted by
            itself.
        progress : bool
            Show a bar, in a terminal or a notebook.

        Returns
        -------
        Bootstrap
            The estimates of all replicates, with standard errors, biases and intervals. A fit that
            fails is a row with its error.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed.
        NotAvailableError
            If the fit came from JSON.

        References
        ----------
        Davison & Hinkley (1997), Bootstrap Methods and their Application, chapters 4 and 5.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer(
        ...     "Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy"
        ... )
        >>> boot = fit.bootstrap(500, seed=1)
        >>> bool(abs(boot.std_error["Days"] / fit.coef_table["std_error"]["Days"] - 1) < 0.15)
        True
        """
        from pylme.fit.refit_request import request_of
        from pylme.simulation.bootstrap.bootstrap import bootstrap
        from pylme.simulation.estimate.record import Collect

        request = request_of(self._model, self._request)
        return bootstrap(
            self._model, request, n, seed=seed, engine=engine, n_jobs=n_jobs, progress=progress,
            collect=None if statistic is None else Collect(own=statistic, wrap=type(self)),
            library=self.library,
        )  # fmt: skip

    def simulator(self, *, empirical: bool = False, rng: Rng = "numpy") -> Simulator:
        """The fitted model with its estimates as parameters, to draw data from.

        Parameters
        ----------
        empirical, rng
            As for `pylme.simulate`.

        Returns
        -------
        Simulator
            Its responses are in the rows of the data given; NaN where a row was left out.

        Raises
        ------
        NotAvailableError
            If the fit came from JSON.
        """
        from pylme.simulation.draw.specification import simulator_of

        return simulator_of(self._model, empirical=empirical, rng=rng, library=self.library)

    def to_json(self) -> str:
        """All numbers of the fit as JSON text, which `pylme.from_json` reads without R."""
        return saving.to_json(self._model)

    def to_rds(self, path: str | PathLike[str]) -> None:
        """Write a fit by lme4 as a file that R's ``readRDS`` reads.

        Parameters
        ----------
        path : str or path-like
            The file.

        Raises
        ------
        NotAvailableError
            If the fit is by the NumPy engine, or came from JSON: there is no R object.
        DataTypeError
            If the file cannot be written.
        """
        handle = getattr(self._model, "handle", None)
        if handle is None:
            raise NotAvailableError(
                asked="Writing a fit as an R object",
                found="this fit is by the NumPy engine, or came from JSON, and R does not hold it",
                remedy='Fit the model with engine="lme4", or pass on fit.to_json().',
            )
        from pylme.lme4.saved import write_model

        write_model(handle, path)

    def describe(self) -> Document:
        """The short summary that a fit prints: the model, its criterion and status, the effects."""
        return overview(
            self._info, self._estimates, self.varcorr, self._coefficients, self.convergence,
            engine=self.engine,
        )  # fmt: skip

    def __repr__(self) -> str:
        return str(self)


def _numbers(option: str, values: ArrayLike, wanted: int) -> NDArray[np.float64]:
    """So many finite numbers."""
    array = finite_numbers(option, values)
    if len(array) != wanted:
        raise OptionError(option=option, value=values, allowed=f"{wanted} finite numbers")
    return array
