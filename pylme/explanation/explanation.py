"""What a formula specifies, as a person reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pylme.explanation.alternatives import Alternative
from pylme.explanation.by_level import ByLevel
from pylme.explanation.conditional import Conditional
from pylme.explanation.model_latex import model_latex
from pylme.explanation.parts import FixedPart, Groups, RandomPart
from pylme.explanation.report import report
from pylme.explanation.tables import effects_frame, parameters_frame, plain, terms_frame
from pylme.explanation.variation import Variation
from pylme.identifiability.report import Identifiability
from pylme.options import choice
from pylme.render import Rendered
from pylme.text import counted

if TYPE_CHECKING:
    import pandas as pd

    from pylme.render import Document

__all__ = ["Explanation"]

FrameOf = Literal["terms", "effects", "parameters"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Explanation(Rendered):
    """What a formula specifies, and what data can show of it; prints as a report.

    Attributes
    ----------
    formula, response : str
        As R writes them.
    fixed : FixedPart
    random : tuple of RandomPart
        The random-effects terms: in lme4's order with data, in that of the formula without.
    data : bool
        Whether there are data; without, what follows is empty, and every variable is taken for a
        number.
    n, n_given : int
        Rows used, and rows of the data.
    groups : tuple of Groups
        The grouping factors in the data.
    variations : tuple of Variation
        Which variables vary within the levels of which grouping factor.
    levels : tuple of ByLevel
        Covariances at each level of a factor that is constant within groups.
    identifiability : Identifiability or None
        Which parameters the data can tell apart.
    expectations : tuple of str
        What to expect of a fit.
    alternatives : tuple of Alternative
        Other random parts: the same model, simpler ones, larger ones.
    conditional : Conditional or None
        The family and link of a generalized model; None of a linear one.
    """

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

    def to_frame(self, of: FrameOf = "terms") -> pd.DataFrame:
        """The explanation as a frame.

        Parameters
        ----------
        of : {"terms", "effects", "parameters"}
            A row for each random-effects term: ``term, group, levels, effects, n_sd, n_cor,
            n_parameters``. A row for each fixed and random effect: ``part, term, effect, meaning,
            varies_within``. A row for each covariance parameter: ``term, group, var1, var2,
            parameter, symbol, identified``. None stands where data would be needed.

        Raises
        ------
        OptionError
            If `of` is none of these.
        """
        match choice("of", of, FrameOf):
            case "terms":
                return terms_frame(self.random, self.groups)
            case "effects":
                return effects_frame(self.fixed, self.random)
            case _:
                return parameters_frame(self.random, self.identifiability)

    def to_latex(self) -> str:
        """The model and the covariance that it implies, for a preamble with amsmath."""
        return model_latex(
            self.response, self.fixed, self.random, self.levels, conditional=self.conditional
        )

    def to_dict(self) -> dict[str, Any]:
        """The explanation as what JSON holds."""
        return plain(self)

    def describe(self) -> Document:
        """The report."""
        return report(self)

    def __repr__(self) -> str:
        return f"<Explanation of {self.formula}: {self.numbers}>"
