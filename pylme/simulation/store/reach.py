"""What the code of a function reaches: the globals that it uses, and where these are defined."""

from __future__ import annotations

import dis
import importlib
import importlib.util
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FunctionType

__all__ = ["globals_used", "installed", "name_of", "named"]

#: Where installed packages and the standard library lie.
_INSTALLED: Final = tuple(
    str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platlib", "purelib")
)
_PACKAGE: Final = __name__.partition(".")[0]


def name_of(value: Any) -> str:
    """The full name of a class or function."""
    return f"{value.__module__}.{value.__qualname__}"


def named(value: Any) -> str:
    """A name in an installed package, with its version."""
    name = value.__name__ if isinstance(value, ModuleType) else name_of(value)
    package = sys.modules.get(name.partition(".")[0])
    return f"{name} {getattr(package, '__version__', '')}"


def installed(name: str | None) -> bool:
    """Whether a module of that name is not the user's own."""
    if name is None or name.partition(".")[0] == _PACKAGE or name in sys.builtin_module_names:
        return True
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is not None and _is_installed(file)


def _is_installed(file: str) -> bool:
    return str(Path(file).resolve()).startswith(_INSTALLED)


def globals_used(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The globals that a function's code and the codes within it load, and what they import.

    Of own modules, what of them is used.
    """
    seen = set()
    for code in _codes(function.__code__):
        instructions = list(dis.get_instructions(code))
        for this, following in zip(instructions, [*instructions[1:], None], strict=True):
            name = this.argval
            if this.opname not in {"LOAD_GLOBAL", "LOAD_NAME"} or name not in function.__globals__:
                continue
            value = function.__globals__[name]
            if (
                isinstance(value, ModuleType)
                and not installed(value.__name__)
                and following is not None
                and following.opname in {"LOAD_ATTR", "LOAD_METHOD"}
                and hasattr(value, following.argval)
            ):
                name, value = f"{name}.{following.argval}", getattr(value, following.argval)
            if name not in seen:
                seen.add(name)
                yield name, value
        yield from _imported(instructions, function.__globals__)


def _imported(
    instructions: list[dis.Instruction], around: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """What own modules give to the import statements of a code."""
    for i, this in enumerate(instructions):
        if this.opname != "IMPORT_NAME":
            continue
        level, names = instructions[i - 2].argval, instructions[i - 1].argval
        # What cannot be imported here fails in each replicate too, and is a row with its error.
        with suppress(Exception):
            full = importlib.util.resolve_name("." * level + this.argval, around.get("__package__"))
            spec = importlib.util.find_spec(full)
            if spec is None or spec.origin is None or _is_installed(spec.origin):
                continue
            # The function would import it in a moment. Loaded or not, the hash is the same.
            module = importlib.import_module(full)
            if not names:
                yield full, module
            for name in names or ():
                yield f"{full}.{name}", _member(module, name)


def _member(module: ModuleType, name: str) -> Any:
    """An attribute of a module, or a module within a package."""
    if hasattr(module, name):
        return getattr(module, name)
    return importlib.import_module(f"{module.__name__}.{name}")


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)
