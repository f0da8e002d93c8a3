"""The report of a campaign: a table by kind of model, one by kind of failure, every failure."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from .judgement import KINDS_OF_FAILURE
from .kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .trial import Trial

__all__ = ["markdown", "row"]


def row(trial: Trial) -> str:
    """A trial as a line of JSON."""
    return json.dumps(trial.plain(), default=lambda value: np.asarray(value, float).tolist())


def markdown(trials: Sequence[Trial], *, told: str) -> str:
    """The report."""
    failures = [(trial, failure) for trial in trials for failure in trial.failures]
    parts = [
        "# Campaign of random models",
        told,
        f"{len(trials)} models, {len({trial.seed for trial, _ in failures})} with a failure.",
        "## By kind of model",
        _table(_by_kind(trials)),
        "Excess: how far the NumPy engine's optimum, and the best point of the check of lme4's "
        "fit, lie above the best known, where that is finite and of moderate size. Evaluations: "
        "of one search by the NumPy engine, median and most.",
        "## By kind of failure",
        _table(_by_failure(trials)),
        "## Outcomes",
        _table(_outcomes(trials)),
        "## Every failure",
        _table(_every(trials)) if failures else "None.",
        "`python -m tests.campaign --only SEED` makes the model again and prints the Python lines "
        "that fit it.",
    ]
    return "\n\n".join(parts) + "\n"


def _table(rows: Iterable[Sequence[object]]) -> str:
    head, *body = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _by_kind(trials: Sequence[Trial]) -> Iterator[Sequence[object]]:
    yield ("kind", "models", "judged", "misses", "wrong verdicts or status", "errors",
           "worst excess", "of the check", "evaluations")  # fmt: skip
    groups = [(kind, [t for t in trials if t.kind == kind]) for kind in KINDS]
    for kind, group in [*groups, ("all", list(trials))]:
        if not group:
            continue
        judged = [t for t in group if t.truth and t.truth.moderate]
        count = Counter(failure.kind for trial in group for failure in trial.failures)
        errors = count["error"] + count["refused"] + count["not refused"]
        misses = count["miss"]
        others = count.total() - errors - misses - count["criterion"] - count["evaluations"]
        fits = [t.answers[0] for t in judged if t.answers[0].outcome == "fit"]
        evaluations = [fit.evaluations for fit in fits]
        excess = [t.excess["numpy"] for t in judged if "numpy" in t.excess]
        checked = [
            given.best - t.truth.criterion
            for t in judged
            for given in t.answers[1:]
            if given.outcome == "fit" and t.truth
        ]
        yield (
            kind, len(group), len(judged), misses, others, errors, _most(excess), _most(checked),
            f"{np.median(evaluations):.0f}, {max(evaluations):.0f}" if evaluations else "–",
        )  # fmt: skip


def _most(values: Sequence[float]) -> str:
    finite = [value for value in values if np.isfinite(value)]
    return f"{max(finite):.1e}" if finite else "–"


def _by_failure(trials: Sequence[Trial]) -> Iterator[Sequence[object]]:
    yield "failure", "NumPy fits", "lme4 fits", "meaning"
    count = Counter((f.kind, f.engine) for trial in trials for f in trial.failures)
    for kind, meaning in KINDS_OF_FAILURE.items():
        yield kind, count[kind, "numpy"], count[kind, "lme4"], meaning


def _outcomes(trials: Sequence[Trial]) -> Iterator[Sequence[object]]:
    yield "engine", "outcome", "status", "verdict", "models"
    count = Counter(
        (given.engine, given.outcome, given.status, given.verdict)
        for trial in trials
        for given in trial.answers
    )
    for key, number in sorted(count.items()):
        yield *key, number


def _every(trials: Sequence[Trial]) -> Iterator[Sequence[object]]:
    yield "failure", "engine", "seed", "kind", "formula", "found"
    found = [(f.kind, f.engine, t.seed, t.kind, t.formula, f.said)
             for t in trials for f in t.failures]  # fmt: skip
    places = {kind: place for place, kind in enumerate(KINDS_OF_FAILURE)}
    yield from sorted(found, key=lambda row: (places[row[0]], row[1:]))
