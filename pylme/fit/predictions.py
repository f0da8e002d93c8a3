"""Predictions, marginal means and slopes of a fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylme.errors import OptionError
from pylme.fit.base import EngineFit
from pylme.frame import to_native
from pylme.frame.lazy_table import is_lazy
from pylme.inference.ddf import Ddf, default_ddf, require_kernels
from pylme.inference.means.scale import ScaleKind
from pylme.inference.prediction.question import Interval, Kind, Question
from pylme.inference.prediction.rows import NewLevels
from pylme.options import choice, is_number, mapping, text
from pylme.results.tables.tidying import half_width

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from numpy.typing import ArrayLike

    from pylme.inference.kernels import Kernels
    from pylme.inference.means.averages import WeightsName
    from pylme.inference.means.marginal_means import MarginalMeans
    from pylme.inference.means.marginaleffects import MarginalEffects
    from pylme.inference.means.of_fit import MeansQuestion
    from pylme.inference.prediction.random_part import Random

__all__ = ["Predictions"]


class Predictions(EngineFit):
    """Predictions, marginal means and slopes of a fitted model."""

    def predict(
        self,
        newdata: Any = None,
        *,
        random: Random = "all",
        kind: Kind = "response",
        new_levels: NewLevels = "error",
        interval: Interval | None = None,
        conf_level: float = 0.95,
        ddf: Ddf | None = None,
        offset: str | ArrayLike | None = None,
        weights: str | ArrayLike | None = None,
        to: str | PathLike[str] | None = None,
    ) -> Any:
        """Predictions for the rows of the fit, or for new rows.

        Parameters
        ----------
        newdata : DataFrame, Table or mapping of arrays, or lazy data, optional
            With the columns that the prediction uses: no response, and no grouping factor of a term
            that is left out. By default the rows that the model was fitted to. Lazy data are those
            that `lmer` takes.
        random : {"all", "none"}, list of str, or str
            The random effects that are included: all; none, for the mean over all groups; those of
            some grouping factors, ``["school"]``; or terms as in the formula, which may have fewer
            effects than the model, ``"(1 | school)"``.
        kind : {"response", "link"}
            The scale of a generalized model's predictions.
        new_levels : {"error", "population"}
            What a level of a grouping factor that the data of the model did not have means: an
            error, or a group whose effects are zero on average.
        interval : {"confidence", "prediction"}, optional
            For the mean, or for a new observation, which linear models alone have.
        conf_level : float
            The level of the intervals.
        ddf : {"kenward-roger", "satterthwaite", "normal"}, optional
            The method of the degrees of freedom of an interval; by default "kenward-roger" for a
            linear model, "satterthwaite" for one with a covariance structure such as ``ar1()``, for
            which the former is not defined, and "normal" for a generalized one.
        offset : str or array_like of shape (rows,), optional
            The offset of the new rows, where that of the model was an array. One that was the name
            of a column, or is part of the formula, is read from `newdata`.
        weights : str or array_like of shape (rows,), optional
            Prior weights w of new observations, whose residual variance is σ²/w; 1 by default.
        to : path, optional
            Of lazy data: the Parquet file to which the rows are written with their predictions. The
            engine of the data writes it, which for dask and Spark is a folder of files. What that
            engine cannot compute, as intervals, is computed from batches of rows.

        Returns
        -------
        Series or DataFrame, or lazy frame or str
            In the rows given, in the library of the data; NaN where a predictor is missing, or the
            data of the model do not determine the prediction. A Series without an interval. With
            one, the columns ``estimate, std_error, df, conf_low, conf_high``. Where groups are
            drawn anew, as those with a new level are, ``includes`` names what the variance
            consists of, and ``std_error_without_new`` is the standard error without the variance
            of the new groups. For lazy data, a lazy frame of the same library: the data with a
            column ``estimate``, null where a predictor is missing; or the path, with `to`.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed.
        UnknownNameError
            If `random` names no grouping factor of the model.
        DataError
            If the data cannot be read, or have new levels that `new_levels` forbids.
        NotAvailableError
            If the fit came from JSON, or only R can evaluate the formula; for lazy data, if their
            engine cannot compute what is asked for, and `to` is not given.

        Warns
        -----
        RankDeficiencyWarning
            If the data of the model do not determine some predictions.

        Notes
        -----
        The standard error of a conditional mean is that of the prediction error, with the
        covariance parameters at their estimates; by Kenward and Roger's method that of a
        population mean, and always that of a new observation, includes their uncertainty too. A
        new observation belongs to new groups of the terms that are left out. Kenward and Roger's
        method refits an ML fit by REML, and the estimates are then those of the refit. Standard
        errors of a generalized model are conditional on its covariance parameters; on the scale of
        the response they come from the delta method, and the intervals from those of the linear
        predictor.

        References
        ----------
        Henderson (1975), Best linear unbiased estimation and prediction under a selection model,
        Biometrics 31. Kenward & Roger (1997), Small sample inference for fixed effects from
        restricted maximum likelihood, Biometrics 53.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
        >>> fit.predict({"Days": [0, 5]}, random="none").round(2).tolist()
        [251.41, 303.74]
        >>> fit.predict(
        ...     {"Days": [5], "Subject": ["308"]}, interval="prediction"
        ... ).round(1).to_dict("records")
        [{'estimate': 352.0, 'std_error': 26.8, 'df': 145.3, 'conf_low': 298.9, 'conf_high': 405.0}]
        """
        half_width(conf_level)
        question = Question(
            random=random,
            kind=choice("kind", kind, Kind),
            new_levels=choice("new_levels", new_levels, NewLevels),
            interval=None if interval is None else choice("interval", interval, Interval),
            conf_level=conf_level,
            # Without an interval no kernels are needed to choose a method.
            ddf="normal" if interval is None and ddf is None else self._ddf_of_means(ddf),
            offset=offset,
            weights=weights,
        )
        if is_lazy(newdata) if newdata is not None else self._is_of_lazy_data:
            from pylme.inference.prediction.lazy import predict_lazily

            return predict_lazily(self._model, self._kernels_of_linear, newdata, question, to=to)
        from pylme.inference.prediction.predict import predict

        if to is not None:
            raise OptionError(
                option="to",
                value=to,
                allowed="None for rows in memory, whose predictions are returned: write those",
            )
        found = predict(self._model, self._kernels_of_linear, newdata, question)
        library = self.library if newdata is None else found.rows.library
        if question.interval is None:
            return to_native(found.table["estimate"], library)
        return to_native(found.table, library)

    def emmeans(
        self,
        specs: str | Sequence[str] = (),
        *,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        weights: WeightsName | ArrayLike = "equal",
        kind: ScaleKind = "link",
        bias_adjust: bool | float = False,
        ddf: Ddf | None = None,
        conf_level: float = 0.95,
    ) -> MarginalMeans:
        """Estimated marginal means: means of the fixed effects over a reference grid.

        The grid has all levels of the factors, and each covariate at its mean over the rows used;
        a covariate with one or two distinct values keeps them. Offsets are at their means.

        Parameters
        ----------
        specs : str or list of str
            The predictors whose combinations have a mean; ``[]`` for the mean over all.
        by : str or list of str, optional
            Predictors within whose levels means are compared.
        at : mapping, optional
            Values of predictors, ``{"age": [20, 40]}``, in place of those of the grid.
        weights : {"equal", "proportional", "outer", "cells", "flat"} or array_like
            The weights of the combinations of other predictors that a mean is an average of: equal;
            the number of rows with that combination; the product of the numbers of rows with each
            level; the number of rows with that combination and the mean's own levels; those cells
            that have rows; or numbers.
        kind : {"link", "response"}
            The scale of a generalized model's means, or of a response that the formula transforms
            by log, log2, log10, log1p or sqrt: that of the linear predictor, or of the response.
        bias_adjust : bool or float
            On the scale of the response, approximate the mean of the response and not the response
            at the mean: with the standard deviation of random effects and residual together, or
            with a given one.
        ddf : {"kenward-roger", "satterthwaite", "normal"}, optional
            By default "kenward-roger" for a linear model, "satterthwaite" for one with a covariance
            structure such as ``ar1()``, and "normal" for a generalized one.
        conf_level : float
            The level of the intervals.

        Returns
        -------
        MarginalMeans
            A table with the methods `contrast`, `test`, `joint_tests`, `confint` and `to_frame`.
            What the data do not determine is NaN, and marked.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed.
        UnknownNameError
            If the fixed effects have no such predictor.
        NotAvailableError
            If the fit came from JSON, or only R can evaluate the formula.

        Notes
        -----
        Kenward and Roger's method refits an ML fit by REML, and the estimates are then those of the
        refit. There is no number of rows above which tests become normal.

        References
        ----------
        Searle, Speed & Milliken (1980), Population marginal means in the linear model, The American
        Statistician 34. Lenth (2016), Least-squares means: the R package lsmeans, Journal of
        Statistical Software 69.

        Examples
        --------
        >>> import pylme
        >>> cake = pylme.datasets.load("cake")
        >>> fit = pylme.lmer("angle ~ recipe*temperature + (1 | recipe:replicate)", cake)
        >>> means = fit.emmeans("recipe")
        >>> means.to_frame().round(2).to_dict("list")["estimate"]
        [33.12, 31.64, 31.6]
        >>> means.contrast("pairwise").to_frame().round(3).to_dict("list")["p_value"]
        [0.82, 0.81, 1.0]
        """
        from pylme.inference.means.of_fit import marginal_means

        question = self._means_question(
            specs, by, at, weights, kind=kind, bias_adjust=bias_adjust, ddf=ddf,
            conf_level=conf_level,
        )  # fmt: skip
        return marginal_means(self._model, self._kernels_of_linear, question, self.library)

    def emtrends(
        self,
        var: str,
        specs: str | Sequence[str] = (),
        *,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        weights: WeightsName | ArrayLike = "equal",
        ddf: Ddf | None = None,
        conf_level: float = 0.95,
    ) -> MarginalMeans:
        """Slopes of a numeric predictor, averaged over a reference grid as means are.

        The slope is the derivative of the linear predictor at the values of the grid.

        Parameters
        ----------
        var : str
            The predictor.
        specs : str or list of str
            The predictors whose combinations have a slope. Without them those of `by` are taken,
            and the slopes are compared with each other.
        by, at, weights, ddf, conf_level
            As for `emmeans`.

        Returns
        -------
        MarginalMeans
            As `emmeans` gives them, with slopes as estimates.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed, or `var` is a factor.
        UnknownNameError
            If the fixed effects have no such predictor.
        NotAvailableError
            If the fit came from JSON, or only R can evaluate the formula.

        Examples
        --------
        >>> import pylme
        >>> hsb = pylme.datasets.load("hsb")
        >>> fit = pylme.lmer("math ~ cses*sector + (cses | sch.id)", hsb)
        >>> slopes = fit.emtrends("cses", by="sector")
        >>> slopes.to_frame().round(2).to_dict("list")["estimate"]
        [2.8, 1.46]
        """
        from pylme.inference.means.marginal_means import names_of
        from pylme.inference.means.of_fit import marginal_means

        if not names_of("specs", specs):
            specs, by = names_of("by", by), None
        question = self._means_question(
            specs, by, at, weights, kind="link", bias_adjust=False, ddf=ddf, conf_level=conf_level
        )
        return marginal_means(
            self._model, self._kernels_of_linear, question, self.library,
            slope_of=text("var", var),
        )  # fmt: skip

    def marginaleffects(
        self, *, ddf: Ddf | None = None, kind: Kind = "response"
    ) -> MarginalEffects:
        """The functions of the Python library marginaleffects, for the fixed effects of this fit.

        ``fit.marginaleffects().avg_slopes(variables="Days")`` and so on: `predictions`,
        `comparisons`, `slopes`, and their averages, with the library's arguments. Predictions are
        those of the population.

        Parameters
        ----------
        ddf : {"kenward-roger", "satterthwaite", "normal"}, optional
            The degrees of freedom of each row, from the Jacobian; by default "kenward-roger" for a
            linear model, "satterthwaite" for one with a covariance structure such as ``ar1()``, and
            "normal" for a generalized one.
        kind : {"response", "link"}
            The scale of a generalized model's predictions.

        Returns
        -------
        MarginalEffects
            Its attribute `model` is what the functions of the library themselves take; with it
            their results are normal.

        Raises
        ------
        MissingPackageError
            If marginaleffects, the extra ``[marginaleffects]``, is not installed.
        NotAvailableError
            If the fit came from JSON, or only R can evaluate the formula.

        References
        ----------
        Arel-Bundock, Greifer & Heiss (2024), How to interpret statistical models using
        marginaleffects for R and Python, Journal of Statistical Software 111.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
        >>> fit.marginaleffects().avg_slopes(variables="Days")  # doctest: +SKIP
        """
        from pylme.inference.means.of_fit import marginal_effects

        return marginal_effects(
            self._model,
            self._kernels_of_linear,
            self._ddf_of_means(ddf),
            choice("kind", kind, Kind),
        )

    def _means_question(
        self,
        specs: object,
        by: object,
        at: Mapping[str, Any] | None,
        weights: WeightsName | ArrayLike,
        *,
        kind: ScaleKind,
        bias_adjust: bool | float,
        ddf: Ddf | None,
        conf_level: float,
    ) -> MeansQuestion:
        from pylme.inference.means.of_fit import MeansQuestion

        half_width(conf_level)
        if not isinstance(bias_adjust, bool) and not (is_number(bias_adjust) and bias_adjust >= 0):
            raise OptionError(
                option="bias_adjust",
                value=bias_adjust,
                allowed="True, False, or a standard deviation",
            )
        return MeansQuestion(
            specs=specs,
            by=by,
            at=None if at is None else mapping("at", at, allowed="a dict of values by predictor"),
            weights=weights,
            kind=choice("kind", kind, ScaleKind),
            bias_adjust=bias_adjust,
            ddf=self._ddf_of_means(ddf),
            conf_level=conf_level,
        )

    def _kernels_of_linear(self) -> Kernels | None:
        return self._kernels

    def _ddf_of_means(self, ddf: Ddf | None) -> Ddf:
        """The method that was chosen; usually Kenward and Roger's, for intervals of means."""
        linear = self._info.family is None
        asked = None if ddf is None else choice("ddf", ddf, Ddf)
        if asked is None:
            kernels = self._kernels if linear else None
            structured = kernels is not None and kernels.problem.structured
            return default_ddf("means", linear=linear, structured=structured)
        if asked != "normal" and (not linear or self._kernels is not None):
            require_kernels(self._kernels if linear else None, asked, linear=linear)
        return asked
