"""A fit as a model of the Python library marginaleffects, with degrees of freedom by row.

The library computes a quantity from predictions for counterfactual rows, and its standard error
from the Jacobian J of the quantity by the coefficients (the delta method). Here predictions are
those of the population, Xβ + offset; standard errors are of the fit's own covariance matrix, by
Kenward and Roger's method the adjusted one; and the degrees of freedom of a row are those of the
contrast Jβ. (Arel-Bundock, Greifer & Heiss 2024, Journal of Statistical Software 111.)
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import stats

from pylme.errors import MissingPackageError, OptionError
from pylme.families import link_of
from pylme.inference.targets import Targets, infer
from pylme.model_matrix.recipe import on_new_rows

if TYPE_CHECKING:
    from types import ModuleType

    import pandas as pd
    from numpy.typing import NDArray

    from pylme.inference.means.estimator import Estimator
    from pylme.inference.prediction.question import Kind
    from pylme.model_matrix.matrices import ModelMatrices

__all__ = ["MarginalEffects"]

#: What the library computes, and so what this class does.
_FUNCTIONS: Final = (
    "predictions", "avg_predictions", "comparisons", "avg_comparisons", "slopes", "avg_slopes",
)  # fmt: skip


class MarginalEffects:
    """The functions of marginaleffects for one fit: `predictions`, `comparisons`, `slopes`.

    And their averages, `avg_predictions` and so on. Each takes the arguments of the library's
    function of that name but the model, and returns the library's result, whose table also has
    ``df``; ``p_value``, ``conf_low`` and ``conf_high`` are of the t distribution with these.

    Attributes
    ----------
    model : marginaleffects.classes.ModelAbstract
        What the functions of the library take; with it their results are normal.
    """

    def __init__(
        self,
        design: ModelMatrices,
        data: pd.DataFrame,
        predictors: tuple[str, ...],
        estimator: Estimator,
        kind: Kind,
    ) -> None:
        self._library = _library()
        self._estimator = estimator
        self.model = _model_class()(design, data, predictors, estimator, kind)

    def __getattr__(self, name: str) -> Any:
        if name not in _FUNCTIONS:
            raise AttributeError(f"{name!r}: there are {', '.join(_FUNCTIONS)}")
        function = getattr(self._library, name)

        def ask(**options: Any) -> Any:
            conf_level = options.get("conf_level", 0.95)
            null = options.get("hypothesis", 0.0)
            if self._linear(options):
                # Forward differences of a linear function are exact by any step; the library's own
                # is so small that slopes lose all but three digits of their standard errors.
                options.setdefault("eps_vcov", 1.0)
            result = function(self.model, **options)
            return self._with_df(result, conf_level, null if isinstance(null, int | float) else 0.0)

        return ask

    def _linear(self, options: dict[str, Any]) -> bool:
        """Whether the quantities are linear in the coefficients."""
        hypothesis = options.get("hypothesis")
        return (
            self.model.mean is None
            and options.get("comparison", "difference") in ("difference", "dydx")
            and options.get("slope", "dydx") == "dydx"
            and (hypothesis is None or isinstance(hypothesis, int | float))
        )

    def _with_df(self, result: Any, conf_level: float, null: float) -> Any:
        """The same result with degrees of freedom of each row's contrast."""
        J = result.jacobian
        kernels = self._estimator.kernels
        if J is None or kernels is None or self._estimator.ddf == "normal":
            return result
        J = np.asarray(J, dtype=float)
        df = infer(kernels, Targets(x=J), ddf=self._estimator.ddf).df
        table = result.data
        estimate, error = (table[name].to_numpy() for name in ("estimate", "std_error"))
        statistic = (estimate - null) / error
        reach = stats.t.isf(0.5 * (1.0 - conf_level), df) * error
        changed = {
            "df": df,
            "p_value": 2.0 * stats.t.sf(np.abs(statistic), df),
            "conf_low": estimate - reach,
            "conf_high": estimate + reach,
        }
        import polars as pl

        result._data = table.with_columns(  # noqa: SLF001  (the library has no other way in)
            *(pl.Series(name, values) for name, values in changed.items())
        )
        return result


