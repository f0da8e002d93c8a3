"""The model in which all levels share one covariance matrix, and the test against it.

The columns of the terms of the levels add up to those of one term for all levels, because in each
row one indicator is 1. Twice the difference of the log-likelihoods is asymptotically χ² if the
covariance matrices have full rank; the degrees of freedom are the difference in the number of
parameters. The fixed effects are the same in both models, so the restricted likelihood serves as
well (Pinheiro & Bates
2000, Mixed-Effects Models in S and S-PLUS, section 2.4.1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc

from pylme.arrays import locked
from pylme.covariance.structure import structure_of
from pylme.model_matrix.random_term import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.by_group.blocks import CovarianceBlock
    from pylme.model_matrix.random_term import RandomTerm

__all__ = ["EqualityTest", "equality_test", "pooled_label", "pooled_terms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualityTest:
    """A likelihood ratio test of one covariance matrix for all levels.

    Attributes
    ----------
    statistic : float
        The increase of the criterion with one matrix.
    df : int
        The number of parameters that the model with one matrix saves.
    p_value : float
        Of χ² with `df` degrees of freedom.
    pooled : str
        The term that replaces those of all levels.
    singular : bool
        Whether some covariance matrix of the larger model lacks full rank. Then the χ²
        approximation is inaccurate.
    """

    statistic: float
    df: int
    p_value: float
    pooled: str
    singular: bool


def equality_test(
    blocks: Sequence[CovarianceBlock], *, separate: float, pooled: float, singular: bool
) -> EqualityTest:
    """Test whether the levels have one covariance matrix.

    Parameters
    ----------
    blocks : sequence of CovarianceBlock
    separate, pooled : float
        The criterion (deviance or REML criterion) with a matrix for each level, and with one.
    singular : bool
        Whether the fit with a matrix for each level is singular.
    """
    k = len(blocks[0].names)
    df = (len(blocks) - 1) * structure_of("us", k).n_parameters
    # The larger model contains the smaller one, so a negative value is rounding of the optimiser.
    statistic = max(pooled - separate, 0.0)
    return EqualityTest(
        statistic=statistic,
        df=df,
        p_value=float(chdtrc(df, statistic)),
        pooled=pooled_label(blocks[0].names, blocks[0].group),
        singular=singular,
    )


def pooled_label(names: Sequence[str], group: str) -> str:
    """The term for all levels, in parentheses."""
    slopes = [name for name in names if name != "(Intercept)"]
    return f"({' + '.join(slopes) or '1'} | {group})"


def pooled_terms(
    terms: Sequence[RandomTerm], blocks: Sequence[CovarianceBlock]
) -> tuple[RandomTerm, ...]:
    """The terms of the model in which one term replaces those of all levels.

    Parameters
    ----------
    terms : sequence of RandomTerm
        Of the model with a term for each level.
    blocks : sequence of CovarianceBlock
        Which of them belong to levels.
    """
    first, *others = (block.term for block in blocks)
    columns = sum((terms[other].columns for other in others), terms[first].columns)
    one = replace(
        terms[first],
        names=blocks[0].names,
        label=pooled_label(blocks[0].names, blocks[0].group)[1:-1],
        columns=locked(np.asarray(columns), order="F"),
        structure=structure_of("us", len(blocks[0].names)),
    )
    return in_order(
        one if place == first else term for place, term in enumerate(terms) if place not in others
    )
