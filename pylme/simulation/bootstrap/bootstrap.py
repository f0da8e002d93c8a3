"""The parametric bootstrap of a fit: how its estimates vary if the fitted model is true."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pylme.draws.seeds import Seeds, seeds_of
from pylme.errors import MissingPackageError, NotAvailableError
from pylme.frame import to_native
from pylme.inference.bootstrap_interval import IntervalKind, interval
from pylme.options import choice, true_or_false, whole_number, workers
from pylme.render import LEFT, RenderedTable, Table
from pylme.results.convergence import Status
from pylme.results.engine import choose
from pylme.results.tables.tidying import half_width
from pylme.simulation.bootstrap.acceleration import (
    accelerations,
    gradients_by_regression,
    gradients_of_parameters,
)
from pylme.simulation.bootstrap.refits import Refits
from pylme.simulation.draw.simulator import Simulator
from pylme.simulation.draw.specification import simulator_of
from pylme.simulation.estimate.block import joined
from pylme.simulation.estimate.record import record_of
from pylme.simulation.workers.running import blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray
    from xarray import Dataset

    from pylme.draws.seeds import Seed
    from pylme.frame import Library
    from pylme.options import Engine
    from pylme.results.engine import FitRequest
    from pylme.results.fitted_model import FittedModel
    from pylme.simulation.estimate.record import Collect

__all__ = ["Bootstrap", "bootstrap"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Bootstrap(RenderedTable):
    """Estimates of a model refitted to responses drawn from it.

    Attributes
    ----------
    estimates : Series
        The estimates of the fit, by the label of the parameter: fixed effects, standard deviations
        and correlations of random effects, sigma, and the numbers of the user's own statistic.
    engine : str
        The engine that fitted the replicates.
    simulator : Simulator
        The model at its estimates: ``simulator.draw(n, seed=seeds.entropy)`` draws the data again.
    seeds : Seeds
        ``seeds.entropy``, passed as `seed`, gives the same replicates again.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy")
    >>> boot = fit.bootstrap(20, seed=1)
    >>> boot
    <Bootstrap: 20 replicates by numpy, 0 failed>
    >>> boot.std_error.index[:2].tolist()
    ['(Intercept)', 'Days']
    """

    estimates: pd.Series[float]
    engine: str
    simulator: Simulator
    seeds: Seeds
    _replicates: pd.DataFrame
    _fits: pd.DataFrame

    def __len__(self) -> int:
        return len(self._replicates)

    @property
    def replicates(self) -> Any:
        """The estimates of the replicates: a row for each, a column for each parameter.

        NaN where a fit failed, and for a correlation beside a variance of zero. A frame in the
        library of the data.
        """
        return self._native(self._replicates)

    @property
    def fits(self) -> Any:
        """A row for each replicate: criterion, status, singularity, messages, seconds, error.

        A frame in the library of the data.
        """
        return self._native(self._fits)

    def _native(self, frame: pd.DataFrame) -> Any:
        library = self.simulator.library
        if library != "pandas":
            # A covariate may be called sigma; other libraries want names that differ.
            frame = frame.set_axis(_distinct(frame.columns), axis=1)
        return to_native(frame, library)

    @property
    def n_failed(self) -> int:
        """Replicates without a fit."""
        return int(self._fits["error"].notna().sum())

    @property
    def n_converged(self) -> int:
        """Replicates whose fit converged and is not singular."""
        return int((self._fits["status"] == Status.CONVERGED.value).sum())

    @property
    def n_singular(self) -> int:
        """Replicates whose fit is singular, which is not a failure."""
        return int(self._fits["singular"].sum())

    @property
    def failures(self) -> Any:
        """The replicates without a fit, each with its error, in the library of the data."""
        failed = self._fits["error"].notna()
        failures = self._fits.loc[failed, ["replicate", "error"]]
        return self._native(failures.reset_index(drop=True))

    @property
    def std_error(self) -> pd.Series[float]:
        """Standard deviations of the replicates, by parameter."""
        return self._replicates.std().rename("std_error")

    @property
    def bias(self) -> pd.Series[float]:
        """Means of the replicates less the estimates, by parameter."""
        values = self._replicates.mean().to_numpy() - self.estimates.to_numpy()
        return pd.Series(values, index=self.estimates.index, name="bias")

    def to_frame(self) -> Any:
        """By parameter ``estimate``, ``bias``, ``std_error``, and ``n``, its replicates.

        In the library of the data. Where that has no row labels, the first column, ``parameter``,
        has the labels.
        """
        return self._native(self._table().rename_axis(index="parameter"))

    def to_xarray(self) -> Dataset:
        """The replicates in the form of draws from a posterior, as arviz reads it.

        Returns
        -------
        Dataset
            Of xarray: a variable for each parameter, with the dimensions ``chain`` (one) and
            ``draw``, the number of the replicate; replicates without a fit are left out. The
            estimates of the fit are attributes of the variables. These are draws from the
            distribution of the estimator, not from a posterior: they are independent, so that an
            effective sample size tells nothing.

        Raises
        ------
        MissingPackageError
            If xarray is not installed; the extra ``[xarray]`` includes it.

        Examples
        --------
        >>> import pylme
        >>> fit = pylme.lmer(
        ...     "Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"), engine="numpy"
        ... )
        >>> draws = fit.bootstrap(20, seed=1).to_xarray()
        >>> dict(draws.sizes)
        {'chain': 1, 'draw': 20}
        """
        try:
            import xarray
        except ImportError as error:
            raise MissingPackageError(
                package="xarray", extra="xarray", asked="Reading replicates as draws"
            ) from error
        fitted = self._fits["error"].isna().to_numpy()
        kept = self._replicates.to_numpy()[fitted]
        names = _distinct(self._replicates.columns)
        return xarray.Dataset(
            {
                name: (("chain", "draw"), kept[None, :, i], {"estimate": float(estimate)})
                for i, (name, estimate) in enumerate(
                    zip(names, self.estimates.to_numpy(), strict=True)
                )
            },
            coords={"chain": [0], "draw": np.flatnonzero(fitted)},
            attrs={"formula": self.simulator.formula, "engine": self.engine},
        )

    def _table(self) -> pd.DataFrame:
        return self._by_parameter(
            {
                "estimate": self.estimates.to_numpy(),
                "bias": self.bias.to_numpy(),
                "std_error": self.std_error.to_numpy(),
                "n": self._replicates.count().to_numpy(),
            }
        )

    def intervals(self, kind: IntervalKind = "percentile", *, conf_level: float = 0.95) -> Any:
        """Intervals of all parameters.

        Parameters
        ----------
        kind : {"percentile", "basic", "bca"}
            Quantiles of the replicates; quantiles reflected at the estimate; or bias-corrected
            and accelerated. BCa intervals are NaN where all replicates lie on one side of the
            estimate, and where the data do not identify the parameter.
        conf_level : float

        Returns
        -------
        DataFrame
            ``estimate``, ``conf_low``, ``conf_high`` by parameter, in the library of the data.

        Raises
        ------
        OptionError
            If the kind does not exist, or the level is not between 0 and 1.
        NotAvailableError
            With "bca", of a generalized model, and if several grouping factors have too many
            random effects together.
        """
        frame = self._intervals(kind, conf_level).rename_axis(index="parameter")
        return self._native(frame)

    def _intervals(self, kind: IntervalKind, conf_level: float) -> pd.DataFrame:
        low, high = self.ends(kind, conf_level=conf_level).T
        return self._by_parameter(
            {"estimate": self.estimates.to_numpy(), "conf_low": low, "conf_high": high}
        )

    def ends(self, kind: IntervalKind, *, conf_level: float) -> NDArray[np.float64]:
        """The ends of the intervals of all parameters.

        Parameters
        ----------
        kind, conf_level
            As for `intervals`.

        Returns
        -------
        ndarray, shape (P, 2)
        """
        choice("kind", kind, IntervalKind)
        half_width(conf_level)
        known = self.acceleration if kind == "bca" else self.estimates
        estimates = self.estimates.to_numpy()
        ends = [
            interval(kind, replicates, estimate, conf_level=conf_level, acceleration=a)
            for replicates, estimate, a in zip(
                self._replicates.to_numpy().T, estimates.tolist(), known, strict=True
            )
        ]
        return np.array(ends).reshape(len(ends), 2)

    @property
    def acceleration(self) -> pd.Series[float]:
        """The accelerations of BCa intervals, by parameter.

        A sixth of the skewness of the score in the direction of the parameter, by the model at its
        estimates; 0 for a fixed effect.

        Raises
        ------
        NotAvailableError
            If the model is a generalized one.

        References
        ----------
        Efron (1987), Better bootstrap confidence intervals, JASA 82, 171-185.
        """
        (part,) = self.simulator.parts
        if part.family is not None:
            raise NotAvailableError(
                asked="Computing the acceleration of BCa intervals",
                found="it comes from the score of a linear mixed model, and this is a generalized "
                "one",
                remedy='Ask for intervals of kind "percentile" or "basic".',
            )
        p, covariances = part.design.p, part.covariances
        structures = [term.structure for term in part.design.terms]
        gradients = gradients_of_parameters(p, covariances, structures)
        numbers = self._replicates.to_numpy()
        of_model, own = np.split(numbers, [len(gradients)], axis=1)
        if own.shape[1]:
            regressed = gradients_by_regression(own, of_model, p, structures)
            gradients = np.vstack([gradients, regressed])
        values = accelerations(part, gradients)
        return pd.Series(values, index=self.estimates.index, name="acceleration")

    def describe(self) -> Table:
        """Estimates, biases, standard errors and percentile intervals."""
        numbers = self._table().drop(columns="n").to_numpy()
        ends = self._intervals("percentile", 0.95)[["conf_low", "conf_high"]].to_numpy()
        return Table(
            columns=("parameter", "estimate", "bias", "std. error", "2.5 %", "97.5 %"),
            rows=tuple(
                (str(name), *(f"{number:.4f}" for number in row))
                for name, row in zip(self.estimates.index, np.hstack([numbers, ends]), strict=True)
            ),
            align=(LEFT, "right", "right", "right", "right", "right"),
            caption=f"Parametric bootstrap: {len(self)} replicates by {self.engine}",
            notes=(f"{self.n_failed} fits failed, {self.n_singular} are singular.",),
        )

    def _by_parameter(self, columns: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
        # By position: a covariate may be called sigma.
        return pd.DataFrame(columns, index=self.estimates.index)

    def __repr__(self) -> str:
        return f"<Bootstrap: {len(self)} replicates by {self.engine}, {self.n_failed} failed>"


def _distinct(names: Iterable[str]) -> list[str]:
    """The names, each that occurred before with dots behind it."""
    found: dict[str, None] = {}
    for name in names:
        own = name
        while own in found:
            own += "."
        found[own] = None
    return list(found)


def bootstrap(
    model: FittedModel,
    request: FitRequest,
    n: int,
    *,
    seed: Seed,
    engine: Engine | None,
    n_jobs: int | None,
    collect: Collect | None,
    progress: bool,
    library: Library,
) -> Bootstrap:
    """The parametric bootstrap of a model; see ``Fit.bootstrap``."""
    n = whole_number("n", n, least=1)
    n_jobs, progress = workers("n_jobs", n_jobs), true_or_false("progress", progress)
    chosen = model.engine if engine is None else choose(engine, request.function)
    work = Refits(
        key=uuid.uuid4().hex,
        source=simulator_of(model, empirical=False, rng="numpy", library=library),
        seeds=seeds_of(seed, rng="numpy", n=n),
        model=model,
        request=request,
        engine=chosen,
        collect=collect,
    )
    own = {} if collect is None else collect(model)
    record = record_of(model, seconds=0.0, verdict=None, collected=own)
    # Theta is determined by the standard deviations and correlations.
    shown = [i for i, parameter in enumerate(record.parameters) if parameter.effect != "theta"]
    labels = [record.parameters[i].label for i in shown]
    block = joined(blocks(work, n, n_jobs=n_jobs, progress=progress))
    place = {parameter: i for i, parameter in enumerate(block.parameters)}
    columns = [place.get(record.parameters[i], -1) for i in shown]
    # A parameter that no replicate has is read from the last column, NaN.
    found = np.hstack([block.estimate, np.full((n, 1), np.nan)])[:, columns]
    return Bootstrap(
        estimates=pd.Series(record.estimate[shown], index=labels, name="estimate"),
        _replicates=pd.DataFrame(found, columns=labels).rename_axis(index="replicate"),
        _fits=block.fits_frame(),
        engine=chosen,
        simulator=work.source,
        seeds=work.seeds,
    )