def _library() -> ModuleType:
    try:
        import marginaleffects
    except ImportError as error:
        raise MissingPackageError(
            package="marginaleffects",
            extra="marginaleffects",
            asked="Handing the fit to marginaleffects",
        ) from error
    module: ModuleType = marginaleffects
    return module


@cache
def _model_class() -> Any:
    """The class that implements the library's interface of a model."""
    import polars as pl
    from marginaleffects.classes import ModelAbstract, ModelVault

    class Model(ModelAbstract):  # type: ignore[misc]
        """The fixed part of a fit."""

        def __init__(
            self,
            design: ModelMatrices,
            data: pd.DataFrame,
            predictors: tuple[str, ...],
            estimator: Estimator,
            kind: Kind,
        ) -> None:
            self.design, self.estimator = design, estimator
            self.offset = float(design.offset.mean())
            identity = np.eye(len(estimator.beta))
            if estimator.kernels is None or estimator.ddf == "normal":
                beta, covariance = estimator.beta, estimator.vcov
            else:
                found = infer(estimator.kernels, Targets(x=identity), ddf=estimator.ddf)
                beta, covariance = found.kernels.beta, np.asarray(found.covariance)
            self.covariance = covariance
            family = design.family
            name = None if family is None or kind == "link" else family.link
            self.mean = None if name is None else link_of(name).mean
            plain = data[list(predictors)].copy()
            for column in plain.columns:
                if plain[column].dtype == object or str(plain[column].dtype) == "str":
                    plain[column] = plain[column].astype("category")
            columns = {
                column: pl.Series(plain[column].astype(str).to_list(), dtype=pl.Enum(
                    [str(level) for level in plain[column].cat.categories]
                ))
                if str(plain[column].dtype) == "category"
                else pl.Series(plain[column].to_numpy())
                for column in plain.columns
            }  # fmt: skip
            response = np.asarray(design.y, dtype=float)
            columns["response"] = pl.Series(response if response.ndim == 1 else response[:, 0])
            vault = ModelVault(
                coef=np.array(beta),
                coefnames=np.array(design.x_names),
                formula=_no_formula,
                modeldata=pl.DataFrame(columns),
                vcov=covariance,
                variable_names=["response", *predictors],
                package="pylme",
            )
            # Not the fit: the library would take its residual degrees of freedom for those of t.
            super().__init__(None, vault)

        def get_vcov(self, vcov: object = True) -> NDArray[np.float64] | None:  # noqa: FBT002
            """The covariance matrix; None where no standard errors are asked for."""
            if not isinstance(vcov, bool):
                raise OptionError(option="vcov", value=vcov, allowed="True, False, or a matrix")
            return self.covariance if vcov else None

        def get_exog(self, newdata: Any) -> NDArray[np.float64]:
            """The offset of new rows, and X beside it."""
            recipe = self.design.recipe
            made = on_new_rows(
                recipe,
                self.design.terms,
                newdata,
                # What was given as an argument is at its mean.
                offset=None if recipe.offset is None else np.full(len(newdata), self.offset),
                na_action="fail",
                groups={},
            )
            return np.column_stack([made.offset, made.X])

        def get_predict(self, params: NDArray[np.float64], newdata: Any) -> Any:
            """Predictions by other coefficients."""
            eta = newdata[:, 1:] @ np.asarray(params) + newdata[:, 0]
            estimate = eta if self.mean is None else self.mean(eta)
            return pl.DataFrame(
                {"rowid": np.arange(len(eta), dtype=np.int32), "estimate": estimate}
            )

    return Model


def _no_formula(data: Any) -> Any:
    """The library asks for a formula or a function in its place; the columns are made by pylme."""
    raise NotImplementedError(data)
