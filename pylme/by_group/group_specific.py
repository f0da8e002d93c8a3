"""The random part that gives each level of a factor its own covariance matrix.

The factor must be constant within the groups, so that each group belongs to one of its levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.errors import (
    ColumnTypeError,
    ColumnValueError,
    MissingRowsWarning,
    OptionError,
    UnknownColumnError,
)
from pylme.formula import (
    Binary,
    Name,
    check_functions,
    deparse,
    expand,
    group_variables,
    level_block,
    model_terms,
    parse_formula,
    parse_tree,
    walk,
)
from pylme.frame import Factor, Logical, column_names, read_frame
from pylme.model_matrix.evaluation.calls import Memory
from pylme.model_matrix.evaluation.evaluate import Evaluator
from pylme.model_matrix.evaluation.values import as_factor, group_factor, of_column
from pylme.model_matrix.variables import evaluated
from pylme.options import text
from pylme.text import quoted
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylme.formula import Node
    from pylme.frame import Column

__all__ = ["group_specific", "levels_between"]


def group_specific(
    slope: str | Sequence[str] | None = None, *, group: str, by: str, data: Any
) -> str:
    """The random part of a formula with a covariance matrix for each level of a factor.

    In ``(ses | sch.id)`` all schools share one standard deviation of intercepts, one of slopes, and
    one correlation. Here each level of `by` has its own, as in separate fits of the levels, but in
    one model, so that the levels can be compared.

    Parameters
    ----------
    slope : str or sequence of str, optional
        The covariates whose slopes vary: columns, or expressions such as ``"log(x)"``. None for
        intercepts only; these are always included.
    group : str
        The grouping factor: a column, or an interaction such as ``"a:b"``.
    by : str
        A column of strings, categories or truth values that is constant within each group.
    data : DataFrame, Table or mapping of arrays
        The data of the model.

    Returns
    -------
    str
        A term for each level, joined by ``+``, for a formula of either engine.

    Raises
    ------
    UnknownColumnError
        If a column does not exist.
    ColumnTypeError
        If `by` holds numbers or times.
    ColumnValueError
        If `by` varies within a group, has one level, or a level with one group.
    FormulaError
        If `group` or a slope cannot be read.

    Notes
    -----
    All levels share one residual variance, as in every model of lme4. If it differs, fit the levels
    separately, or use R's nlme (``weights = varIdent(form = ~ 1 | sector)``) or glmmTMB.

    Examples
    --------
    >>> import pylme
    >>> hsb = pylme.datasets.load("hsb")
    >>> pylme.group_specific(group="sch.id", by="sector", data=hsb)
    '(0 + dummy(sector, "Public") | sch.id) + (0 + dummy(sector, "Catholic") | sch.id)'
    >>> part = pylme.group_specific("ses", group="sch.id", by="sector", data=hsb)
    >>> fit = pylme.lmer(f"math ~ ses*sector + {part}", hsb)  # doctest: +SKIP
    """
    available = column_names(data)
    text("by", by)
    if by not in available:
        raise UnknownColumnError(name=by, available=available, where="`by`")
    grouping = _node(text("group", group), available, "`group`")
    _require_one_factor(grouping)
    slopes = tuple(_slopes(slope, available))
    levels = levels_between(grouping, by, data)
    return " + ".join(
        str(level_block(slopes, group=grouping, by=by, level=level)) for level in levels
    )


def _require_one_factor(group: Node) -> None:
    # The parser refuses an expression that cannot be a grouping factor, and shows the term.
    if len(expand(parse_formula(f"y ~ (1 | {deparse(group)})")).bars) > 1:
        raise OptionError(
            option="group",
            value=deparse(group),
            allowed="one grouping factor, such as 'a' or 'b:a', and add the other terms yourself",
        )


def _slopes(slope: str | Sequence[str] | None, available: Sequence[str]) -> Iterator[Node]:
    for covariate in _covariates(slope):
        terms = model_terms(_node(covariate, available, "`slope`"))
        if not terms.intercept:
            raise OptionError(
                option="slope",
                value=covariate,
                allowed="covariates only: the intercepts always vary",
            )
        for term in terms.terms:
            yield reduce(lambda a, b: Binary(operator=":", left=a, right=b), term.variables)


def _covariates(slope: object) -> tuple[str, ...]:
    if slope is None:
        return ()
    several = (slope,) if isinstance(slope, str) else slope
    if not isinstance(several, Sequence) or not all(isinstance(each, str) for each in several):
        raise OptionError(
            option="slope", value=slope, allowed="a string, a sequence of strings, or None"
        )
    return tuple(several)


def _node(written: str, available: Sequence[str], where: str) -> Node:
    """The column of that name, otherwise the parsed expression."""
    if written in available:
        return Name(name=written)
    node = parse_tree(written)
    for part in walk(node):
        if isinstance(part, Name) and part.name not in available:
            raise UnknownColumnError(name=part.name, available=available, where=where)
    formula = parse_formula(f"y ~ {deparse(node)}")
    check_functions(formula)
    if expand(formula).bars:
        raise OptionError(
            option=where.strip("`"),
            value=written,
            allowed="columns and expressions of columns: the covariance matrix of each level is "
            "unstructured, and other terms with | are written into the formula",
        )
    return node


def levels_between(group: Node, by: str, data: Any) -> tuple[str, ...]:
    """The levels of a column that divides the groups, each level with two groups at least.

    Parameters
    ----------
    group : Node
        The grouping factor.
    by : str
        The column.
    data : DataFrame, Table or mapping of arrays

    Raises
    ------
    ColumnTypeError
        If the column is neither a factor nor true or false.
    ColumnValueError
        If it varies within a group, has one level, or a level with one group.
    """
    names = [part.name for part in walk(group) if isinstance(part, Name)]
    with silenced(MissingRowsWarning):
        # The fit warns of the rows that are left out, and names the columns.
        frame = read_frame(data, [*names, by], as_factor=set(names) - {by})
    factor = _factor(by, frame.columns[by])
    evaluator = Evaluator(frame.columns, frame.nrow, Memory())
    parts = {deparse(part): part for part in group_variables(group)}
    groups = group_factor(parts, evaluated(parts, evaluator))
    _require_constant(by, factor, deparse(group), groups)
    of_group = np.empty(len(groups.levels), dtype=np.intp)
    of_group[groups.codes] = factor.codes
    counts = np.bincount(of_group, minlength=len(factor.levels)).tolist()
    few = [level for level, count in zip(factor.levels, counts, strict=True) if count < 2]
    if len(counts) < 2 or few:
        raise ColumnValueError(
            column=by,
            found=f"only one {deparse(group)} belongs to {quoted(few, most=3)}"
            if few
            else f"it has one level, {factor.levels[0]!r}",
            remedy="Covariances by level need at least two levels with at least two groups each, "
            "and many more groups for good estimates.",
        )
    return factor.levels


def _factor(by: str, column: Column) -> Factor:
    if isinstance(column, (Factor, Logical)):
        return as_factor(of_column(column))
    raise ColumnTypeError(
        column=by,
        dtype=type(column).__name__.lower(),
        found="levels must be strings, categories or truth values",
        remedy=f'Convert the column to categories: data["{by}"] = data["{by}"].astype("category").',
    )


def _require_constant(by: str, factor: Factor, group: str, groups: Factor) -> None:
    """Raise where two rows of one group have different levels."""
    lowest = np.full(len(groups.levels), len(factor.levels))
    highest = np.full(len(groups.levels), -1)
    np.minimum.at(lowest, groups.codes, factor.codes)
    np.maximum.at(highest, groups.codes, factor.codes)
    mixed = np.flatnonzero(lowest < highest).tolist()
    if mixed:
        first = mixed[0]
        both = quoted([factor.levels[lowest[first]], factor.levels[highest[first]]])
        raise ColumnValueError(
            column=by,
            found=f"it varies within {len(mixed)} of {len(groups.levels)} levels of {group}: "
            f"{groups.levels[first]!r} has rows of {both}",
            remedy="A covariance matrix for each level needs groups that belong to one level "
            f"entirely. For effects of {by} that vary within groups, write ({by} | {group}).",
        )
