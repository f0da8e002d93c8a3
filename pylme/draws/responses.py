"""Responses drawn from a linear mixed model: y = Xβ + offset + Zb + ε, by NumPy or by R."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.draws.normal import draw_with_numpy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.draws.parts import Part, Step
    from pylme.draws.seeds import Seeds

__all__ = ["DrawnResponses", "draw_responses"]

Numbers = list[NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnResponses:
    """Replicates of a response, with the random effects and errors that they are made of.

    Attributes
    ----------
    y, errors : ndarray, shape (replicates, rows)
        NaN in rows that belong to no part.
    effects : tuple of ndarray, shapes (replicates, levels, k)
        Of each term; the levels of one part follow those of the part before.
    """

    y: NDArray[np.float64]
    errors: NDArray[np.float64]
    effects: tuple[NDArray[np.float64], ...]


def draw_responses(
    parts: Sequence[Part], seeds: Seeds, replicates: range, *, n_rows: int, empirical: bool
) -> DrawnResponses:
    """Draw some replicates; none depends on which others are drawn with it.

    Parameters
    ----------
    parts : sequence of Part
        With the same random-effects terms.
    seeds : Seeds
    replicates : range
        Their numbers among those of the seeds.
    n_rows : int
        Rows of the data, to which the rows of the parts point.
    empirical : bool
        Whether the effects have exactly the mean zero and the covariances of the parts.

    Raises
    ------
    RUnavailableError
        If the seeds are R's and there is no R.
    """
    steps = [part.steps for part in parts]
    numbers = iter(_numbers(seeds, replicates, list(chain(*steps)), empirical=empirical))
    y, errors = np.full((2, len(replicates), n_rows), np.nan)
    of_parts = []
    for part, own in zip(parts, steps, strict=True):
        drawn = [next(numbers) for _ in own]
        effects = _by_term(part, own, drawn)
        y[:, part.rows] = part.mean + _random_part(part, effects, len(replicates)) + drawn[-1]
        errors[:, part.rows] = drawn[-1]
        of_parts.append(effects)
    return DrawnResponses(
        y=y,
        errors=errors,
        effects=tuple(np.concatenate(own, axis=1) for own in zip(*of_parts, strict=True)),
    )


def _numbers(seeds: Seeds, replicates: range, steps: Sequence[Step], *, empirical: bool) -> Numbers:
    if seeds.rng == "numpy":
        generators = [seeds.generator(i) for i in replicates]
        return draw_with_numpy(generators, steps, empirical=empirical)
    from pylme.lme4.random import draw_with_r, effects_step, errors_step

    return draw_with_r(
        seeds.of_r(replicates),
        [
            errors_step(step.size, step.sd)
            if step.covariance is None
            else effects_step(step.size, step.covariance, empirical=empirical)
            for step in steps
        ],
    )


def _by_term(part: Part, steps: Sequence[Step], drawn: Numbers) -> Numbers:
    """The effects of each term, from those of each grouping factor."""
    found: dict[int, NDArray[np.float64]] = {}
    for step, effects in zip(steps, drawn, strict=True):
        start = 0
        for i in step.terms:
            width = len(part.design.terms[i].names)
            found[i] = effects[:, :, start : start + width]
            start += width
    return [found[i] for i in range(len(found))]


def _random_part(part: Part, effects: Numbers, n: int) -> NDArray[np.float64]:
    """Zb, shape (replicates, rows)."""
    total = np.zeros((n, part.design.n))
    for term, b in zip(part.design.terms, effects, strict=True):
        for column, own in zip(term.columns.T, np.moveaxis(b, 2, 0), strict=True):
            total += own[:, term.codes] * column
    return total
