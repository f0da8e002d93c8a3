"""What to expect of a fit from the columns alone: singular fits, false optima, zeros.

The response is not used. Each rule says what it found and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.explanation.effects import INTERCEPT
from pylme.model_matrix.magnitudes import FAR, LARGE
from pylme.text import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pylme.explanation.parts import RandomPart
    from pylme.identifiability.report import Identifiability
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["expectations"]

#: With fewer levels a variance is hardly known: its estimate has a coefficient of variation of
#: sqrt(2/(J - 1)), 0.7 for five levels, even where the effects themselves were seen.
_FEW_LEVELS: Final = 6
_ROUNDING: Final = 1e-8


def expectations(
    design: ModelMatrices, parts: Sequence[RandomPart], found: Identifiability
) -> tuple[str, ...]:
    """Sentences on what to expect, the most serious first.

    Parameters
    ----------
    design : ModelMatrices
    parts : sequence of RandomPart
        Of the terms of the design, in their order.
    found : Identifiability
    """
    return tuple(
        sentence
        for rule in (
            _not_identified,
            _too_many,
            _few_levels,
            _seldom,
            _constant,
            _far,
            _large,
            _without_mean,
        )
        for sentence in rule(design, parts, found)
    )


def _not_identified(
    design: ModelMatrices, parts: Sequence[RandomPart], found: Identifiability
) -> Iterator[str]:
    del design
    if found.rank is None:
        advice = (
            " A factor of many levels whose effects vary by group is mostly meant as "
            "(1 | group/factor)."
        )
        yield (
            f"Which of the {found.n_parameters:,} covariance parameters the data identify was "
            f"{found.undetermined}.{advice * all(part.kind == 'us' for part in parts)}"
        )
        return
    lost = found.n_parameters - found.rank
    if lost:
        yield (
            f"The data leave {lost} of {counted(found.n_parameters, 'covariance parameter')} open: "
            'expect "degenerate Hessian", "failed to converge" or "singular fit", and do not '
            "interpret estimates that the data do not determine."
        )


def _too_many(
    design: ModelMatrices, parts: Sequence[RandomPart], found: Identifiability
) -> Iterator[str]:
    del found
    for term, part in zip(design.terms, parts, strict=True):
        if term.n_effects >= design.n:
            yield (
                f"{part.label} has {term.n_effects:,} random effects for {design.n:,} rows: `lmer` "
                "refuses to fit it."
            )


def _few_levels(
    design: ModelMatrices, parts: Sequence[RandomPart], found: Identifiability
) -> Iterator[str]:
    del found
    for term, part in zip(design.terms, parts, strict=True):
        levels, k = _levels_with_effects(term), part.n_sd
        if levels <= k:
            yield (
                f"{part.label} has {counted(k, 'effect')} but {counted(levels, 'level')} of "
                f"{part.group}: their covariance matrix is bound to be singular."
            )
        elif levels < _FEW_LEVELS:
            yield (
                f"{counted(levels, 'level')} of {part.group} say little about "
                f"{'a variance' if k == 1 else 'variances'}: an estimate of 0 (a singular fit) is "
                "common, and does not prove that the levels do not differ."
            )
        elif levels < part.n_parameters:
            yield (
                f"{part.label} has {part.n_parameters} variances and covariances, but "
                f"{part.group} has {levels} levels: expect a singular fit."
            )


def _levels_with_effects(term: RandomTerm) -> int:
    """The levels in which some column is not zero."""
    return len(np.unique(term.codes[term.columns.any(axis=1)]))


def _seldom(
    design: ModelMatrices, parts: Sequence[RandomPart], found: Identifiability
) -> Iterator[str]:
    del found
    for term, part in zip(design.terms, parts, strict=True):
        here = _levels_with_effects(term)
        for effect, count in zip(part.effects, part.varying or (), strict=False):
            if effect.pieces and 0 < count < min(here, _FEW_LEVELS):
                yield (
                    f"{effect.name} varies within {counted(count, 'level')} of {part.group} "
                    f"only: its effects in the other levels are poorly determined."
                )


def _constant(
    design: ModelMatrices, parts: Sequence[RandomPart], found: Identifiability
) -> Iterator[str]:
    del found
    for term, part in zip(design.terms, parts, strict=True):
        for name, column in _single_numbers(term, part):
            count = (part.varying or ())[term.names.index(name)]
            if count == 0 and column.std():
                yield (
                    f"{name} is the same within every {part.group}, so no slope can be "
                    f"estimated: its variance only lets the level vary more at some "
                    f"values of {name} than at others."
                )


def _far(
    design: ModelMatrices, parts: Sequence[RandomPart], found: Identifiability
) -> Iterator[str]:
    del found
    for place, term in enumerate(design.terms):
        shared = INTERCEPT in term.names
        apart = any(
            other.group == term.group and INTERCEPT in other.names
            for other in design.terms[:place] + design.terms[place + 1 :]
        )
        for name, column in _single_numbers(term, parts[place]):
            mean, sd = float(column.mean()), float(column.std())
            if not sd or abs(mean) < FAR * sd:
                continue
            far = f"{name} lies far from 0 (mean {mean:.4g}, standard deviation {sd:.3g})"
            if shared:
                yield (
                    f"{far}, so intercepts and slopes are almost perfectly correlated, and lme4 "
                    "may stop at a wrong optimum or call the fit singular. Centre it: that does "
                    "not change the model."
                )
            elif apart:
                yield (
                    f"{far}, and intercepts and slopes without correlation are a different model "
                    "for each origin: centre it where they can be assumed to be unrelated."
                )


def _large(
    design: ModelMatrices, parts: Sequence[RandomPart], found: Identifiability
) -> Iterator[str]:
    del found
    for term, part in zip(design.terms, parts, strict=True):
        for name, column in _single_numbers(term, part):
            sd = float(column.std())
            if sd > LARGE:
                yield (
                    f"{name} takes large values (standard deviation {sd:.3g}), so that its slopes "
                    "are small numbers, which lme4's rule treats as zero: rescale it."
                )


def _single_numbers(
    term: RandomTerm, part: RandomPart
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """The columns that are covariates."""
    for effect, column in zip(part.effects, term.columns.T, strict=True):
        if len(effect.pieces) == 1 and effect.pieces[0].kind == "number":
            yield effect.name, column


def _without_mean(
    design: ModelMatrices, parts: Sequence[RandomPart], found: Identifiability
) -> Iterator[str]:
    """Effects whose mean is not a fixed effect; those of several levels may share one."""
    del found
    sums: dict[tuple[str, tuple[str, ...]], NDArray[np.float64]] = {}
    names: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for term, part in zip(design.terms, parts, strict=True):
        for effect, column in zip(part.effects, term.columns.T, strict=True):
            rest = tuple(piece.name for piece in effect.pieces if piece.kind != "level")
            sums[term.group, rest] = sums.get((term.group, rest), 0.0) + column
            names.setdefault((term.group, rest), []).append(effect.name)
    columns = np.array(list(sums.values()))
    Q = np.linalg.qr(design.X)[0]
    left = columns - (columns @ Q) @ Q.T
    lost = np.linalg.norm(left, axis=1) > _ROUNDING * np.linalg.norm(columns, axis=1)
    for group in design.flist:
        keys = [key for key, without in zip(sums, lost.tolist(), strict=True) if without]
        missing = [name for key in keys if key[0] == group for name in names[key]]
        if missing:
            yield (
                f"The fixed part has no effect for the mean of {listed(missing, most=4)} over the "
                f"levels of {group}, which is assumed to be 0. Add it to the fixed part unless you "
                "know that it is 0."
            )
