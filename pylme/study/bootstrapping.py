"""The parametric bootstrap: a model fitted again to what is drawn from it at its estimates."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Literal

import numpy as np

from pylme.errors import OptionError
from pylme.lme4.model import RModel
from pylme.options import choice, whole_number
from pylme.results.arrays import read_only
from pylme.study.bootstrap import Bootstrap
from pylme.study.from_fit import simulator_of, specification_of
from pylme.study.record import record_of
from pylme.study.refits import Refits
from pylme.study.running import gathered
from pylme.study.seeds import seeds_of
from pylme.study.stacking import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pylme.frame import Rows
    from pylme.results.protocol import FittedModel
    from pylme.study.block import Block
    from pylme.study.collecting import Collect
    from pylme.study.parameters import Parameter
    from pylme.study.seeds import Seed

__all__ = ["RefitEngine", "bootstrapped"]

RefitEngine = Literal["lme4", "numpy"]


def bootstrapped(
    model: FittedModel,
    rows: Rows,
    n: int,
    *,
    seed: Seed,
    engine: RefitEngine | None,
    collect: Collect | None,
    n_jobs: int | None,
    progress: bool,
) -> Bootstrap:
    """The bootstrap of a fitted model.

    Parameters
    ----------
    model : FittedModel
    rows : Rows
        That it used.
    n, seed, engine, n_jobs, progress
        As for `Fit.bootstrap`.
    collect : callable or None
        The user's own statistic.

    Raises
    ------
    OptionError, NotAvailableError
        As `Fit.bootstrap`.
    """
    n = whole_number("n", n, least=2)
    if engine is not None:
        choice("engine", engine, RefitEngine)
    source = simulator_of(model, empirical=False, rng="numpy")
    used = engine or model.engine
    own = {} if collect is None else collect(model, rows)
    if collect is not None and not own:
        raise OptionError(
            option="statistic", value=collect.own, allowed="a function that gives a number or more"
        )
    record = record_of(model, seconds=0.0, verdict=None, collected=own)
    work = Refits(
        key=uuid.uuid4().hex,
        source=source,
        seeds=seeds_of(seed, rng=source.rng, n=n),
        spec=specification_of(model),
        engine=used,
        again=model if isinstance(model, RModel) and used == "lme4" else None,
        collect=collect,
    )
    shards = gathered(work, n, n_jobs=n_jobs, progress=progress, called="bootstrap")
    block = joined([part for parts in shards for part in parts])
    of_model = [p for p in record.parameters if p.effect in ("fixed", "ran_pars")]
    told = (
        of_model if collect is None else [p for p in record.parameters if p.effect == "collected"]
    )
    estimates = dict(zip(record.parameters, record.estimate.tolist(), strict=True))
    return Bootstrap(
        parameters=tuple(told),
        estimates=read_only([estimates[parameter] for parameter in told]),
        replicates=read_only(_columns(block, told)),
        of_model=read_only(_columns(block, of_model)),
        fits=block.fits_frame(),
        simulator=source,
        seeds=work.seeds,
        engine=used,
    )


def _columns(block: Block, parameters: Sequence[Parameter]) -> NDArray[np.float64]:
    """The estimates of some parameters, shape (n, P); NaN where no fit has one of them."""
    place = {parameter: i for i, parameter in enumerate(block.parameters)}
    columns = np.full((len(block.replicates), len(parameters)), np.nan)
    for i, parameter in enumerate(parameters):
        if parameter in place:
            columns[:, i] = block.estimate[:, place[parameter]]
    return columns
