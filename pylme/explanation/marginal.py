"""The covariance of two rows that a random-effects term implies.

Rows i and k of one level have, with z the columns of the term and τ the covariances of its effects,
Σ_a τ_aa z_ia z_ka + Σ_{a<b} τ_ab (z_ia z_kb + z_ib z_ka), and rows of different levels nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pylme.explanation.effects import Effect
    from pylme.explanation.notation import Notation

__all__ = ["MOST_WRITTEN_OUT", "summands"]

#: Terms with more effects are written as a quadratic form: five have fifteen summands.
MOST_WRITTEN_OUT: Final = 4


def summands(
    effects: Sequence[Effect], coefficient: Callable[[int, int], str], notation: Notation
) -> Iterator[str]:
    """The covariance of two rows of one level, as a sum.

    Parameters
    ----------
    effects : sequence of Effect
        At most `MOST_WRITTEN_OUT`.
    coefficient : callable
        From the positions of two effects to their covariance as it is written.
    notation : Notation
    """
    i, k = notation.rows
    for a, effect in enumerate(effects):
        one, other = notation.product(effect, i), notation.product(effect, k)
        yield notation.times([coefficient(a, a), one, other])
        for b in range(a + 1, len(effects)):
            second, fourth = (notation.product(effects[b], row) for row in (i, k))
            first = notation.times([second, other]) or "1"
            last = notation.times([one, fourth]) or "1"
            yield notation.times([coefficient(a, b), f"({first} + {last})"])
