"""The four models of the question that pylme grew from, and the answer to it."""

from __future__ import annotations

__all__ = ["BLOCKS", "FIXED", "QUESTION", "Known", "whole"]

from dataclasses import dataclass

FIXED = "math ~ ses*sector + "
BLOCKS = (
    '(0 + dummy(sector, "Public") + dummy(sector, "Public"):ses | sch.id) + '
    '(0 + dummy(sector, "Catholic") + dummy(sector, "Catholic"):ses | sch.id)'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """How many standard deviations and correlations a random part has, and what is identified."""

    random: str
    n_sd: int
    n_cor: int
    rank: int

    def __str__(self) -> str:
        return self.random


QUESTION = (
    Known(random="(ses | sch.id)", n_sd=2, n_cor=1, rank=3),
    Known(random="(ses*sector | sch.id)", n_sd=4, n_cor=6, rank=6),
    Known(random="(ses:sector | sch.id)", n_sd=3, n_cor=3, rank=5),
    Known(random="(ses+sector | sch.id)", n_sd=3, n_cor=3, rank=5),
    Known(random=BLOCKS, n_sd=4, n_cor=2, rank=6),
)


def whole(random: str) -> str:
    """The formula with this random part."""
    return FIXED + random
