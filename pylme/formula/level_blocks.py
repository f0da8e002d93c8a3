"""A covariance matrix for each level of a factor, as a formula can say it.

In ``(0 + dummy(f, "a") + dummy(f, "a"):x | g)`` the indicator of the level is the intercept, and
its product with x the slope: groups with f = a have effects of their own, all others have none. One
such term for each level gives every level its own covariance matrix. lme4 names the effects after
the columns; what is written here is read back from these names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

from pylme.errors import FormulaError
from pylme.formula.bars import Bar
from pylme.formula.literals import unescape
from pylme.formula.nodes import Argument, Binary, Call, Name, Number, String
from pylme.formula.parse import parse_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.formula.nodes import Node

__all__ = ["LevelBlock", "level_block", "read_level_block"]

_INDICATOR: Final = re.compile(r'dummy\((?P<factor>.+?), "(?P<level>(?:[^"\\]|\\.)*)"\)')


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelBlock:
    """What the names of a term's effects say of the level that it belongs to.

    Attributes
    ----------
    by : str
        The column whose level it is.
    level : str
    names : tuple of str
        The effects without the indicator, as they would be named in a term for all levels.
    """

    by: str
    level: str
    names: tuple[str, ...]


def level_block(slopes: Sequence[Node], *, group: Node, by: str, level: str) -> Bar:
    """The term that gives one level of a factor an intercept and slopes of its own.

    Parameters
    ----------
    slopes : sequence of Node
        None for an intercept alone.
    group : Node
    by, level : str
        A column, and one of its levels.

    Examples
    --------
    >>> str(level_block([Name(name="x")], group=Name(name="g"), by="f", level="a"))
    '(0 + dummy(f, "a") + dummy(f, "a"):x | g)'
    """
    indicator = Call(
        function="dummy",
        arguments=(Argument(value=Name(name=by)), Argument(value=String(value=level))),
    )
    products = [Binary(operator=":", left=indicator, right=slope) for slope in slopes]
    parts: list[Node] = [Number(value=0), indicator, *products]
    effects = reduce(lambda left, right: Binary(operator="+", left=left, right=right), parts)
    return Bar(effects=effects, group=group)


def read_level_block(names: Sequence[str]) -> LevelBlock | None:
    """The level that a term belongs to, by the names of its effects; None if it is no such term.

    Examples
    --------
    >>> read_level_block(['dummy(f, "a")', 'dummy(f, "a"):x'])
    LevelBlock(by='f', level='a', names=('(Intercept)', 'x'))
    """
    found = _INDICATOR.match(names[0])
    if found is None:
        return None
    indicator = found[0]
    if not all(name == indicator or name.startswith(f"{indicator}:") for name in names):
        return None
    by, level = _column(found["factor"]), unescape(found["level"])
    if by is None or level is None:
        return None
    rest = (name.removeprefix(indicator).removeprefix(":") for name in names)
    return LevelBlock(by=by, level=level, names=tuple(name or "(Intercept)" for name in rest))


def _column(text: str) -> str | None:
    """The column of that name; None if the text is no column."""
    try:
        node = parse_tree(text)
    except FormulaError:
        return None
    return node.name if isinstance(node, Name) else None
