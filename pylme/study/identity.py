"""What a study is, as a hash: the same data, models and seeds give the same one.

The number of replicates is no part of it, so that a longer study goes on from a shorter one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import joblib
import numpy as np

from pylme._version import __version__
from pylme.frame import Factor
from pylme.study.simulator import Simulator
from pylme.study.sources import OwnFunction

if TYPE_CHECKING:
    from pylme.frame import Frame
    from pylme.study.job import Job
    from pylme.study.models import StudyModel

__all__ = ["hash_of"]


def hash_of(job: Job) -> str:
    """40 hexadecimal digits."""
    described = {
        "pylme": __version__,
        "source": _source(job.source),
        "seeds": (job.seeds.rng, job.seeds.entropy, job.seeds.spawn_key),
        "models": [
            (name, model.formula, model.reml, *_options(model))
            for name, model in job.models.items()
        ],
        "data": {name: _columns(spec.frame) for name, spec in job.specs().items()},
        "engine": job.engine,
        "check": job.check,
        "collect": None if job.collect is None else OwnFunction(function=job.collect.own).source,
    }
    return str(joblib.hash(described, hash_name="sha1"))


def _source(source: Any) -> Any:
    if isinstance(source, OwnFunction):
        return source.source
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
    return source.formula, source.response, source.empirical, source.rng, parts


def _columns(frame: Frame) -> Any:
    """The columns that a model sees, as plain arrays: whatever library the table is of."""
    plain = [
        (name, type(column).__name__, column.codes, column.levels)
        if isinstance(column, Factor)
        else (name, type(column).__name__, column.values)
        for name, column in frame.columns.items()
    ]
    return plain, frame.kept


def _options(model: StudyModel) -> tuple[Any, ...]:
    """Options as plain values: an array given is one, whatever library it is of."""
    given = [model.subset, model.weights, model.offset]
    plain = [v if v is None or isinstance(v, str) else np.asarray(v) for v in given]
    control = None if model.control is None else sorted(model.control.arguments().items(), key=str)
    return *plain, sorted((k, np.asarray(v)) for k, v in model.contrasts.items()), control
