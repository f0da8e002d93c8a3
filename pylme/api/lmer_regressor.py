"""`pylme.LmerRegressor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

import narwhals as nw
import numpy as np

from pylme.api.lmer import lmer
from pylme.errors import MissingPackageError, OptionError, UnknownNameError
from pylme.formula import Name, parse_formula, parseable
from pylme.options import is_whole

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.utils.validation import check_array, check_is_fitted, validate_data
except ImportError:

    class BaseEstimator:  # type: ignore[no-redef]
        """In the place of scikit-learn's, so that pylme's names can be listed without it."""

        def __new__(cls, *_: object, **__: object) -> Self:
            raise MissingPackageError(
                package="scikit-learn", extra="sklearn", asked="Making an LmerRegressor"
            )

    class RegressorMixin:  # type: ignore[no-redef]
        """In the place of scikit-learn's."""


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from pylme.inference.prediction.random_part import Random
    from pylme.options import Engine

    Group = str | int | Callable[[Any], ArrayLike]

__all__ = ["LmerRegressor"]


class LmerRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A linear mixed model as an estimator of scikit-learn.

    For pipelines and cross-validation: with ``GroupKFold`` the groups of a test set are new, and
    are predicted from the fixed effects. All that pylme says of a fit is in ``fit_``.

    Parameters
    ----------
    groups : str, int, callable, or sequence of these, optional
        The grouping factors, each with a random intercept: columns of `X` by name or position, or
        functions that make the labels of the rows from `X`. The columns are no fixed effects.
    formula : str, optional
        The whole model in lme4's language, in place of `groups` and `slopes`. The name on its left
        stands for `y`. Columns of an array are called x0, x1, ….
    slopes : str, int, or sequence of these
        Columns of `X` whose slopes vary between the levels of each grouping factor.
    reml : bool
    engine : {"numpy", "auto", "lme4"}
    random : {"all", "none"}, list of str, or str
        The random effects that predictions contain, as in `Fit.predict`. New levels have none.

    Attributes
    ----------
    fit_ : Fit
    formula_ : str
        The formula that was fitted.
    intercept_ : float
        Zero where the model has none.
    coef_ : ndarray, shape (p,)
        The other fixed effects, in the order of ``fit_.fixef``.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Of a data frame.

    Raises
    ------
    MissingPackageError
        If scikit-learn is not installed; the extra ``[sklearn]`` includes it.

    Examples
    --------
    >>> import pylme
    >>> from sklearn.model_selection import GroupKFold, cross_val_score
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> X, y = sleepstudy[["Days", "Subject"]], sleepstudy["Reaction"]
    >>> model = pylme.LmerRegressor(groups="Subject", slopes="Days")
    >>> model.fit(X, y).formula_
    'y ~ Days + (1 + Days | Subject)'
    >>> folds = GroupKFold(3)
    >>> len(cross_val_score(model, X, y, groups=X["Subject"], cv=folds))
    3
    """

    def __init__(
        self,
        groups: Group | Sequence[Group] | None = None,
        *,
        formula: str | None = None,
        slopes: str | int | Sequence[str | int] = (),
        reml: bool = True,
        engine: Engine = "numpy",
        random: Random = "all",
    ) -> None:
        self.groups = groups
        self.formula = formula
        self.slopes = slopes
        self.reml = reml
        self.engine = engine
        self.random = random

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : DataFrame, or array_like of shape (n, p)
            Columns of a data frame may be factors; those of an array are numbers.
        y : array_like of shape (n,)

        Returns
        -------
        LmerRegressor
            Itself.

        Raises
        ------
        OptionError
            If neither `groups` nor `formula` is given, or both are.
        UnknownNameError
            If `X` has no such column.
        ValueError
            From scikit-learn, if `X` or `y` has the wrong shape, or an array holds NaN.
        """
        if (self.groups is None) == (self.formula is None):
            raise OptionError(
                option="groups", value=self.groups, allowed="given, or else `formula`, and not both"
            )
        X, y = self._both_checked(X, y)
        columns = self._columns(X)
        response, self.formula_ = self._model(list(columns))
        self.fit_ = lmer(
            self.formula_, {**columns, response: y}, reml=self.reml, engine=self.engine
        )
        fixed = self.fit_.fixef
        self.intercept_ = float(fixed.get("(Intercept)", 0.0))
        self.coef_ = fixed.drop("(Intercept)", errors="ignore").to_numpy(copy=True)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predictions, with the random effects of the levels that the model has seen.

        Parameters
        ----------
        X : DataFrame, or array_like of shape (n, p)

        Returns
        -------
        ndarray, shape (n,)
        """
        check_is_fitted(self)
        columns = self._columns(self._checked(X))
        found = self.fit_.predict(columns, random=self.random, new_levels="population")
        return np.asarray(found, dtype=np.float64)

    def _both_checked(self, X: Any, y: Any) -> tuple[Any, Any]:
        """What scikit-learn asks of data to fit; a data frame keeps the types of its columns."""
        if y is None or not _has_names(X):
            X, y = validate_data(self, X, y, y_numeric=True, ensure_min_samples=2)
            return X, y
        validate_data(self, X, skip_check_array=True)
        return X, check_array(y, ensure_2d=False, input_name="y", dtype="numeric").ravel()

    def _checked(self, X: Any) -> Any:
        named = _has_names(X)
        checked = validate_data(self, X, reset=False, skip_check_array=named)
        return X if named else checked

    def _columns(self, X: Any) -> dict[str, Any]:
        """The columns of `X` by name, and the labels that functions make of it."""
        if isinstance(X, np.ndarray):
            columns = {f"x{j}": X[:, j] for j in range(X.shape[1])}
        else:
            frame = nw.from_native(X, eager_only=True)
            columns = {name: frame[name].to_native() for name in frame.columns}
        for i, group in enumerate(_listed(self.groups)):
            if callable(group):
                columns[_made(i)] = np.asarray(group(X))
        return columns

    def _model(self, names: list[str]) -> tuple[str, str]:
        """The name of the response, and the formula."""
        if self.formula is not None:
            left = parse_formula(self.formula).response
            if not isinstance(left, Name):
                raise OptionError(
                    option="formula",
                    value=self.formula,
                    allowed="a formula with a plain name on its left; transform y by "
                    "sklearn.compose.TransformedTargetRegressor",
                )
            return left.name, self.formula
        groups = [
            _made(i) if callable(group) else _name(group, names)
            for i, group in enumerate(_listed(self.groups))
        ]
        slopes = [_name(slope, names) for slope in _listed(self.slopes)]
        spare = ("y", *(f"y{i}" for i in range(len(names) + 1)))
        response = next(name for name in spare if name not in names)
        fixed = " + ".join(_quoted(n) for n in names if n not in groups) or "1"
        varying = " + ".join(["1", *map(_quoted, slopes)])
        random = " + ".join(f"({varying} | {_quoted(group)})" for group in groups)
        return response, f"{response} ~ {fixed} + {random}"


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _made(i: int) -> str:
    """The name of the column of labels that a function makes."""
    return f"group_{i}"


def _name(column: object, names: list[str]) -> str:
    """The name of a column that is given by its name or position."""
    if is_whole(column):
        place = int(cast("int", column))
        if -len(names) <= place < len(names):
            return names[place]
    if column not in names:
        raise UnknownNameError(what="column of X", name=str(column), known=names)
    return str(column)


def _quoted(name: str) -> str:
    return parseable(Name(name=name))


def _has_names(X: Any) -> bool:
    """Whether it is a data frame with a name for each column."""
    frame = nw.from_native(X, eager_only=True, pass_through=True)
    return isinstance(frame, nw.DataFrame) and all(isinstance(n, str) for n in frame.columns)
