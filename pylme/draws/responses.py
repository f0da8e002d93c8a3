"""Responses drawn from a mixed model by NumPy or R: y = Xβ + offset + Zb + ε, or by a family."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.draws.conditional import draw_given_means
from pylme.draws.normal import draw_with_numpy
from pylme.families import link_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.draws.parts import Part, Step
    from pylme.draws.seeds import Seeds
    from pylme.families import Family

__all__ = ["DrawnResponses", "draw_responses"]

Numbers = list[NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnResponses:
    """Replicates of a response, with the random effects and errors that they are made of.

    Attributes
    ----------
    y, errors : ndarray, shape (replicates, rows)
        NaN in rows that belong to no part. Errors of a generalized model are what a response
        differs from its mean given the random effects.
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
    generators = [seeds.generator(i) for i in replicates] if seeds.rng == "numpy" else []
    every = list(chain(*steps))
    numbers = iter(_numbers(seeds, replicates, every, generators, empirical=empirical))
    y, errors = np.full((2, len(replicates), n_rows), np.nan)
    of_parts = []
    for part, own in zip(parts, steps, strict=True):
        drawn = [next(numbers) for _ in own]
        effects = _by_term(part, own, drawn)
        eta = part.mean + _random_part(part, effects, len(replicates))
        if part.family is None:
            y[:, part.rows] = eta + drawn[-1]
            errors[:, part.rows] = drawn[-1]
        else:
            y[:, part.rows], errors[:, part.rows] = _of_family(part, part.family, eta, generators)
        of_parts.append(effects)
    return DrawnResponses(
        y=y,
        errors=errors,
        effects=tuple(np.concatenate(own, axis=1) for own in zip(*of_parts, strict=True)),
    )


def _of_family(
    part: Part,
    family: Family,
    eta: NDArray[np.float64],
    generators: Sequence[np.random.Generator],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The responses of a generalized model, and by what they differ from their means."""
    mean, trials = link_of(family.link).mean(eta), part.trials
    y = np.array(
        [
            draw_given_means(
                family, own, generator,
                sigma=part.sigma, weights=part.design.weights, trials=trials,
            )
            for own, generator in zip(mean, generators, strict=True)
        ]
    )  # fmt: skip
    return y, y - (mean if trials is None else mean * trials)


def _numbers(
    seeds: Seeds,
    replicates: range,
    steps: Sequence[Step],
    generators: Sequence[np.random.Generator],
    *,
    empirical: bool,
) -> Numbers:
    if seeds.rng == "numpy":
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
