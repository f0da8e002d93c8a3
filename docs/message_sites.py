"""Every place in the sources where an error or a warning of pylme's is made.

The catalogue of messages in the documentation, and the test that each has a trigger, read this. A
template is the text as the source writes it, with `…` where a value of the moment stands.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SOURCES", "Site", "sites"]

SOURCES: Final = Path(__file__).parent.parent / "pylme"
#: Reasons and remedies that join an error of R's.
_PARTS: Final = frozenset({"Cause"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A call that makes an error or a warning.

    Attributes
    ----------
    module : str
        The file, relative to the package.
    function : str
        The innermost function around it.
    kind : str
        The class that is made.
    number : int
        Its place among those of that class in that function, from 1.
    first, last : int
        Its lines.
    template : tuple of str
        The texts among its arguments.
    """

    module: str
    function: str
    kind: str
    number: int
    first: int
    last: int
    template: tuple[str, ...]

    @property
    def key(self) -> str:
        """A name that stays when lines move."""
        return f"{self.module} {self.function} {self.kind} {self.number}"


def sites() -> tuple[Site, ...]:
    """All of them, file by file in the order of their lines."""
    home = SOURCES / "errors"
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in home.glob("*.py")]
    classes = {node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
    kinds = classes | _PARTS
    found: list[Site] = []
    for path in sorted(SOURCES.rglob("*.py")):
        if path.parent == home:
            continue
        module = path.relative_to(SOURCES).as_posix()
        counts: dict[tuple[str, str], int] = {}
        for function, call in _calls(ast.parse(path.read_text(encoding="utf-8")), "module"):
            kind = _name(call.func)
            if kind not in kinds:
                continue
            number = counts[function, kind] = counts.get((function, kind), 0) + 1
            found.append(
                Site(
                    module=module,
                    function=function,
                    kind=kind,
                    number=number,
                    first=call.lineno,
                    last=call.end_lineno or call.lineno,
                    template=tuple(_texts(call)),
                )
            )
    return tuple(found)


def _calls(node: ast.AST, function: str) -> Iterator[tuple[str, ast.Call]]:
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef) else function
        if isinstance(child, ast.Call):
            yield inside, child
        yield from _calls(child, inside)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _texts(call: ast.Call) -> Iterator[str]:
    """The texts among the arguments, values as an ellipsis."""
    for value in [*call.args, *(word.value for word in call.keywords)]:
        text = _text(value)
        if text.strip("… "):
            yield text


def _text(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left) + _text(right)
        case ast.IfExp(body=body, orelse=other):
            return f"{_text(body)} / {_text(other)}"
        case _:
            return "…"
