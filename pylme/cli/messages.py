"""Messages of the library in the words of the command line.

The library speaks of arguments: ``Argument weights``, `` `weights` ``, ``na_action="fail"``,
``subset=data['x'] != 0``, ``pylme.allow_function('f')``, ``fit.cross_check()``. An option has the
name of the argument that it becomes, so that one grammar of such mentions, together with the
options of the command that runs, says them as they are typed: ``--weights``, ``--na-action fail``,
``--subset 'x != 0'``, ``--allow-function f``, ``pylme check``. What the command has no option for
stays as it is.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cyclopts import App

__all__ = ["Words", "in_options", "spoken_by", "words_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How a command says what the library says.

    Attributes
    ----------
    options : mapping
        The options of the command, by the argument that each becomes.
    opposites : mapping
        The options for the value False.
    commands : mapping
        All commands, by the function of the library that each calls.
    """

    options: Mapping[str, str]
    opposites: Mapping[str, str]
    commands: Mapping[str, str]


_speaking: Final[ContextVar[Callable[[], Words] | None]] = ContextVar("pylme_words", default=None)

_QUOTED: Final = r"\"[^\"\n]*\"|'[^'\n]*'"
_COLUMN: Final = r"data\[(?:\"(?P<double>[^\"\n]*)\"|'(?P<single>[^'\n]*)')\]"
_VALUE: Final = rf"{_QUOTED}|-?\d[\w.+-]*(?<![.])|True|False|[A-Za-z_]\w*"
_MENTIONS: Final = re.compile(
    # A call, with what surrounds it in backticks; its arguments have no parentheses.
    rf"`?(?:pylme|fit)\.(?P<function>\w+)\((?P<inside>{_QUOTED}|[^()\n]*)\)`?"
    # An argument by its kind of word.
    r"|\bArgument (?P<argument>-{0,2}[A-Za-z_][\w-]*)(?P<missing>: None is not allowed)?"
    # A choice of rows by one column.
    rf"|\b(?P<chosen>[a-z_]+)={_COLUMN} (?P<compared>[!=<>]=?) (?P<bound>{_QUOTED}|[\w.+-]+)"
    # An argument with a value, alone or in backticks.
    rf"|(?P<tick>`?)\b(?P<name>[a-z_]+)=(?P<value>{_VALUE})(?P=tick)"
    # An argument in backticks.
    r"|`(?P<alone>[a-z_]+)`"
)


def words_of(command: App, commands: Mapping[str, str]) -> Words:
    """The words of a command; `commands` are all, by the function of the library."""
    found = [each for each in command.assemble_argument_collection() if each.name.startswith("--")]
    return Words(
        options={each.field_info.name: each.name for each in found},
        opposites={each.field_info.name: each.negatives[0] for each in found if each.negatives},
        commands=commands,
    )


@contextmanager
def spoken_by(words: Callable[[], Words]) -> Iterator[None]:
    """Within it, messages are said in these words, which are only found out for a message."""
    token = _speaking.set(words)
    try:
        yield
    finally:
        _speaking.reset(token)


def in_options(message: str) -> str:
    """A message of the library in the words of the command that runs; without one as it is."""
    speaking = _speaking.get()
    if speaking is None:
        return message
    words = speaking()
    return _MENTIONS.sub(lambda match: _said(match, words), message)


def _said(match: re.Match[str], words: Words) -> str:
    part = match.groupdict()
    options = words.options
    if part["function"] is not None:
        return _call(match, words)
    if (name := part["argument"]) is not None:
        known = name in options or name.startswith("-")
        missing = ": it is missing" if part["missing"] else ""
        return f"Option {options.get(name, name)}{missing}" if known else match.group()
    if (name := part["chosen"]) in options:
        column = part["double"] if part["double"] is not None else part["single"]
        condition = f"{_backticked(column)} {part['compared']} {part['bound']}"
        return f"{options[name]} {shlex.quote(condition)}"
    if (name := part["name"]) in options:
        return _assigned(name, part["value"], words)
    if (name := part["alone"]) in options:
        return options[name]
    return match.group()


def _call(match: re.Match[str], words: Words) -> str:
    name, inside = match["function"], match["inside"]
    if name in words.options:
        return f"{words.options[name]} {_typed(inside)}"
    return f"`{words.commands[name]}`" if name in words.commands else match.group()


def _assigned(name: str, value: str, words: Words) -> str:
    if value == "True":
        return words.options[name]
    if value == "False":
        return words.opposites.get(name, words.options[name])
    return f"{words.options[name]} {_typed(value)}"


def _typed(value: str) -> str:
    """A value as a shell takes it."""
    return shlex.quote(value[1:-1] if value[:1] in "\"'" else value)


def _backticked(column: str) -> str:
    return column if re.fullmatch(r"[A-Za-z.][\w.]*", column) else f"`{column}`"
