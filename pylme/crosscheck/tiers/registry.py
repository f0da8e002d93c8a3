"""The tiers of the cross-check, in their order; each answers one question about a fit.

A tier is a file with a function from both sides to the pairs to be compared, and a line here. A
failure in a tier that `contradicts` is a defect of one side; a failure in another tier means that
the fit is not at the optimum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pylme.crosscheck.comparison import Comparison, Pair, Tier, compared
from pylme.crosscheck.tiers import (
    approximation,
    certificate,
    design,
    generalized_optimum,
    lazy_data,
    optimum,
    same_parameters,
    same_theta,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "APPROXIMATION",
    "GENERALIZED",
    "LAZY",
    "TIERS",
    "TierDefinition",
    "compare",
    "contradictions",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TierDefinition:
    """A question that the cross-check answers.

    Attributes
    ----------
    title : str
    pairs : callable
        Maps both sides to the pairs to be compared, or to the reason why there are none.
    contradicts : bool
        Whether a difference means that one of the sides has a defect.
    """

    title: str
    pairs: Callable[[Any], Sequence[Pair | Comparison] | str]
    contradicts: bool = False


TIERS: Final = (
    TierDefinition(
        title="Design matrices of lme4 and of the NumPy engine",
        pairs=design.pairs,
        contradicts=True,
    ),
    TierDefinition(
        title="Numbers at the theta of lme4, computed again from its matrices",
        pairs=same_theta.pairs,
        contradicts=True,
    ),
    TierDefinition(
        title="Exact derivatives at the theta of the fit",
        pairs=certificate.pairs,
    ),
    TierDefinition(
        title="Optimum of the fit and the best optimum that the NumPy engine finds",
        pairs=optimum.pairs,
    ),
)

#: The same questions about a model of lazy data, which has one side: the engine that made the sums.
LAZY: Final = (
    TierDefinition(
        title="Columns of a sample of rows, by the engine of the data and by the NumPy engine",
        pairs=lazy_data.sample,
        contradicts=True,
    ),
    TierDefinition(
        title="Sums of all rows, and the criterion, by a second engine",
        pairs=lazy_data.sums,
        contradicts=True,
    ),
    *TIERS[2:],
)
#: The same questions about a generalized model.
GENERALIZED: Final = (
    TIERS[0],
    TierDefinition(
        title="Numbers at lme4's parameters, computed again from its matrices",
        pairs=same_parameters.pairs,
        contradicts=True,
    ),
    TierDefinition(
        title="Certificate, the exact derivatives at the parameters of the fit",
        pairs=certificate.pairs,
    ),
    TierDefinition(
        title="Optimum, that of the fit and the best that the NumPy engine finds",
        pairs=generalized_optimum.pairs,
    ),
)
#: What is compared beyond the optimum, where it is asked for.
APPROXIMATION: Final = TierDefinition(
    title="Approximation, the optimum by the Laplace approximation and by quadrature",
    pairs=approximation.pairs,
)


def compare(
    sides: Any,
    *,
    tiers: Sequence[TierDefinition] | None = None,
    done: Sequence[Tier] = (),
    stop: int | None = None,
) -> tuple[Tier, ...]:
    """All tiers in their order, beginning with those already done.

    Parameters
    ----------
    sides : Sides or GeneralizedSides
    tiers : sequence of TierDefinition
        By default those of linear models.
    done : sequence of Tier
        The first tiers, if they are known.
    stop : int, optional
        How many tiers to compare; by default all.
    """
    made = list(done)
    tiers = TIERS if tiers is None else tiers
    for number, tier in enumerate(tiers[len(done) : stop], start=len(done) + 1):
        pairs = tier.pairs(sides)
        made.append(
            Tier(number=number, title=tier.title, reason=pairs)
            if isinstance(pairs, str)
            else Tier(number=number, title=tier.title, comparisons=compared(pairs))
        )
    return tuple(made)


def contradictions(tiers: Iterable[Tier]) -> tuple[tuple[Comparison, ...], ...]:
    """The failures that are a defect of one side, tier by tier."""
    known = zip(TIERS, tiers, strict=False)
    return tuple(tier.failures for definition, tier in known if definition.contradicts)
