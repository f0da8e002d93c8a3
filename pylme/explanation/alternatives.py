"""Other random parts for the same data: the same model written better, simpler ones, larger ones.

Candidates follow from the terms; each is built, and proposed only if the data identify all of it
and its covariances lie to those of the model in a way that has a name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from pylme.errors import DataError, FormulaError
from pylme.explanation.candidates import candidates
from pylme.explanation.relation import relation_of
from pylme.formula import formula_terms, parse_formula
from pylme.identifiability.comparison import compare_covariances
from pylme.identifiability.identify import identify
from pylme.identifiability.parameters import size_of
from pylme.model_matrix.build import build
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pylme.explanation.parts import FixedPart, RandomPart
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec

__all__ = ["MOST_COMPARED", "Alternative", "alternatives"]

Kind = Literal["equivalent", "simpler", "larger"]
_KINDS: Final[dict[str, Kind]] = {
    "the same": "equivalent", "contains": "simpler", "special case": "larger",
}  # fmt: skip
#: Covariance parameters of the model and a proposal together, above which they are not compared:
#: each of several proposals takes several analyses.
MOST_COMPARED: Final = 250
_ORDER: Final = ("equivalent", "simpler", "larger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another random part for the same data, all of whose parameters are identified.

    Attributes
    ----------
    kind : {"equivalent", "simpler", "larger"}
        Its covariances are those of the model, or special cases of them, or have them as special
        cases.
    formula : str
        The whole formula.
    random : str
        Its random part.
    n_parameters : int
        The number of variances and covariances.
    reason : str
        What is different, in words.
    """

    kind: Kind
    formula: str
    random: str
    n_parameters: int
    reason: str


def alternatives(
    spec: ModelSpec,
    design: ModelMatrices,
    parts: Sequence[RandomPart],
    fixed: FixedPart,
    between: Mapping[tuple[str, str], tuple[str, ...]],
) -> tuple[Alternative, ...]:
    """The random parts to propose, at most one for each idea.

    Parameters
    ----------
    spec : ModelSpec
    design : ModelMatrices
        Built from it.
    parts : sequence of RandomPart
    fixed : FixedPart
    between : mapping
        The levels of each factor that is constant within the levels of a grouping factor, by the
        names of both: (grouping factor, factor).
    """
    found: dict[str, Alternative] = {}
    for candidate in candidates(spec.formula, parts, fixed, between):
        try:
            made = _judged(spec, design, candidate.formula, candidate.random, candidate.reason)
        except (DataError, FormulaError):
            # What cannot be built is no proposal.
            continue
        if made is not None:
            found.setdefault(made.formula, made)
    return tuple(
        sorted(found.values(), key=lambda each: (_ORDER.index(each.kind), -each.n_parameters))
    )


def _judged(
    spec: ModelSpec, design: ModelMatrices, formula: str, random: str, reason: str
) -> Alternative | None:
    with silenced():
        parsed = parse_formula(formula)
        other = build(replace(spec, formula=parsed, terms=formula_terms(parsed)))
    if other.formula == design.formula or any(t.n_effects >= other.n for t in other.terms):
        return None
    if size_of(design) + size_of(other) > MOST_COMPARED:
        return None
    identified = identify(other)
    kind = _KINDS.get(relation_of(compare_covariances(design, other)))
    if identified.directions or kind is None:
        return None
    return Alternative(
        kind=kind,
        formula=other.formula,
        random=random,
        n_parameters=identified.n_parameters,
        reason=reason,
    )
