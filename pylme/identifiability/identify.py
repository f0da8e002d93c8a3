"""The analysis of what the data of a design identify."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.covariance.names import RESIDUAL_VARIANCE, block_labels
from pylme.identifiability.analysis import analysed
from pylme.identifiability.facts import DesignFacts, NullCombination
from pylme.identifiability.null_space import tolerance
from pylme.identifiability.parameters import (
    MOST_PARAMETERS,
    covariance_parameters,
    places_of,
    size_of,
    what_was_done,
)
from pylme.identifiability.reasons import reason
from pylme.identifiability.report import Direction, Identifiability, fixed_effects
from pylme.model_matrix.matrices import ModelMatrices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.identifiability.analysis import Analysis
    from pylme.identifiability.facts import Column

__all__ = ["Design", "identify"]

#: A length this small, of a combination found to leave no trace beside the fixed effects, says that
#: it leaves none in the rows themselves. What the fixed effects alone hide is a good part of it;
#: rounding after the way back to raw columns shifted by a million leaves 1e-9.
_PLAIN: Final = 1e-7


def identify(design: ModelMatrices) -> Identifiability:
    """Which parameters of a design its data identify, and why the others are not identified."""
    if size_of(design) > MOST_PARAMETERS:
        return Identifiability(
            formula=design.formula,
            parameters=tuple(each.name for each in covariance_parameters(design.terms)),
            rank=None,
            directions=(),
            fixed=fixed_effects(design),
            undetermined=what_was_done(design),
        )
    if any(term.structure.kind != "us" for term in design.terms):
        labels = block_labels(term.group for term in design.terms)
        return Identifiability(
            formula=design.formula,
            parameters=tuple(
                name
                for term, label in zip(design.terms, labels, strict=True)
                for name in term.structure.free_names(label, term.names)
            ),
            rank=None,
            directions=(),
            fixed=fixed_effects(design),
            undetermined="not determined, as a term has a covariance structure; a fit by the NumPy "
            "engine says whether its criterion is flat in one of them",
        )
    analysis = analysed(design)
    size = len(analysis.parameters)
    facts = DesignFacts(design)
    absorbed = _absorbed(analysis)
    names = [*(parameter.name for parameter in analysis.parameters), RESIDUAL_VARIANCE]
    rows = sorted(analysis.rows, key=_single_ones_first)
    return Identifiability(
        formula=design.formula,
        parameters=tuple(names[:-1]),
        # All of them and σ² have rank size + 1 - m; σ² has one of it, if there is any.
        rank=max(size - len(analysis.rows), 0),
        directions=tuple(_direction(row, names, analysis, absorbed, facts) for row in rows),
        fixed=fixed_effects(design),
    )


def _single_ones_first(row: NDArray[np.float64]) -> tuple[bool, list[int]]:
    places = np.flatnonzero(row).tolist()
    return len(places) > 1, places


def _direction(
    row: NDArray[np.float64],
    names: list[str],
    analysis: Analysis,
    absorbed: frozenset[Column],
    facts: DesignFacts,
) -> Direction:
    places = np.flatnonzero(row).tolist()
    weights = row[places] / np.abs(row).max()
    weights *= np.sign(weights[0])
    chosen = [analysis.parameters[i] for i in places if i < len(analysis.parameters)]
    pairs = tuple(((p.term, p.column), (p.term, p.row)) for p in chosen)
    columns = dict.fromkeys(column for pair in pairs for column in pair)
    trace = NullCombination(
        pairs=pairs,
        residual=places[-1] == len(analysis.parameters),
        absorbed=tuple(column for column in columns if column in absorbed),
        plain=_is_plain(row, analysis),
        parameters=len(names),
    )
    return Direction(
        names=tuple(names[i] for i in places),
        weights=tuple(weights.tolist()),
        reason=reason(trace, facts),
    )


def _is_plain(row: NDArray[np.float64], analysis: Analysis) -> bool:
    """Whether Σ c_i B_i = 0 in the rows themselves."""
    conditioned, bound = row.copy(), np.abs(row)
    for position, term in enumerate(analysis.terms):
        places, rows, columns = places_of(analysis.parameters, position)
        change = np.zeros(term.R.shape)
        change[rows, columns] = change[columns, rows] = row[places]
        conditioned[places] = (term.R @ change @ term.R.T)[rows, columns]
        bound[places] = (np.abs(term.R) @ np.abs(change) @ np.abs(term.R).T)[rows, columns]
    length = bound @ analysis.sketches.lengths
    return bool(np.linalg.norm(analysis.sketches.plain @ conditioned) <= _PLAIN * length)


def _absorbed(analysis: Analysis) -> frozenset[Column]:
    """The columns that the fixed effects contain for every level."""
    sketches = analysis.sketches
    least = tolerance(sketches.rounding) * sketches.lengths
    left = np.linalg.norm(sketches.projected, axis=0) > least
    seen = {
        (p.term, p.row): left[i] for i, p in enumerate(analysis.parameters) if p.row == p.column
    }
    found: list[Column] = []
    for position, term in enumerate(analysis.terms):
        for column in range(len(term.R)):
            # The conditioned columns that it is made of; what is zero in all rows is none.
            parts = [
                made
                for made in np.flatnonzero(term.R[:, column]).tolist()
                if term.columns[made].any()
            ]
            if parts and not any(seen[position, made] for made in parts):
                found.append((position, column))
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Design(ModelMatrices):
    __doc__ = ModelMatrices.__doc__

    @classmethod
    def of(cls, matrices: ModelMatrices) -> Design:
        """The same matrices, as a `Design`.

        Parameters
        ----------
        matrices : ModelMatrices
        """
        return cls(**{field.name: getattr(matrices, field.name) for field in fields(matrices)})

    def identifiability(self) -> Identifiability:
        """Which covariance parameters and fixed effects the data identify, and why not others.

        It looks at the columns alone: not at the response, and not at any estimate. Of a
        generalized model it speaks of the linear predictor. Above 500 covariance parameters (31
        effects in one term) the rank is not determined, and only what can be counted is said.

        Returns
        -------
        Identifiability
            The number of covariance parameters, their rank, and each direction that the data cannot
            see with the reason in words.

        References
        ----------
        Searle, Casella & McCulloch (1992), Variance Components, section 6.6.

        Examples
        --------
        >>> import pylme
        >>> hsb = pylme.datasets.load("hsb")
        >>> found = pylme.design("math ~ ses + (ses*sector | sch.id)", hsb).identifiability()
        >>> found.n_parameters, found.rank, found.directions[0].reason
        (10, 6, 'sector does not vary within sch.id, where it takes 2 values')
        """
        return identify(self)
