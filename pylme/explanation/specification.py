"""What a formula specifies, and what data show of it: the record."""

from __future__ import annotations

from dataclasses import dataclass

from pylme.explanation.alternatives import Alternative
from pylme.explanation.by_level import ByLevel
from pylme.explanation.conditional import Conditional
from pylme.explanation.parts import FixedPart, Groups, RandomPart, Variation
from pylme.identifiability.report import Identifiability
from pylme.text import counted

__all__ = ["Specification"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Specification:
    """What a formula specifies; `Explanation` says what each part is, and shows them."""

    formula: str
    response: str
    fixed: FixedPart
    random: tuple[RandomPart, ...]
    data: bool = False
    n: int = 0
    n_given: int = 0
    groups: tuple[Groups, ...] = ()
    variations: tuple[Variation, ...] = ()
    levels: tuple[ByLevel, ...] = ()
    identifiability: Identifiability | None = None
    expectations: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    conditional: Conditional | None = None

    @property
    def n_sd(self) -> int:
        """The number of standard deviations of random effects."""
        return sum(part.n_sd for part in self.random)

    @property
    def n_cor(self) -> int:
        """The number of correlations of random effects."""
        return sum(part.n_cor for part in self.random)

    @property
    def n_parameters(self) -> int:
        """The number of variances and covariances, without the residual variance."""
        return self.n_sd + self.n_cor

    @property
    def numbers(self) -> str:
        """The numbers of standard deviations and of correlations, in words."""
        deviations = counted(self.n_sd, "standard deviation")
        return f"{deviations}, {counted(self.n_cor, 'correlation')}"

    @property
    def rank(self) -> int | None:
        """How many of them the data can tell apart; None without data."""
        return None if self.identifiability is None else self.identifiability.rank
