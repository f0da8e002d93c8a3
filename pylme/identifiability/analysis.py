"""What the error contrasts of a design see of its covariance parameters.

The parameters are identified where the information I_ik = ½ tr(PB_iPB_k), B_i = ∂V/∂ψ_i, has full
rank (Searle, Casella & McCulloch 1992, Variance Components, section 6.6). That P(Σ c_i B_i)P = 0
does not depend on V: it says that Σ c_i B_i vanishes on the error contrasts. So V is taken to be
W⁻¹, that is P = I - QQᵀ in weighted rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pylme.covariance.cells import lower_triangle_places
from pylme.families.support import has_dispersion
from pylme.identifiability.conditioning import Conditioned, conditioned, weighted
from pylme.identifiability.null_space import null_space
from pylme.identifiability.parameters import CovarianceParameter, covariance_parameters
from pylme.identifiability.raw_directions import raw_directions
from pylme.identifiability.sketch import Block, Sketches, sketched

if TYPE_CHECKING:
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["Analysis", "analysed", "block_of", "conditioned_terms"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """The pictures of a design's parameters, and the combinations that leave no trace.

    Attributes
    ----------
    parameters : tuple of CovarianceParameter, length d
    terms : tuple of Conditioned
        The columns of each term.
    sketches : Sketches
        Of the conditioned parameters.
    rows : ndarray, shape (m, d + 1)
        A sparse basis of the combinations of raw parameters that leave no trace; σ² comes last.
    """

    parameters: tuple[CovarianceParameter, ...]
    terms: tuple[Conditioned, ...]
    sketches: Sketches
    rows: NDArray[np.float64]


def analysed(design: ModelMatrices) -> Analysis:
    """The pictures of a design's covariance parameters, and what leaves no trace."""
    terms = conditioned_terms(design)
    roots = _roots(design)
    X = design.X if roots is None else design.X * roots[:, None]
    blocks = [block_of(term, new) for term, new in zip(design.terms, terms, strict=True)]
    sketches = sketched(blocks, np.linalg.qr(X)[0])
    parameters = covariance_parameters(design.terms)
    lengths = sketches.lengths
    seen = sketches.projected / lengths
    if has_dispersion(design.family):
        unseen = null_space(seen, sketches.rounding)
    else:
        # No variance of rows stands beside those of the random effects: the last one, σ², is none.
        own = null_space(seen[:, :-1], sketches.rounding[:-1])
        unseen = np.pad(own, ((0, 0), (0, 1)))
    return Analysis(
        parameters=parameters,
        terms=terms,
        sketches=sketches,
        rows=raw_directions(unseen / lengths, parameters, terms, sketches.rounding),
    )


def conditioned_terms(design: ModelMatrices) -> tuple[Conditioned, ...]:
    """The well-conditioned columns of each term, in weighted rows."""
    roots = _roots(design)
    return tuple(conditioned(weighted(term, roots)) for term in design.terms)


def _roots(design: ModelMatrices) -> NDArray[np.float64] | None:
    """The square roots of the weights; None where all are 1."""
    return None if (design.weights == 1).all() else np.sqrt(design.weights)


def block_of(term: RandomTerm, conditioned: Conditioned) -> Block:
    """A term with its conditioned columns, the parameters in the order of theta."""
    rows, columns = lower_triangle_places(len(conditioned.R))
    return Block(
        codes=term.codes,
        levels=len(term.levels),
        columns=conditioned.columns,
        a=columns,
        b=rows,
        rounding=np.maximum(conditioned.rounding[columns], conditioned.rounding[rows]),
    )
