"""The parametric bootstrap of a fit: how its estimates vary where it is true."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.design.matrices import Design
from pylme.errors import NotAvailableError
from pylme.options import choice, whole_number
from pylme.render import LEFT, Rendered, Table
from pylme.results.tidying import half_width
from pylme.study.from_fit import simulator_of
from pylme.study.jackknife import influences
from pylme.study.quantiles import IntervalKind, interval
from pylme.study.record import record_of
from pylme.study.refits import Refits
from pylme.study.running import run
from pylme.study.seeds import Seeds, seeds_of

if TYPE_CHECKING:
    from pylme.results.protocol import FittedModel
    from pylme.study.collecting import Collect
    from pylme.study.seeds import Seed

__all__ = ["Bootstrap", "bootstrap"]

Engine = Literal["lme4", "numpy"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Bootstrap(Rendered):
    """Estimates of a model fitted to responses that were drawn from it.

    Attributes
    ----------
    estimates : Series
        Those of the fit, by the label of the parameter.
    replicates : DataFrame
        Those of the replicates: a row for each, NaN where its fit failed.
    fits : DataFrame
        Of each replicate: criterion, status, messages, seconds, error.
    engine : str
        What fitted the replicates.
    seeds : Seeds
        What to pass as `seed` to have the same again: ``seeds.entropy``.
    design : Design
    y : ndarray, shape (n,)
    reml : bool
        What was fitted, for the jackknife that BCa intervals need.
    """

    estimates: pd.Series[float]
    replicates: pd.DataFrame
    fits: pd.DataFrame
    engine: str
    seeds: Seeds
    design: Design
    y: NDArray[np.float64]
    reml: bool

    @cached_property
    def _influences(self) -> NDArray[np.float64]:
        return influences(self.design, self.y, reml=self.reml)

    @property
    def std_error(self) -> pd.Series[float]:
        """Standard deviations of the replicates, by parameter."""
        return self.replicates.std().rename("std_error")

    @property
    def bias(self) -> pd.Series[float]:
        """Means of the replicates less the estimates, by parameter."""
        return (self.replicates.mean() - self.estimates).rename("bias")

    def intervals(self, kind: IntervalKind = "percentile", *, level: float = 0.95) -> pd.DataFrame:
        """Intervals of all parameters.

        Parameters
        ----------
        kind : {"percentile", "basic", "bca"}
            Quantiles of the replicates; the same turned round the estimate; or bias-corrected and
            accelerated, with the acceleration from a jackknife over the groups of the factor with
            the fewest levels. BCa is NaN for a number that is no parameter of the model, and where
            all replicates lie on one side of the estimate.
        level : float

        Returns
        -------
        DataFrame
            ``estimate``, ``low``, ``high`` by parameter.

        Raises
        ------
        OptionError
            If there is no such kind, or the level is not between 0 and 1.
        """
        choice("kind", kind, IntervalKind)
        half_width(level)
        known = self._influences if kind == "bca" else np.empty((0, 0))
        ends = [
            interval(
                kind, self.replicates[name], float(estimate), level=level,
                influences=known[:, i] if i < known.shape[1] else None,
            )
            for i, (name, estimate) in enumerate(self.estimates.items())
        ]  # fmt: skip
        low, high = np.array(ends).reshape(-1, 2).T
        frame = {"estimate": self.estimates.to_numpy(), "low": low, "high": high}
        return pd.DataFrame(frame, index=self.estimates.index)

    def describe(self) -> Table:
        """Estimates, biases, standard errors and percentile intervals."""
        ends = self.intervals()
        columns = [self.estimates, self.bias, self.std_error, ends["low"], ends["high"]]
        failed = int(self.fits["error"].notna().sum())
        singular = int(self.fits["singular"].fillna(value=False).sum())
        return Table(
            columns=("parameter", "estimate", "bias", "std. error", "2.5 %", "97.5 %"),
            rows=tuple(
                (str(name), *(f"{column[name]:.4f}" for column in columns))
                for name in self.estimates.index
            ),
            align=(LEFT, *["right"] * 5),  # type: ignore[arg-type]
            caption=f"Parametric bootstrap: {len(self.replicates)} replicates by {self.engine}",
            notes=(f"{failed} fits failed, {singular} are singular.",),
        )

    def __repr__(self) -> str:
        return f"<Bootstrap: {len(self.replicates)} replicates by {self.engine}>"


def bootstrap(
    model: FittedModel,
    n: int,
    *,
    seed: Seed,
    engine: Engine | None,
    n_jobs: int | None,
    collect: Collect | None,
    progress: bool,
) -> Bootstrap:
    """The parametric bootstrap of a model; see ``Fit.bootstrap``."""
    n = whole_number("n", n, least=1)
    chosen = model.engine if engine is None else choice("engine", engine, Engine)
    source = simulator_of(model, empirical=False, rng="numpy")
    spec = model.spec
    if spec is None:
        raise NotAvailableError(
            asked="Fitting a model again", found="there are no data", remedy="Fit the model first."
        )
    seeds = seeds_of(seed, rng="numpy", n=n)
    work = Refits(
        key=uuid.uuid4().hex, source=source, seeds=seeds, model=model, spec=spec, engine=chosen,
        collect=collect,
    )  # fmt: skip
    rows = run(work, n, n_jobs=n_jobs, progress=progress, store=None, reference_blas=False)
    own = {} if collect is None else collect(model, spec.frame.rows)
    record = record_of(model, seconds=0.0, verdict=None, collected=own)
    labels = [parameter.label for parameter in record.parameters]
    made = rows[rows["parameter"].notna()]
    wide = made.pivot_table(index="replicate", columns="parameter", values="estimate", sort=False)
    first = rows[~rows.duplicated("replicate")]
    (part,) = source.parts
    return Bootstrap(
        estimates=pd.Series(record.estimate, index=labels, name="estimate"),
        replicates=wide.reindex(index=range(n), columns=labels),
        fits=first[["criterion", "status", "code", "singular", "messages", "seconds", "error"]]
        .reset_index(drop=True),
        engine=chosen,
        seeds=seeds,
        design=part.design,
        y=part.design.y,
        reml=spec.reml,
    )  # fmt: skip
