"""The profiles of a fit's parameters, as a record that users hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylme.frame import Library, to_native
from pylme.inference.confidence_intervals import ParameterNames, interval_table
from pylme.inference.profile_likelihood.curve import Curve, curve_of
from pylme.inference.profile_likelihood.parameters import ProfiledParameter, chosen
from pylme.options import choice
from pylme.render import LEFT, Rendered, Table
from pylme.results.tables.tidying import half_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.inference.profile_likelihood.likelihood import ProfiledLikelihood

__all__ = ["Profile", "profile"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Profile(Rendered):
    """The profile likelihood of some parameters of a mixed model.

    The profile of a parameter is ζ = ±√(D - D̂): D is the deviance with the parameter fixed,
    minimised over all others, D̂ its minimum. If the estimate were normally distributed, ζ would be
    a straight line in the parameter.

    Attributes
    ----------
    curves : tuple of Curve
        One for each parameter.
    parameters : tuple of ProfiledParameter
        All parameters of the model.
    conf_level : float
        The level of the intervals to whose ends the curves reach.
    reml : bool
        Whether the restricted likelihood is profiled.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which frames are returned.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> profile = fit.profile("Days")
    >>> round(profile.curves[0].quantile(0.0), 3)
    10.467
    """

    curves: tuple[Curve, ...]
    parameters: tuple[ProfiledParameter, ...]
    conf_level: float
    reml: bool
    library: Library = "pandas"

    def of(self, parameters: str | Sequence[str] | None) -> Profile:
        """The profile of some of its parameters.

        Parameters
        ----------
        parameters : str or sequence of str, optional
            As for `Fit.confint`.
        """
        wanted = chosen([curve.parameter for curve in self.curves], parameters)
        kept = tuple(curve for curve in self.curves if curve.parameter in wanted)
        return replace(self, curves=kept)

    def to_frame(self, *, names: ParameterNames = "pylme") -> Any:
        """The points of all curves.

        Parameters
        ----------
        names : {"pylme", "lme4"}
            "lme4" gives the columns of lme4's ``as.data.frame(profile(fit))``.

        Returns
        -------
        DataFrame
            ``parameter``, ``zeta``, and a column for each parameter of the model with its value
            there: at the minimum of the deviance with the parameter of that row fixed.
        """
        names = choice("names", names, ParameterNames)
        return to_native(self._rows(names), self.library)

    def _rows(self, names: ParameterNames) -> pd.DataFrame:
        made = []
        for curve in self.curves:
            frame = pd.DataFrame(curve.others)
            frame.insert(0, "zeta", curve.zeta)
            frame.insert(0, "parameter", curve.parameter.label)
            made.append(frame)
        rows = pd.concat(made, ignore_index=True)
        rows.columns = pd.Index(["parameter", "zeta", *(one.label for one in self.parameters)])
        if names == "pylme":
            return rows
        labels = {one.label: one.lme4 for one in self.parameters}
        order = sorted(self.parameters, key=lambda one: one.kind == "fixed")
        lme4 = rows[["zeta", *(one.label for one in order), "parameter"]].copy()
        lme4.columns = pd.Index([".zeta", *(one.lme4 for one in order), ".par"])
        lme4[".par"] = [labels[label] for label in lme4[".par"]]
        lme4[".focal"] = np.concatenate([curve.value for curve in self.curves])
        return lme4

    def confint(self, conf_level: float = 0.95, *, names: ParameterNames = "pylme") -> Any:
        """Intervals, read from the curves.

        `Fit.confint` computes the ends themselves.

        Parameters
        ----------
        conf_level : float
            No more than that of the curves.
        names : {"pylme", "lme4"}

        Returns
        -------
        DataFrame
            As `Fit.confint`; the estimates are where the profiled likelihood is greatest.
        """
        names = choice("names", names, ParameterNames)
        reach = half_width(conf_level)
        ends = [[curve.quantile(-reach), curve.quantile(reach)] for curve in self.curves]
        estimates = [curve.value[curve.zeta == 0.0][0] for curve in self.curves]
        frame = interval_table(
            [curve.parameter for curve in self.curves],
            np.array(estimates),
            np.array(ends).reshape(len(ends), 2),
            names,
        )
        return to_native(frame, self.library)

    def describe(self) -> Table:
        """Estimates and 95 % intervals."""
        reach = half_width(0.95)
        return Table(
            columns=("parameter", "estimate", "2.5 %", "97.5 %"),
            rows=tuple(
                (
                    curve.parameter.label,
                    f"{curve.value[curve.zeta == 0.0][0]:.4f}",
                    f"{curve.quantile(-reach):.4f}",
                    f"{curve.quantile(reach):.4f}",
                )
                for curve in self.curves
            ),
            align=(LEFT, "right", "right", "right"),
            caption="Profile of the " + "restricted " * self.reml + "likelihood",
        )

    def __repr__(self) -> str:
        return f"<Profile of {', '.join(curve.parameter.label for curve in self.curves)}>"


def profile(
    likelihood: ProfiledLikelihood[Any, Any],
    parameters: Sequence[ProfiledParameter],
    wanted: Sequence[ProfiledParameter],
    *,
    conf_level: float,
    reml: bool,
    library: Library = "pandas",
) -> Profile:
    """Profile some parameters of a mixed model.

    Parameters
    ----------
    likelihood : ProfiledLikelihood
    parameters : sequence of ProfiledParameter
        All of them.
    wanted : sequence of ProfiledParameter
    conf_level : float
    reml : bool
    library : {"pandas", "polars", "pyarrow"}
    """
    reach = half_width(conf_level)
    return Profile(
        curves=tuple(curve_of(likelihood, parameter, reach) for parameter in wanted),
        parameters=tuple(parameters),
        conf_level=conf_level,
        reml=reml,
        library=library,
    )
