"""The study that pylme grew from: two sectors of schools, the models, and the answer in words.

Intercepts and slopes are correlated differently in the sectors. Each has twenty schools, with ses
from 1 to 10; intercepts have the standard deviation 2, slopes 1, errors 2; the correlation is 0.4
in sector 0 and -0.4 in sector 1, exactly so in the schools drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from pylme.by_group.group_specific import group_specific
from pylme.render import LEFT, Document, Paragraph, Prose, Rendered, Table
from pylme.render.text import to_text, wrapped
from pylme.simulation.draw.grid import expand_grid
from pylme.simulation.draw.specification import simulator
from pylme.simulation.estimate.models import StudyModel
from pylme.simulation.outcome.result import StudyResult
from pylme.simulation.outcome.summary import mean_and_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pylme.options import Rng
    from pylme.simulation.draw.simulator import Simulator

__all__ = [
    "CORRELATIONS",
    "LABELS",
    "SECTORS",
    "Candidate",
    "SectorCorrelation",
    "answers",
    "candidates",
    "sectors",
]

Candidate = Literal["separate", "combined", "two dummies", "two blocks"]

SECTORS: Final = ("0", "1")
CORRELATIONS: Final = {"0": 0.4, "1": -0.4}
_WITHIN: Final = "Y ~ ses + (ses | sch.id)"

_ALL: Final = "all"
_ORIGINAL: Final = "all 3 fits converged"
_OWN: Final = "converged"
#: The means published in 2020, from an lme4 older than any that is supported here.
_PUBLISHED: Final[dict[tuple[str, str], tuple[float, float]]] = {
    ("separate", _ORIGINAL): (0.4355072, -0.4015803),
    ("combined", _ORIGINAL): (0.4320562, -0.4039854),
}


def _dummy(sector: str) -> str:
    return f'dummy(sector, "{sector}")'


#: Where each candidate has the correlation of a sector: the model, and the parameter's label.
LABELS: Final[dict[Candidate, dict[str, tuple[str, str]]]] = {
    "separate": {s: (f"separate {s}", "cor__(Intercept).ses | sch.id") for s in SECTORS},
    "combined": {s: ("combined", f"cor__(Intercept).ses:sector{s} | sch.id") for s in SECTORS},
    "two dummies": {
        s: ("two dummies", f"cor__(Intercept).{_dummy(s)}:ses | {block}")
        for s, block in zip(SECTORS, ("sch.id", "sch.id.1"), strict=True)
    },
    "two blocks": {
        s: ("two blocks", f"cor__{_dummy(s)}.{_dummy(s)}:ses | {block}")
        for s, block in zip(SECTORS, ("sch.id", "sch.id.1"), strict=True)
    },
}


def sectors(rng: Rng) -> Simulator:
    """What draws the schools: sector 0 first, in each the effects and then the errors."""
    return simulator(
        _WITHIN, _grid(), by="sector", sigma=2, empirical=True, rng=rng,
        beta={"0": [1, 2], "1": [1, 3]},
        covariances={s: {"sd": [2, 1], "corr": CORRELATIONS[s]} for s in SECTORS},
    )  # fmt: skip


def candidates(wanted: tuple[Candidate, ...]) -> dict[str, StudyModel]:
    """The models of some candidates; separate fits are two."""
    models: dict[str, StudyModel] = {}
    grid = _grid()
    if "separate" in wanted:
        for sector in SECTORS:
            rows = (grid["sector"] == sector).to_numpy()
            models[f"separate {sector}"] = StudyModel(formula=_WITHIN, subset=rows)
    dummies = " + ".join(f"({_dummy(sector)}:ses | sch.id)" for sector in SECTORS)
    parts = {
        "combined": "(ses:sector | sch.id)",
        "two dummies": dummies,
        "two blocks": group_specific("ses", group="sch.id", by="sector", data=grid),
    }
    for name, random in parts.items():
        if name in wanted:
            models[name] = StudyModel(formula=f"Y ~ ses * sector + {random}")
    return models


def _grid() -> pd.DataFrame:
    """Schools fastest, as the loop in R has them: the errors are drawn in this order."""
    grid = expand_grid(school=range(1, 21), ses=range(1, 11), sector=list(SECTORS))
    grid["sch.id"] = grid["school"] + 20 * (grid["sector"] == "1")
    return grid.drop(columns="school")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SectorCorrelation(Rendered):
    """The answer to the question, as a table and in words.

    Attributes
    ----------
    study : StudyResult
        All fits.
    candidates : tuple of str
    note : str
        What is to be known of how it was run.
    """

    study: StudyResult
    candidates: tuple[Candidate, ...]
    note: str

    @cached_property
    def table(self) -> pd.DataFrame:
        """The mean estimates of both correlations.

        Columns: ``model``, ``over`` (which replicates), ``n``, and for each sector ``mean_0``,
        ``std_error_0`` (Monte Carlo), ``published_0``, and so for sector 1. What counts as
        converged is convergence code 1.
        """
        return pd.DataFrame(list(self._lines()))

    def _lines(self) -> Iterator[dict[str, Any]]:
        codes = self._converged
        original = [name for name in self.candidates if name in ("separate", "combined")]
        all_of_original = np.ones(self.study.n, dtype=bool)
        for one in original:
            all_of_original &= codes[one]
        for name in self.candidates:
            estimates = {s: self._estimates(name, s) for s in SECTORS}
            sets: dict[str, NDArray[np.bool_]] = {
                _ALL: np.ones(self.study.n, dtype=bool), _OWN: codes[name]
            }  # fmt: skip
            if name in original and len(original) > 1:
                sets = {_ALL: sets[_ALL], _ORIGINAL: all_of_original}
            for over, kept in sets.items():
                line: dict[str, Any] = {"model": name, "over": over, "n": int(kept.sum())}
                published = _PUBLISHED.get((name, over), (np.nan, np.nan))
                for sector, value in zip(SECTORS, published, strict=True):
                    mean, error = mean_and_error(estimates[sector][kept])
                    line[f"mean_{sector}"] = mean
                    line[f"std_error_{sector}"] = error
                    line[f"published_{sector}"] = value
                yield line

    def _estimates(self, name: Candidate, sector: str) -> NDArray[np.float64]:
        model, label = LABELS[name][sector]
        return self.study.estimates(label)[model].to_numpy()

    @cached_property
    def _converged(self) -> dict[str, NDArray[np.bool_]]:
        """Where all fits of a candidate have convergence code 1."""
        by_model = dict(zip(self.study.models, self.study.converged("code").T, strict=True))
        return {
            name: np.logical_and.reduce([by_model[model] for model, _ in LABELS[name].values()])
            for name in self.candidates
        }

    def explain(self) -> str:
        """What each model gets right, in words."""
        return to_text(Prose(self._answers()))

    def _answers(self) -> tuple[Paragraph, ...]:
        return answers(
            self.candidates, {n: int(k.sum()) for n, k in self._converged.items()}, self.study.n
        )

    def describe(self) -> Document:
        """The table, the published means beside it, and the words."""
        shown = self.table
        published = bool(shown["published_0"].notna().any())
        columns = ["model", "over", "n", *(f"sector {s}" for s in SECTORS)]
        columns += [f"published {s}" for s in SECTORS] if published else []
        rows = []
        for line in shown.to_dict("records"):
            row = [line["model"], line["over"], str(line["n"])]
            values = [line[f"mean_{s}"] for s in SECTORS]
            values += [line[f"published_{s}"] for s in SECTORS] if published else []
            row += ["" if np.isnan(value) else f"{value:.4f}" for value in values]
            rows.append(tuple(row))
        errors = shown[[f"std_error_{s}" for s in SECTORS]].to_numpy()
        truth = " and ".join(f"{r:g}" for r in CORRELATIONS.values())
        table = Table(
            columns=tuple(columns),
            rows=tuple(rows),
            align=tuple(LEFT if name in ("model", "over") else "right" for name in columns),
            caption=f"Mean estimates of the correlations {truth}, in {self.study.n} replicates",
            notes=(f"Monte Carlo standard errors: at most {np.nanmax(errors):.2g}.", self.note),
        )
        return Document(title="Correlations by sector", blocks=(table, Prose(self._answers())))

    def __repr__(self) -> str:
        names = ", ".join(self.candidates)
        return f"<SectorCorrelation: {self.study.n} replicates by {self.study.engine}; {names}>"


_WORDS: Final = {
    "separate": "A fit for each sector. Right, and the standard for the others; but the sectors "
    "cannot be compared within one model, and each has a separate residual variance.",
    "combined": "(ses:sector | sch.id). Right about both correlations, though lme4 calls most fits "
    "failures: it has a third correlation, between the slopes of the two sectors, and no school "
    "has both. The criterion is flat in it, so that lme4 finds a degenerate Hessian or a gradient "
    "that is not zero. In this model the sectors differ in their slopes, but have the same "
    "standard deviation of intercepts.",
    "two dummies": '(dummy(sector, "0"):ses | sch.id) + (dummy(sector, "1"):ses | sch.id). Wrong: '
    "both terms have an intercept for every school, so that a school's intercept is the sum of "
    "two, of which only one is correlated with its slope. The covariance is right, but it is "
    "divided by only a part of the variance: the correlations are too large. Only the sum of the "
    "two variances of intercepts is identified.",
    "two blocks": '(0 + dummy(sector, "0") + dummy(sector, "0"):ses | sch.id) and the same for '
    "sector 1. Right: it is the separate fits in one model, with separate standard deviations "
    "for each sector and one residual variance; all its parameters are identified. "
    "pylme.group_specific() writes it.",
}


def answers(
    candidates: Sequence[str], converged: Mapping[str, int], n: int
) -> tuple[Paragraph, ...]:
    """A paragraph for each candidate.

    Parameters
    ----------
    candidates : sequence of str
    converged : mapping of str to int
        In how many replicates all fits have convergence code 1.
    n : int
        Replicates.
    """
    texts = [
        f"{name}: {_WORDS[name]} Converged in {converged[name]} of {n}." for name in candidates
    ]
    return tuple(
        Paragraph(text, lines=tuple(wrapped(text, "  ", first="").split("\n"))) for text in texts
    )
