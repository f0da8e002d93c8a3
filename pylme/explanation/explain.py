"""The explanation of a formula, with or without data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.explanation.alternatives import alternatives
from pylme.explanation.by_level import by_level
from pylme.explanation.conditional import conditional, foreseen, missing_optimum
from pylme.explanation.effects import coded_effects, uncoded_effects
from pylme.explanation.expectations import expectations
from pylme.explanation.explanation import Explanation
from pylme.explanation.parts import FixedPart, Groups, RandomPart, variations, varying_levels
from pylme.families.family import optional_family
from pylme.formula import (
    Call,
    check_functions,
    deparse,
    expand,
    group_label,
    model_terms,
    parse_formula,
    require_bars,
    walk,
)
from pylme.frame import Factor
from pylme.identifiability.identify import identify
from pylme.identifiability.parameters import MOST_PARAMETERS
from pylme.identifiability.report import Identifiability
from pylme.model_matrix.build import build
from pylme.model_matrix.evaluation.calls import Memory
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.evaluation.values import CodedFactor, as_factor
from pylme.model_matrix.matrices import ModelMatrices
from pylme.model_matrix.model_matrix import model_matrix
from pylme.model_matrix.requirements import parameters_of, require_fittable
from pylme.model_matrix.spec import ModelArguments, ModelSpec, specified
from pylme.model_matrix.variables import complete, evaluated
from pylme.reference.threads import one_thread
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike

    from pylme.explanation.by_level import ByLevel
    from pylme.explanation.parts import Variation
    from pylme.families import Family
    from pylme.formula import Formula
    from pylme.model_matrix.evaluation.values import Value
    from pylme.model_matrix.spec import Contrast, ContrastsFor

__all__ = ["Examined", "examine", "explain"]

#: A table with more rows no longer explains.
_MOST_LEVELS = 8


def explain(
    formula: str,
    data: Any = None,
    *,
    family: str | None = None,
    link: str | None = None,
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    contrasts: Mapping[str, Contrast] | None = None,
    contrasts_for: ContrastsFor = "fixed",
) -> Explanation:
    """Explain a formula in words, in symbols and as a table, and what the data identify.

    Nothing is fitted. The response of a linear model is used only to foresee that no optimum
    exists; that of a generalized model also to find separation.

    Parameters
    ----------
    formula : str
        In lme4's language.
    data : DataFrame, Table or mapping of arrays, optional
        Without data every variable is assumed to be numeric.
    family, link : str, optional
        For a generalized model, as for `glmer`; None for a linear one. What the data identify then
        refers to the linear predictor.
    weights, offset : str or array_like of shape (rows,), optional
        As for `lmer` and `glmer`: for a binomial proportion the weights are the numbers of trials.
    contrasts, contrasts_for
        As for `lmer`.

    Returns
    -------
    Explanation
        The fixed effects and the random-effects terms, their standard deviations and correlations,
        and the covariance that they imply. With data also which variables vary within the groups,
        which parameters the data identify and why the others are not identified, what to expect of
        a fit, and other random parts: equivalent ones, simpler ones, larger ones.

    Raises
    ------
    FormulaError
        If the formula cannot be read, has no random-effects term, or names an unknown column.
    DataError
        If no model can be fitted to the data. A term with as many random effects as rows or more
        is nevertheless explained, up to 500 covariance parameters.
    OptionError
        If no such family or link exists.

    Warns
    -----
    MissingRowsWarning
        If rows are left out.

    Examples
    --------
    >>> import pylme
    >>> hsb = pylme.datasets.load("hsb")
    >>> pylme.explain("math ~ ses*sector + (ses | sch.id)", hsb).to_frame()[["n_sd", "n_cor"]]
       n_sd  n_cor
    0     2      1
    >>> about = pylme.explain("math ~ ses*sector + (ses*sector | sch.id)", hsb)
    >>> about.n_parameters, about.rank
    (10, 6)
    """
    kind = optional_family(family, link)
    if data is None:
        return of_formula(parse_formula(formula), kind)
    arguments = ModelArguments(
        weights=weights, offset=offset, contrasts=contrasts, contrasts_for=contrasts_for,
        family=kind, reml=kind is None,
    )  # fmt: skip
    spec = specified(formula, data, arguments)
    require_explicable(spec)
    # The matrices are small: more threads would wait for each other.
    with one_thread():
        return explained(examine(spec))


def require_explicable(spec: ModelSpec) -> None:
    """Raise where the model cannot be fitted, and the reason cannot be explained either."""
    few = parameters_of(spec.terms, spec.frame) <= MOST_PARAMETERS
    require_fittable(spec, more_effects_than_rows=few)


def of_formula(formula: Formula, family: Family | None = None) -> Explanation:
    """The explanation of a formula without data."""
    check_functions(formula)
    require_bars(formula)
    fixed = model_terms(formula.fixed, response=formula.response)
    return Explanation(
        formula=str(formula),
        response=deparse(formula.response),
        fixed=FixedPart(effects=uncoded_effects(fixed)),
        random=tuple(
            RandomPart(
                label=f"({deparse(bar.effects)} | {deparse(bar.group)})",
                kind=bar.structure or "us",
                hom=bar.hom,
                group=group_label(bar.group),
                effects=uncoded_effects(model_terms(bar.effects)),
            )
            for bar in expand(formula).bars
        ),
        conditional=conditional(family, formula),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examined:
    """A model specification with data, taken apart.

    Attributes
    ----------
    spec : ModelSpec
    design : ModelMatrices
    explanation : Explanation
        Without expectations and other formulas.
    identifiability : Identifiability
    between : mapping
        The levels of each factor that is constant within the levels of a grouping factor, by the
        names of both: (grouping factor, factor).
    """

    spec: ModelSpec
    design: ModelMatrices
    explanation: Explanation
    identifiability: Identifiability
    between: Mapping[tuple[str, str], tuple[str, ...]]


def explained(examined: Examined) -> Explanation:
    """The whole explanation."""
    design, explanation = examined.design, examined.explanation
    return replace(
        explanation,
        expectations=(
            *foreseen(examined.spec, design),
            *missing_optimum(design),
            *expectations(design, explanation.random, examined.identifiability),
        ),
        alternatives=alternatives(
            examined.spec, design, explanation.random, explanation.fixed, examined.between
        ),
    )


def examine(spec: ModelSpec) -> Examined:
    """Take a model specification apart.

    Parameters
    ----------
    spec : ModelSpec
    """
    with silenced():
        # Dropped columns and rows left out are part of the report.
        design = build(spec)
        values = _variables(spec)
    found = identify(design)
    fixed = _fixed(design, values, found)
    random = tuple(_random(design))
    used = dict.fromkeys(
        piece.variable
        for effects in (fixed.effects, *(part.effects for part in random))
        for effect in effects
        for piece in effect.pieces
    )
    spread = variations({text: values[text] for text in used}, design.flist)
    between = _between(spread, values)
    explanation = Explanation(
        formula=design.formula,
        response=deparse(spec.formula.response),
        fixed=fixed,
        random=random,
        data=True,
        n=design.n,
        n_given=design.rows.n_given,
        groups=tuple(_groups(design.flist)),
        variations=spread,
        levels=tuple(
            replace(each, library=design.rows.library) for each in _by_levels(random, between)
        ),
        identifiability=found,
        conditional=conditional(spec.family, spec.formula, spec),
        library=design.rows.library,
    )
    return Examined(
        spec=spec, design=design, explanation=explanation, identifiability=found, between=between
    )


def _variables(spec: ModelSpec) -> dict[str, Value]:
    """The variables of the model in the rows that it uses; of an indicator its factor too."""
    frame = spec.frame
    evaluator = Evaluator(frame.columns, frame.nrow, Memory())
    nodes = dict(spec.terms.variables)
    for node in spec.terms.variables.values():
        for part in walk(node):
            if isinstance(part, Call) and part.function == "dummy":
                factor = part.arguments[0].value
                nodes[deparse(factor)] = factor
    return complete(evaluated(nodes, evaluator), frame.rows, na_action="omit")[0]


def _fixed(design: ModelMatrices, values: Mapping[str, Value], found: Identifiability) -> FixedPart:
    recipe = design.recipe
    names, assign = design.x_names, design.assign
    if design.dropped:
        # The names of all columns say which is which.
        whole = model_matrix(recipe.terms.fixed, values, recipe.codings, design.n)
        names, assign = whole.names, whole.assign
    effects = coded_effects(recipe.terms.fixed, recipe.codings, names, assign)
    return FixedPart(
        effects=tuple(effects[place] for place in recipe.kept.tolist()),
        dropped=tuple(map(str, found.fixed.dropped)),
    )


def _random(design: ModelMatrices) -> Iterator[RandomPart]:
    for place, term in zip(design.recipe.order, design.terms, strict=True):
        bar = design.recipe.bars[place]
        factor = design.flist[term.group]
        yield RandomPart(
            label=str(bar.part.bar),
            kind=term.structure.kind,
            hom=term.structure.hom,
            group=term.group,
            effects=coded_effects(bar.part.terms, bar.codings, term.names, term.assign),
            varying=tuple(
                int(np.count_nonzero(varying_levels(term.columns[:, [column]], factor)))
                for column in range(len(term.names))
            ),
        )


def _groups(factors: Mapping[str, Factor]) -> Iterator[Groups]:
    for name, factor in factors.items():
        rows = np.bincount(factor.codes, minlength=len(factor.levels))
        yield Groups(name=name, levels=len(rows), fewest=int(rows.min()), most=int(rows.max()))


def _between(
    spread: Sequence[Variation], values: Mapping[str, Value]
) -> dict[tuple[str, str], tuple[str, ...]]:
    """The levels of factors that are constant within groups, by grouping factor and factor."""
    found = {}
    for each in spread:
        value = values[each.variable]
        coded = isinstance(value, (Factor, CodedFactor)) or (
            isinstance(value, np.ndarray) and value.dtype.kind == "b"
        )
        if coded and not each.varying:
            found[each.group, each.variable] = as_factor(value).levels
    return found


def _by_levels(
    random: Sequence[RandomPart], between: Mapping[tuple[str, str], tuple[str, ...]]
) -> Iterator[ByLevel]:
    """The covariances at each level, where one such factor has a part in the random effects."""
    for group in dict.fromkeys(part.group for part in random):
        terms = {i: part.effects for i, part in enumerate(random) if part.group == group}
        inside = {
            piece.variable
            for effects in terms.values()
            for effect in effects
            for piece in effect.pieces
            if piece.kind in ("contrast", "level") and (group, piece.variable) in between
        }
        if len(inside) == 1:
            (by,) = inside
            levels = between[group, by]
            if len(levels) <= _MOST_LEVELS:
                yield by_level(group, by, levels, terms)
