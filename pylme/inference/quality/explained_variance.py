"""R² and intraclass correlations: the shares of a model's parts in the variance of the response.

With σ_f² the variance of Xβ̂ over the rows (without offset), σ_a² that of the random effects,
averaged over the rows, and σ_e² the residual variance,

    σ_a² = Σ_t tr(Σ_tZ_tᵀZ_t)/n
    R²_m = σ_f²/(σ_f² + σ_a² + σ_e²)              R²_c = (σ_f² + σ_a²)/(σ_f² + σ_a² + σ_e²)
    ICC  = σ_a²/(σ_a² + σ_e²), adjusted           σ_a²/(σ_f² + σ_a² + σ_e²), unadjusted

(Nakagawa & Schielzeth 2013, Methods in Ecology and Evolution 4; Johnson 2014, the same journal 5,
for random slopes). A zero variance and a slope whose mean is not among the fixed effects are
nothing special.

For a generalized model all parts are variances of the linear predictor, and σ_e² is what the
distribution of the response adds on that scale (Nakagawa, Johnson & Schielzeth 2017, Journal of the
Royal Society Interface 14, tables 1 and 2):

    binomial: logit π²/3, probit 1, cloglog π²/6     counts with log link: ln(1 + 1/λ + 1/ϑ)
    Poisson counts with square root link: ¼           Gamma with log link: ln(1 + φ)

λ is the mean response of the model without predictors, exp(β₀ + ½σ_a²) of that model. A term with a
level for each row is a part of σ_e²: it stands for what the distribution does not explain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from pylme.frame import Library, to_native
from pylme.render import Rendered, Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from pylme.families import Family
    from pylme.model_matrix.random_term import RandomTerm

__all__ = [
    "ICC",
    "R2",
    "VarianceParts",
    "distribution_variance",
    "needs_mean",
    "random_variances",
    "variance_parts",
]

#: What a binomial response adds, by link.
_BINOMIAL: Final = {"logit": np.pi**2 / 3.0, "probit": 1.0, "cloglog": np.pi**2 / 6.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceParts:
    """The variance of the response, or of a generalized model's latent response, in parts.

    Attributes
    ----------
    fixed : float
        σ_f².
    random : mapping of str to float
        σ_a² of each grouping factor.
    residual : float
        σ_e².
    """

    fixed: float
    random: Mapping[str, float]
    residual: float

    @property
    def of_groups(self) -> float:
        """σ_a²."""
        return float(sum(self.random.values()))

    @property
    def total(self) -> float:
        """σ_f² + σ_a² + σ_e²."""
        return self.fixed + self.of_groups + self.residual


@dataclass(frozen=True, slots=True, kw_only=True)
class R2(Rendered):
    """The share of the variance that a model explains.

    Attributes
    ----------
    marginal : float
        By the fixed effects.
    conditional : float
        By fixed and random effects.
    parts : VarianceParts
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` returns its row.
    """

    marginal: float
    conditional: float
    parts: VarianceParts
    library: Library = "pandas"

    @classmethod
    def of(cls, parts: VarianceParts, library: Library) -> R2:
        """Of the parts of a variance."""
        total = parts.total
        return cls(
            marginal=_share(parts.fixed, total),
            conditional=_share(parts.fixed + parts.of_groups, total),
            parts=parts,
            library=library,
        )

    def to_frame(self) -> Any:
        """One row: both shares, and the variances of which they are made."""
        row = {
            "marginal": [self.marginal],
            "conditional": [self.conditional],
            "fixed_variance": [self.parts.fixed],
            "random_variance": [self.parts.of_groups],
            "residual_variance": [self.parts.residual],
        }
        return to_native(pd.DataFrame(row), self.library)

    def describe(self) -> Table:
        """Both shares."""
        return Table(
            columns=("R²",),
            rows=((f"{self.marginal:.4f}",), (f"{self.conditional:.4f}",)),
            row_names=("marginal", "conditional"),
        )

    def __repr__(self) -> str:
        return f"<R2: marginal {self.marginal:.4f}, conditional {self.conditional:.4f}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class ICC(Rendered):
    """The share of the variance that lies between groups.

    Attributes
    ----------
    adjusted : float
        Of the variance that the fixed effects do not explain.
    unadjusted : float
        Of all variance.
    by_group : mapping of str to float
        The adjusted share of each grouping factor.
    parts : VarianceParts
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which `to_frame` returns its rows.
    """

    adjusted: float
    unadjusted: float
    by_group: Mapping[str, float]
    parts: VarianceParts
    library: Library = "pandas"

    @classmethod
    def of(cls, parts: VarianceParts, library: Library) -> ICC:
        """Of the parts of a variance."""
        rest = parts.of_groups + parts.residual
        return cls(
            adjusted=_share(parts.of_groups, rest),
            unadjusted=_share(parts.of_groups, parts.total),
            by_group={group: _share(own, rest) for group, own in parts.random.items()},
            parts=parts,
            library=library,
        )

    def to_frame(self) -> Any:
        """A row for each grouping factor, and one for all of them together."""
        groups, total = self.parts.random, self.parts.total
        rows = {
            "group": [*groups, "all"],
            "variance": [*groups.values(), self.parts.of_groups],
            "adjusted": [*self.by_group.values(), self.adjusted],
            "unadjusted": [*(_share(own, total) for own in groups.values()), self.unadjusted],
        }
        return to_native(pd.DataFrame(rows), self.library)

    def describe(self) -> Table:
        """Both shares of each grouping factor, and of all together."""
        total = self.parts.total
        own = [(f"{share:.4f}", f"{_share(self.parts.random[group], total):.4f}")
               for group, share in self.by_group.items()]  # fmt: skip
        return Table(
            columns=("adjusted", "unadjusted"),
            rows=(*own, (f"{self.adjusted:.4f}", f"{self.unadjusted:.4f}")),
            row_names=(*self.by_group, "all"),
            caption="Intraclass correlations",
        )

    def __repr__(self) -> str:
        return f"<ICC: adjusted {self.adjusted:.4f}, unadjusted {self.unadjusted:.4f}>"


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def random_variances(
    terms: Sequence[RandomTerm],
    covariances: Sequence[NDArray[np.float64]],
    n: int | None = None,
) -> NDArray[np.float64]:
    """The variance that each term adds to a row, averaged over the rows, shape (terms,).

    Parameters
    ----------
    terms : sequence of RandomTerm
    covariances : sequence of ndarray, shapes (k, k)
        Of the effects of each term.
    n : int, optional
        The number of rows, where those of the terms stand for more with the same cross products.
    """
    found = [
        np.einsum("na,ab,nb->", term.columns, own, term.columns, optimize=True)
        / (n or len(term.columns))
        for term, own in zip(terms, covariances, strict=True)
    ]
    return np.array(found)


def variance_parts(
    fixed: float,
    terms: Sequence[RandomTerm],
    covariances: Sequence[NDArray[np.float64]],
    residual: float,
    *,
    n: int,
    latent: bool,
) -> VarianceParts:
    """The parts of the variance.

    Parameters
    ----------
    fixed : float
        The variance of Xβ̂, without offset, over the rows.
    terms : sequence of RandomTerm
    covariances : sequence of ndarray, shapes (k, k)
        Of the effects of each term.
    residual : float
        σ² of a linear model, the distribution's part of a generalized one.
    n : int
        The number of rows.
    latent : bool
        Whether the model is a generalized one, in which a term with a level for each row counts as
        residual.
    """
    random: dict[str, float] = {}
    for term, own in zip(terms, random_variances(terms, covariances, n).tolist(), strict=True):
        if latent and len(term.levels) == n:
            residual += own
        else:
            random[term.group] = random.get(term.group, 0.0) + own
    return VarianceParts(
        fixed=fixed,
        random=random,
        residual=residual,
    )


def needs_mean(family: Family) -> bool:
    """Whether the distribution's variance depends on the mean response."""
    return family.link == "log" and family.name in {"poisson", "negative binomial"}


def distribution_variance(family: Family, mean: float, sigma: float) -> float | None:
    """What the distribution of a response adds on the scale of the linear predictor.

    Parameters
    ----------
    family : Family
    mean : float
        λ; used where `needs_mean`.
    sigma : float
        √φ, for a Gamma response.

    Returns
    -------
    float or None
        None where no such variance is known.
    """
    if family.name == "binomial":
        return _BINOMIAL.get(family.link)
    if needs_mean(family):
        over = 0.0 if family.shape is None else 1.0 / family.shape
        return float(np.log1p(1.0 / mean + over))
    if family.name == "poisson" and family.link == "sqrt":
        return 0.25
    if family.name == "Gamma" and family.link == "log":
        return float(np.log1p(sigma**2))
    return None
