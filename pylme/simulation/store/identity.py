"""The identity of a study as a hash: the same data, models and seeds give the same hash.

The number of replicates is not part of it, so that a longer study continues a shorter one.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np

from pylme._version import __version__
from pylme.errors import OptionError
from pylme.frame import Factor, to_pandas
from pylme.results.engine import ENGINES
from pylme.simulation.draw.simulator import Simulator
from pylme.simulation.draw.sources import OwnFunction
from pylme.simulation.store.fingerprint import fingerprint
from pylme.simulation.store.schema import SCHEMA

if TYPE_CHECKING:
    from pylme.frame import Frame
    from pylme.simulation.estimate.models import StudyModel
    from pylme.simulation.workers.job import Job

__all__ = ["hash_of"]


def hash_of(job: Job, *, reference_blas: bool) -> str:
    """40 hexadecimal digits.

    Parameters
    ----------
    job : Job
    reference_blas : bool
        Whether R runs on the reference BLAS.

    Raises
    ------
    OptionError
        If a user's function holds values that cannot be compared.
    RUnavailableError
        If R is needed and not available.
    """
    described = {
        "schema": SCHEMA,
        "pylme": __version__,
        "R": (*sorted(_versions_of_r().items()), reference_blas) if _uses_r(job) else None,
        "source": _source(job.source),
        "seeds": (job.seeds.rng, job.seeds.entropy, job.seeds.spawn_key),
        "models": [
            (name, model.formula, model.reml, *_options(model))
            for name, model in job.models.items()
        ],
        "data": {name: _columns(spec.frame) for name, spec in job.specs().items()},
        "engine": job.engine,
        "check": job.check,
        "collect": None if job.collect is None else _own(job.collect.own, "collect"),
    }
    return str(joblib.hash(described, hash_name="sha1"))


def _uses_r(job: Job) -> bool:
    return ENGINES[job.engine].uses_r or job.seeds.rng == "R"


def _versions_of_r() -> dict[str, str]:
    from pylme.lme4.session import session

    return session().versions


def _own(function: Any, option: str) -> str:
    try:
        return fingerprint(function)
    except (TypeError, pickle.PicklingError, RecursionError) as error:
        raise OptionError(
            option=option,
            value=function,
            allowed="with `store` a function that holds no open files, generators or other objects "
            "that cannot be copied, because stored results are found by everything that the "
            f"function holds ({error})",
        ) from error


def _source(source: Any) -> Any:
    if isinstance(source, OwnFunction):
        return _own(source.function, "simulate")
    if not isinstance(source, Simulator):
        return repr(source)
    parts = [
        (
            part.design.X, part.design.x_names, part.design.weights, part.design.offset,
            [(t.label, t.names, t.levels, t.codes, t.columns) for t in part.design.terms],
            part.rows, part.beta, part.covariances, part.sigma,
        )
        for part in source.parts
    ]  # fmt: skip
    described = source.formula, source.response, source.empirical, source.rng, parts
    # Studies of linear models keep the names that they had before there were families.
    return described if source.family is None else (*described, source.family)


def _columns(frame: Frame) -> Any:
    """The columns that a model uses, as plain arrays, independent of the library of the table."""
    plain = [
        (name, type(column).__name__, column.codes, column.levels)
        if isinstance(column, Factor)
        else (name, type(column).__name__, column.values)
        for name, column in frame.columns.items()
    ]
    return plain, frame.kept


def _options(model: StudyModel) -> tuple[Any, ...]:
    """Options as plain values: arrays of any library as NumPy arrays."""
    given = [model.subset, model.weights, model.offset]
    plain = [v if v is None or isinstance(v, str) else np.asarray(v) for v in given]
    control = None if model.control is None else sorted(model.control.arguments().items(), key=str)
    codings = sorted((name, *_coding(coding)) for name, coding in model.contrasts.items())
    options = (*plain, codings, model.contrasts_for, control)
    if model.family is None:
        return options
    return (*options, model.family, model.link, model.n_agq)


def _coding(given: Any) -> tuple[Any, ...]:
    """Contrasts as plain values; the labels of a table are part of them."""
    table = to_pandas(given)
    if table is None:
        return (np.asarray(given),)
    return table.to_numpy(), list(table.index), list(table.columns)
