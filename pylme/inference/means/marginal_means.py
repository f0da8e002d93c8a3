"""Marginal means and slopes, as a record that gives contrasts and tests of itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from pylme.errors import OptionError, UnknownNameError
from pylme.frame import Library, to_native
from pylme.inference.means.adjustment import Adjust, Family, critical_values, effective
from pylme.inference.means.contrast_table import USUAL, Contrasts
from pylme.inference.means.contrasts import contrast_coefficients
from pylme.inference.means.estimator import Estimator
from pylme.inference.means.functions import LinearFunctions
from pylme.inference.means.scale import Scale
from pylme.inference.means.table import combination_labels, estimates_table, rows_by
from pylme.options import choice, is_number, whole_number
from pylme.render import RenderedTable
from pylme.results.tables.tidying import half_width
from pylme.text import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from pylme.inference.means.contrasts import ContrastName
    from pylme.render import Table

__all__ = ["MarginalMeans", "names_of"]


def names_of(option: str, names: object) -> tuple[str, ...]:
    """One name or several.

    Raises
    ------
    OptionError
        If they are anything else.
    """
    if names is None:
        return ()
    found = (names,) if isinstance(names, str) else names
    if not isinstance(found, tuple | list) or not all(isinstance(name, str) for name in found):
        raise OptionError(option=option, value=names, allowed="the name of a predictor, or a list")
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MarginalMeans(RenderedTable):
    """Marginal means, or slopes, at the combinations of some predictors.

    Attributes
    ----------
    specs, by : tuple of str
        The predictors whose combinations have a mean, and those within whose levels means are
        compared.
    levels : DataFrame
        Their values, those of `specs` first; the first predictor varies fastest.
    functions : LinearFunctions
        The means as functions of the fixed effects.
    estimator : Estimator
    scale : Scale
    conf_level : float
    adjust : str
        The adjustment of the intervals.
    slope_of : str or None
        The predictor whose slopes these are; None for means.
    notes : tuple of str
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` gives the table.
    response : str
        The left side of the formula.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> means = fit.emmeans("Days", at={"Days": [0, 5]})
    >>> means.to_frame().round(2)[["Days", "estimate", "std_error", "df"]]
       Days  estimate  std_error    df
    0     0    251.41       6.82  17.0
    1     5    303.74       9.58  17.0
    """

    specs: tuple[str, ...]
    by: tuple[str, ...]
    levels: pd.DataFrame
    functions: LinearFunctions
    estimator: Estimator
    scale: Scale
    conf_level: float
    adjust: Adjust = "none"
    slope_of: str | None = None
    notes: tuple[str, ...] = ()
    library: Library = "pandas"
    response: str = ""

    @property
    def unit(self) -> str | None:
        """What means are measured in: the response, what is transformed in it, or the link.

        None where a transformation of several columns has been undone.
        """
        transformed = re.fullmatch(r"[\w.]+\((.*)\)", self.response)
        if self.scale.name is None or (transformed is None and self.scale.on_response):
            return self.response or None
        if transformed is None or self.response.startswith("cbind("):
            return self.response if self.scale.on_response else self.scale.name
        if not self.scale.on_response:
            return self.response
        return transformed[1] if re.fullmatch(r"[\w.]+", transformed[1]) else None

    def to_frame(self) -> Any:
        """A row for each mean.

        Returns
        -------
        DataFrame
            The predictors, then ``estimate, std_error, df, conf_low, conf_high``, in the library
            of the data; ``estimable`` where the data do not determine some of the means, which
            are NaN.
        """
        return to_native(self._frame(), self.library)

    def confint(self, conf_level: float = 0.95, *, adjust: Adjust = "none") -> Self:
        """The same means with other intervals.

        Parameters
        ----------
        conf_level : float
        adjust : {"none", "sidak", "bonferroni", "scheffe", "mvt", ...}
            As for `contrast`; within each level of `by`.

        Returns
        -------
        MarginalMeans
        """
        half_width(conf_level)
        return replace(self, conf_level=conf_level, adjust=choice("adjust", adjust, Adjust))

    def contrast(
        self,
        method: ContrastName | ArrayLike | Mapping[str, ArrayLike] = "pairwise",
        *,
        adjust: Adjust | None = None,
        by: str | Sequence[str] | None = None,
        reference: int = 0,
        conf_level: float | None = None,
    ) -> Contrasts:
        """Contrasts of the means within each level of `by`.

        Parameters
        ----------
        method : str, array_like of shape (contrasts, means), or mapping of array_like
            "pairwise": all differences. "trt.vs.ctrl": each mean minus that of `reference`. "poly":
            orthogonal polynomials over equally spaced levels. "eff", "del.eff": each mean minus the
            mean of all, or of the others. "consec": each minus the one before. Or a matrix of
            coefficients, or rows of one by the labels of the contrasts.
        adjust : str, optional
            The adjustment of p-values and intervals: "tukey", "sidak", "bonferroni", "holm", "bh",
            "scheffe", "mvt", "dunnettx" or "none". By default "tukey" for "pairwise", "dunnettx"
            for "trt.vs.ctrl", "bh" for "eff" and "del.eff", "mvt" for "consec", otherwise "none".
            "tukey" is for pairwise differences, and is "sidak" for others. Holm and Benjamini and
            Hochberg define no intervals: those with "holm" and "bh" are Bonferroni's.
        by : str or list of str, optional
            Predictors within whose levels means are compared; by default those of the means, and
            ``[]`` for none.
        reference : int
            The mean that "trt.vs.ctrl" compares with, from 0; -1 for the last.
        conf_level : float, optional

        Returns
        -------
        Contrasts
            On the scale of the response, differences of logarithms are shown as ratios, and those
            of logits as odds ratios; other differences stay on the scale of the linear predictor.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed.
        UnknownNameError
            If `by` names no predictor of the means.
        """
        inner, groups = self._within(self.by if by is None else names_of("by", by))
        if conf_level is not None:
            half_width(conf_level)
        size = len(groups[0])
        place = whole_number("reference", reference, least=-size) % size
        labels = combination_labels(self.levels[inner].iloc[groups[0]])
        family = contrast_coefficients(
            method, labels, reference=place, ratio=self.scale.ratios and not self.slope_of
        )
        rows = len(family.C)
        C = np.zeros((rows * len(groups), len(self.levels)))
        for g, places in enumerate(groups):
            C[g * rows : (g + 1) * rows, places] = family.C
        outer = tuple(name for name in self.levels.columns if name not in inner)
        own = self.levels[list(outer)].iloc[np.repeat([places[0] for places in groups], rows)]
        levels = own.reset_index(drop=True)
        levels.insert(0, "contrast", list(family.labels) * len(groups))
        how = USUAL[family.name] if adjust is None else choice("adjust", adjust, Adjust)
        return Contrasts(
            method=family.name,
            levels=levels,
            by=outer,
            functions=self.functions.combined(C),
            means=size,
            null=0.0,
            adjust=how,
            conf_level=self.conf_level if conf_level is None else conf_level,
            estimator=self.estimator,
            scale=self.scale if not self.slope_of else Scale(name=self.scale.name),
            context=self.notes,
            library=self.library,
        )

    def test(self, null: float = 0.0, *, adjust: Adjust = "none") -> Contrasts:
        """Test that each mean has a certain value.

        Parameters
        ----------
        null : float
            The value, on the scale of the linear predictor.
        adjust : str
            As for `contrast`.

        Returns
        -------
        Contrasts
            The means with statistics, p-values and intervals.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed.
        """
        if not is_number(null):
            raise OptionError(option="null", value=null, allowed="a number")
        return Contrasts(
            method="test",
            levels=self.levels,
            by=self.by,
            functions=self.functions,
            means=len(self._within(self.by)[1][0]),
            null=float(null),
            adjust=choice("adjust", adjust, Adjust),
            conf_level=self.conf_level,
            estimator=self.estimator,
            scale=self.scale,
            context=self.notes,
            library=self.library,
        )

    def joint_tests(self) -> Any:
        """F tests of the main effects and interactions of the means, within each level of `by`.

        The hypothesis for some of the predictors is that the interaction contrasts of their
        consecutive levels are zero, averaged equally over the levels of the others. Of what the
        data do not determine the rest is tested.

        Returns
        -------
        DataFrame
            ``term, df_num, df, statistic, p_value``, after the columns of `by`. Of a generalized
            model `statistic` is χ²/df_num.

        References
        ----------
        Searle, Speed & Milliken (1980), Population marginal means in the linear model, The American
        Statistician 34.
        """
        inner, groups = self._within(self.by)
        sizes = [self.levels[name].nunique() for name in inner]
        wide = [place for place, size in enumerate(sizes) if size > 1]
        rows = []
        for places in groups:
            functions = self.functions.chosen(places)
            for degree in range(1, len(wide) + 1):
                for chosen in combinations(wide, degree):
                    test = self.estimator.joint(functions.combined(_interaction(sizes, chosen)))
                    rows.append(
                        {
                            **{name: self.levels[name].iloc[places[0]] for name in self.by},
                            "term": ":".join(inner[place] for place in chosen),
                            "df_num": test.df_num,
                            "df": test.df,
                            "statistic": test.statistic,
                            "p_value": test.p_value,
                        }
                    )
        columns = [*self.by, "term", "df_num", "df", "statistic", "p_value"]
        return to_native(pd.DataFrame(rows, columns=columns), self.library)

    def _within(self, by: tuple[str, ...]) -> tuple[list[str], list[NDArray[np.intp]]]:
        """The predictors that are compared, and the rows of each level of the others."""
        names = [str(name) for name in self.levels.columns]
        for name in by:
            if name not in names:
                raise UnknownNameError(what="predictor of the means", name=name, known=names)
        inner = [name for name in names if name not in by]
        return inner, rows_by(self.levels, by)

    def _frame(self) -> pd.DataFrame:
        found = self.estimator.estimate(self.functions)
        reach = np.full(len(self.levels), np.nan)
        for places in self._within(self.by)[1]:
            own = places[found.estimable[places]]
            if not len(own):
                continue
            within = (np.cumsum(found.estimable) - 1)[own]
            covariance = found.covariance[np.ix_(within, within)]
            error = np.sqrt(covariance.diagonal())
            family = Family(
                statistic=found.estimate[own],
                df=found.df[own],
                correlation=covariance / np.outer(error, error),
                means=len(own),
                rank=int(np.linalg.matrix_rank(self.functions.X[own])),
                pairwise=False,
            )
            reach[own] = critical_values(effective(self.adjust, family), family, self.conf_level)
        low = self.scale.value(found.estimate - reach * found.std_error)
        high = self.scale.value(found.estimate + reach * found.std_error)
        frame = self.levels.assign(
            estimate=self.scale.value(found.estimate),
            std_error=self.scale.slope(found.estimate) * found.std_error,
            df=found.df,
            conf_low=np.minimum(low, high),
            conf_high=np.maximum(low, high),
        )
        return frame if found.estimable.all() else frame.assign(estimable=found.estimable)

    def describe(self) -> Table:
        """The table, with what was averaged and how below."""
        caption = f"Slopes of {self.slope_of}" if self.slope_of else "Marginal means"
        if names := [*self.specs, *self.by]:
            caption += f" {'by' if self.slope_of else 'of'} {listed(names)}"
        notes = [*self.notes, f"{100 * self.conf_level:g}% intervals"]
        if self.adjust != "none":
            notes[-1] += f", adjusted by {self.adjust}"
        notes[-1] += "."
        return estimates_table(
            self._frame(),
            caption=caption,
            notes=notes,
            labels=tuple(self.levels.columns),
        )

    def __repr__(self) -> str:
        what = f"slopes of {self.slope_of}" if self.slope_of else "means"
        return f"<MarginalMeans: {len(self.levels)} {what} of {', '.join(self.levels.columns)}>"


def _interaction(sizes: Sequence[int], chosen: Sequence[int]) -> NDArray[np.float64]:
    """Contrasts of consecutive levels of some factors, averaged over those of the others.

    The first factor varies fastest in the columns.
    """
    C = np.ones((1, 1))
    for place, size in enumerate(sizes):
        own = (
            np.eye(size - 1, size, 1) - np.eye(size - 1, size)
            if place in chosen
            else np.full((1, size), 1.0 / size)
        )
        C = np.kron(own, C)
    return C
