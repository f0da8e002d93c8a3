"""Predictions, marginal means and slopes of a fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pylme.errors import OptionError
from pylme.fit.base import EngineFit
from pylme.frame import to_native
from pylme.inference.ddf import Ddf
from pylme.inference.prediction.question import Interval, Kind, Question
from pylme.inference.prediction.rows import NewLevels
from pylme.options import choice
from pylme.results.tidying import half_width

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pylme.inference.kernels import Kernels
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
    ) -> Any:
        """Predictions for the rows of the fit, or for new rows.

        Parameters
        ----------
        newdata : DataFrame, Table or mapping of arrays, optional
            With the columns that the prediction uses: no response, and no grouping factor of a term
            that is left out. By default the rows that the model was fitted to.
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
            linear model and "normal" for a generalized one.
        offset : str or array_like of shape (rows,), optional
            The offset of the new rows, where that of the model was an array. One that was the name
            of a column, or is part of the formula, is read from `newdata`.
        weights : str or array_like of shape (rows,), optional
            Prior weights w of new observations, whose residual variance is σ²/w; 1 by default.

        Returns
        -------
        Series or DataFrame
            In the rows given, in the library of the data; NaN where a predictor is missing, or the
            data of the model do not determine the prediction. A Series without an interval. With
            one, the columns ``estimate, std_error, df, conf_low, conf_high``. Where groups are
            drawn anew, as those with a new level are, ``includes`` names what the variance
            consists of, and ``std_error_without_new`` is the standard error without the variance
            of the new groups.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed.
        UnknownNameError
            If `random` names no grouping factor of the model.
        DataError
            If the data cannot be read, or have new levels that `new_levels` forbids.
        NotAvailableError
            If the fit came from JSON, or only R can evaluate the formula.

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
        [{'estimate': 351.8, 'std_error': 27.7, 'df': 138.2, 'conf_low': 297.1, 'conf_high': 406.6}]
        """
        from pylme.inference.prediction.predict import predict

        half_width(conf_level)
        question = Question(
            random=random,
            kind=choice("kind", kind, Kind),
            new_levels=choice("new_levels", new_levels, NewLevels),
            interval=None if interval is None else choice("interval", interval, Interval),
            conf_level=conf_level,
            ddf=self._ddf(ddf),
            offset=offset,
            weights=weights,
        )
        found = predict(self._model, self._linear_kernels, newdata, question)
        library = self.library if newdata is None else found.rows.library
        if question.interval is None:
            return to_native(found.table["estimate"], library)
        return to_native(found.table, library)

    def _ddf(self, ddf: Ddf | None) -> Ddf:
        """The method of degrees of freedom: the one asked for, or the usual one of the model."""
        linear = self._info.family is None
        if ddf is None:
            return "kenward-roger" if linear else "normal"
        asked = choice("ddf", ddf, Ddf)
        if not linear and asked != "normal":
            raise OptionError(
                option="ddf",
                value=asked,
                allowed='"normal" for a generalized model; the other methods are for linear ones',
            )
        return asked

    def _linear_kernels(self) -> Kernels:
        # The matrices were read before: a fit without them was refused.
        return cast("Kernels", self._kernels)
