"""The response of a model: its distribution given the random effects, and what it implies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pylme.families.family import has_dispersion
from pylme.formula import Call, Name, deparse
from pylme.frame import Factor, Logical
from pylme.identifiability.separation.report import separation
from pylme.reference.criterion.prepare import prepare
from pylme.reference.optimize.degenerate import has_no_minimum, has_no_residual, problem_on_the_link
from pylme.results.certificate import NO_FINITE_OPTIMUM, NO_RESIDUAL, NOISELESS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.families import Family
    from pylme.formula import Formula
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec
    from pylme.reference.criterion.prepare import Problem

__all__ = ["Conditional", "conditional", "foreseen", "missing_optimum"]

_VARIANCES: Final = {
    "binomial": "μ(1 - μ) / trials",
    "poisson": "μ",
    "Gamma": "φμ²",
    "inverse.gaussian": "φμ³",
    "gaussian": "φ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """The distribution of the response given the random effects.

    Attributes
    ----------
    family, link : str
        R's names.
    counts : str
        The quantity whose mean is modelled: for a binomial response, the value that is a success.
    has_dispersion : bool
        Whether the variance has a dispersion parameter φ.
    """

    family: str
    link: str
    counts: str
    has_dispersion: bool

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Rows of a table: the family, the link, and what is counted."""
        return (
            ("family", f"{self.family}: the variance of a row is {_VARIANCES[self.family]}"),
            ("link", f"{self.link}: what follows adds up to {self.link}(μ)"),
            *((("μ", self.counts),) if self.counts else ()),
        )


def conditional(
    family: Family | None, formula: Formula, spec: ModelSpec | None = None
) -> Conditional | None:
    """The distribution of the response; None for a linear model.

    Parameters
    ----------
    family : Family or None
    formula : Formula
    spec : ModelSpec, optional
        Where there are data.
    """
    if family is None:
        return None
    return Conditional(
        family=family.name,
        link=family.link,
        counts=_counts(family, formula, spec),
        has_dispersion=has_dispersion(family),
    )


def _counts(family: Family, formula: Formula, spec: ModelSpec | None) -> str:
    response = formula.response
    text = deparse(response)
    if family.name != "binomial":
        return f"the mean of {text}"
    if isinstance(response, Call) and response.function == "cbind":
        success, failure = (deparse(part.value) for part in response.arguments[:2])
        return f"the share of {success} among {success} and {failure}"
    column = spec.frame.columns.get(response.name) if spec and isinstance(response, Name) else None
    if isinstance(column, Factor):
        first, *others = column.levels
        success = repr(others[0]) if len(others) == 1 else f"not {first!r}"
        return f"the probability that {text} is {success}"
    if isinstance(column, Logical):
        return f"the probability that {text} is True"
    if spec is not None and spec.weights is not None:
        return f"the mean of the proportion {text}, of as many trials as the weights say"
    return f"the probability that {text} is 1"


def foreseen(spec: ModelSpec, design: ModelMatrices) -> Iterator[str]:
    """What to expect of a generalized model's fit, given its response."""
    family = spec.family
    if family is None:
        return
    factors = {
        name: column
        for name in spec.formula.effect_columns
        if isinstance(column := spec.frame.columns.get(name), Factor)
        and spec.frame.nrow == design.n
    }
    found = separation(family, design.y, design.X, design.x_names, factors=factors)
    if found is not None:
        text = str(found)
        yield f"{text[0].upper()}{text[1:]}. Leave the effect out, or merge levels."
    zeros_and_ones = (
        family.name == "binomial"
        and design.y.ndim == 1
        and bool(((design.y == 0) | (design.y == 1)).all())
        and bool((design.weights == 1).all())
    )
    for term in design.terms:
        if zeros_and_ones and len(term.levels) == design.n:
            yield (
                f"Each level of {term.group} has one row. A single zero or one contains no "
                f"information about a variance: leave {term.written} out."
            )
    if has_dispersion(family):
        yield (
            "lme4 before 2.0 misjudges the standard deviations of the random effects of the "
            f"{family.name} family."
        )


#: Random effects beyond which least squares on all of them takes longer than one waits for words.
_MOST: Final = 20_000
#: Products of numbers, in the cross-products of each level's effects, that take some two seconds.
_MOST_PRODUCTS: Final = 4e7


def missing_optimum(design: ModelMatrices) -> tuple[str, ...]:
    """Sentences on what to expect of a model with a residual or a dispersion, given its response.

    Parameters
    ----------
    design : ModelMatrices
    """
    effects = [term.n_effects for term in design.terms]
    if not effects or sum(effects) > _MOST or max(effects) >= design.n or design.y.ndim > 1:
        return ()
    if sum(term.n_effects * len(term.names) ** 2 for term in design.terms) > _MOST_PRODUCTS:
        width = max(len(term.names) for term in design.terms)
        return (
            f"Whether the model leaves a residual was not looked at: a term has {width} effects "
            "in each level, and that takes long.",
        )
    try:
        problem = _problem(design)
        if problem is None:
            return ()
        if has_no_residual(problem):
            return (f"The response cannot be fitted: {NO_RESIDUAL}. {NOISELESS}",)
        unbounded = has_no_minimum(problem)
    except np.linalg.LinAlgError:
        return ()
    if not unbounded:
        return ()
    return (f"{NO_FINITE_OPTIMUM[0].upper()}{NO_FINITE_OPTIMUM[1:]}. {NOISELESS}",)


def _problem(design: ModelMatrices) -> Problem | None:
    if design.family is not None:
        return problem_on_the_link(design)
    weights = None if bool((design.weights == 1.0).all()) else design.weights
    return prepare(design.X, (design.y - design.offset)[None], design.terms, weights=weights)
