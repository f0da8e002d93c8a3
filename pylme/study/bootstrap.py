"""What a parametric bootstrap found: replicates of the estimates, and intervals from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.errors import OptionError
from pylme.options import choice, is_number
from pylme.render import LEFT, Rendered, Table
from pylme.results.convergence import Status
from pylme.study.acceleration import accelerations
from pylme.study.gradients import gradients_by_regression, gradients_of_parameters
from pylme.study.intervals import basic, bca, percentile
from pylme.study.parameters import Parameter
from pylme.study.seeds import Seeds
from pylme.study.simulator import Simulator

__all__ = ["Bootstrap"]

Method = Literal["percentile", "basic", "bca"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Bootstrap(Rendered):
    """A model's estimates, and those of the same model fitted to data drawn from it.

    Attributes
    ----------
    parameters : tuple of Parameter, length P
        Fixed effects, standard deviations and correlations of random effects, sigma; or the
        numbers of the user's own statistic.
    estimates : ndarray, shape (P,)
        Of the fit.
    replicates : ndarray, shape (n, P)
        NaN where a fit failed, and for a correlation beside a variance of zero.
    of_model : ndarray, shape (n, P')
        The same without a statistic; with one, the parameters of the model all the same.
    fits : DataFrame
        A row for each replicate: criterion, status, singularity, messages, seconds, error.
    simulator : Simulator
        The model at its estimates: ``simulator.draw(n, seed=seeds.entropy)`` gives the data again.
    seeds : Seeds
        What to pass as `seed` to have the same again: ``seeds.entropy``.
    engine : {"lme4", "numpy"}
        What fitted the replicates.
    """

    parameters: tuple[Parameter, ...]
    estimates: NDArray[np.float64]
    replicates: NDArray[np.float64]
    of_model: NDArray[np.float64]
    fits: pd.DataFrame
    simulator: Simulator
    seeds: Seeds
    engine: str

    def __len__(self) -> int:
        return len(self.replicates)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels of the parameters: ``Days``, ``sd__Days | Subject``, ``sigma``."""
        return tuple(parameter.label for parameter in self.parameters)

    @property
    def n_failed(self) -> int:
        """Replicates without a fit."""
        return len(self.failures)

    @property
    def n_converged(self) -> int:
        """Replicates with a fit that converged and is not singular."""
        return int((self.fits["status"] == Status.CONVERGED.value).sum())

    @property
    def n_singular(self) -> int:
        """Replicates whose covariance matrices have not full rank, which is no failure."""
        return int(self.fits["singular"].sum())

    @property
    def failures(self) -> pd.DataFrame:
        """The replicates without a fit, each with its error."""
        failed = self.fits["error"].notna()
        return self.fits.loc[failed, ["replicate", "error"]].reset_index(drop=True)

    @property
    def bias(self) -> pd.Series[float]:
        """The mean of the replicates less the estimate, by name."""
        return self._by_name(self._means() - self.estimates, "bias")

    @property
    def std_error(self) -> pd.Series[float]:
        """The standard deviation of the replicates, by name."""
        n = self._known()
        squares = np.nansum((self.replicates - self._means()) ** 2, axis=0)
        variances = np.full(len(n), np.nan)
        np.divide(squares, n - 1, out=variances, where=n > 1)
        return self._by_name(np.sqrt(variances), "std_error")

    def _means(self) -> NDArray[np.float64]:
        n = self._known()
        means = np.full(len(n), np.nan)
        np.divide(np.nansum(self.replicates, axis=0), n, out=means, where=n > 0)
        return means

    def _known(self) -> NDArray[np.intp]:
        """How many replicates of each parameter are numbers."""
        return np.asarray(np.count_nonzero(~np.isnan(self.replicates), axis=0))

    def _by_name(self, values: NDArray[np.float64], name: str) -> pd.Series[float]:
        return pd.Series(values, index=list(self.names), name=name)

    def to_frame(self) -> pd.DataFrame:
        """The replicates: a row for each, a column for each parameter."""
        index = pd.RangeIndex(len(self), name="replicate")
        return pd.DataFrame(self.replicates.copy(), index=index, columns=list(self.names))

    def summary(self) -> pd.DataFrame:
        """A row for each parameter.

        Columns: ``name``, ``estimate``, ``bias``, ``std_error``, and ``n``, how many of its
        replicates are numbers.
        """
        return pd.DataFrame(
            {
                "name": list(self.names),
                "estimate": self.estimates,
                "bias": self.bias.to_numpy(),
                "std_error": self.std_error.to_numpy(),
                "n": self._known(),
            }
        )

    def interval(self, level: float = 0.95, method: Method = "percentile") -> pd.DataFrame:
        """Confidence intervals.

        Parameters
        ----------
        level : float
        method : {"percentile", "basic", "bca"}
            Quantiles of the replicates; these reflected at the estimate; or with the quantiles
            moved to correct for bias and for a standard error that changes with the parameter.

        Returns
        -------
        DataFrame
            Columns ``name, estimate, low, high``. With "bca" NaN where no replicate lies below the
            estimate, or none above, and where the data do not identify the parameter.

        Raises
        ------
        OptionError
            If `level` is not between 0 and 1, or there is no such method.
        NotAvailableError
            With "bca", if several grouping factors have too many random effects together.
        """
        choice("method", method, Method)
        if not (is_number(level) and 0 < level < 1):
            raise OptionError(option="level", value=level, allowed="a number between 0 and 1")
        if method == "percentile":
            low, high = percentile(self.replicates, level)
        elif method == "basic":
            low, high = basic(self.replicates, self.estimates, level)
        else:
            low, high = bca(self.replicates, self.estimates, self.acceleration, level)
        return pd.DataFrame(
            {"name": list(self.names), "estimate": self.estimates, "low": low, "high": high}
        )

    @property
    def acceleration(self) -> NDArray[np.float64]:
        """The acceleration of the BCa interval of each parameter, shape (P,).

        A sixth of the skewness of the score in the direction of the parameter, from the model at
        its estimates; 0 for a fixed effect.
        """
        (part,) = self.simulator.parts
        if self.parameters[0].effect == "collected":
            sizes = [len(covariance) for covariance in part.covariances]
            gradients = gradients_by_regression(
                self.replicates, self.of_model, part.design.p, sizes
            )
        else:
            gradients = gradients_of_parameters(part.design.p, part.covariances)
        return accelerations(part, gradients)

    def describe(self) -> Table:
        """Estimates, biases, standard errors, and percentile intervals of level 0.95."""
        interval = self.interval()
        columns = {
            "Estimate": self.estimates,
            "Bias": self.bias.to_numpy(),
            "Std. Error": self.std_error.to_numpy(),
            "2.5 %": interval["low"].to_numpy(),
            "97.5 %": interval["high"].to_numpy(),
        }
        cells = [[f"{value:.4g}" for value in values] for values in columns.values()]
        return Table(
            columns=("Parameter", *columns),
            rows=tuple(zip(self.names, *cells, strict=True)),
            align=(LEFT, "right", "right", "right", "right", "right"),
            caption=f"Parametric bootstrap: {self.simulator.formula}",
            notes=(
                f"{len(self)} replicates fitted by {self.engine}: {self.n_converged} converged, "
                f"{self.n_singular} singular, {self.n_failed} failed.",
                "Intervals: percentile.",
            ),
        )

    def __repr__(self) -> str:
        return (
            f"<Bootstrap of {self.simulator.formula}: {len(self)} replicates by {self.engine}, "
            f"{self.n_failed} failed>"
        )
