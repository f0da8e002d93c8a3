"""A hash of a user's function: its code and every value that the code reaches.

Two functions have the same hash if they do the same: the same instructions, defaults, values of
enclosing functions, globals that are used, partial arguments, attributes of callable objects; and
so on for the functions and classes that these reach. What lies in installed packages is identified
by its name and the package's version. Line numbers, file names, comments and
the order of sets do not count, so that a script that is run again has the same hash.

The bytes of pickle or cloudpickle are no such hash: they contain line numbers and random names of
classes, follow the order of sets, and take a function of a user's module by its name.
"""

from __future__ import annotations

import hashlib
import threading
from contextvars import ContextVar
from functools import cached_property, partial, singledispatchmethod
from pathlib import Path
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MethodType,
    ModuleType,
)
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from pylme.lme4.model import RModel
from pylme.reference.model import ReferenceModel
from pylme.simulation.store.reach import globals_used, installed, name_of, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["fingerprint"]

#: Hashed by their text.
_PLAIN: Final = frozenset({
    type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented),
})  # fmt: skip
#: Tools of programs that hold no values.
_WITHOUT_VALUES: Final = (
    type(threading.Lock()),
    type(threading.RLock()),
    threading.local,
    ContextVar,
)
#: The attributes that Python itself adds to a class.
_OF_PYTHON: Final = frozenset({
    "__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__", "__static_attributes__",
    "__annotations__", "__dataclass_params__", "__match_args__", "__abstractmethods__", "_abc_impl",
})  # fmt: skip


def fingerprint(value: Any) -> str:
    """40 hexadecimal digits.

    Parameters
    ----------
    value : object
        A function, or anything that one may hold.

    Raises
    ------
    TypeError
        If it holds an object that cannot be copied to another process, such as an open file.
    """
    return _Walk().digest(value).hex()


class _Walk:
    """One walk through values, which looks into each object once."""

    def __init__(self) -> None:
        # The objects are kept with their hashes, as an id is of the living only.
        self.known: dict[int, tuple[bytes, Any]] = {}
        self.within: list[int] = []

    def digest(self, value: Any) -> bytes:
        """The hash of a value: of its kind and of the hashes of its parts."""
        if type(value) in _PLAIN:
            return _hashed(type(value).__name__, repr(value).encode("utf-8", "surrogatepass"))
        if id(value) in self.known:
            return self.known[id(value)][0]
        if id(value) in self.within:
            return _hashed("within itself", str(self.within.index(id(value))).encode())
        self.within.append(id(value))
        kind, parts = self._parts(value)
        found = _hashed(kind, *(p if isinstance(p, bytes) else self.digest(p) for p in parts))
        self.within.pop()
        self.known[id(value)] = found, (value, parts)
        return found

    @singledispatchmethod
    def _parts(self, value: Any) -> tuple[str, Iterable[Any]]:
        """What a value is made of; bytes among the parts are hashes already.

        What no function below is for is taken apart as by pickle.
        """
        return self._reduced(value)

    @_parts.register(tuple)
    @_parts.register(list)
    def _sequence(self, value: Any) -> tuple[str, Iterable[Any]]:
        if type(value) not in {tuple, list}:
            return self._reduced(value)
        return type(value).__name__, [self.digest(each) for each in value]

    @_parts.register(dict)
    @_parts.register(MappingProxyType)
    def _mapping(self, value: Any) -> tuple[str, Iterable[Any]]:
        if type(value) not in {dict, MappingProxyType}:
            return self._reduced(value)
        return "dict", [self.digest(part) for pair in value.items() for part in pair]

    @_parts.register(set)
    @_parts.register(frozenset)
    def _set(self, value: Any) -> tuple[str, Iterable[Any]]:
        if type(value) not in {set, frozenset}:
            return self._reduced(value)
        return type(value).__name__, sorted(self.digest(each) for each in value)

    @_parts.register(np.ndarray)
    def _array(self, value: Any) -> tuple[str, Iterable[Any]]:
        if type(value) is not np.ndarray:
            return self._reduced(value)
        if value.dtype.hasobject:
            return "array of objects", [value.shape, value.ravel().tolist()]
        return "array", [str(value.dtype.descr), value.shape, _hashed("", value.tobytes())]

    @_parts.register(pd.DataFrame)
    def _frame(self, value: Any) -> tuple[str, Iterable[Any]]:
        columns = [value.iloc[:, i] for i in range(value.shape[1])]
        names = value.columns.tolist()
        return "DataFrame", [names, value.index, [self._digest_of_column(c) for c in columns]]

    @_parts.register(pd.Series)
    def _series(self, value: Any) -> tuple[str, Iterable[Any]]:
        return "Series", [value.name, value.index, self._digest_of_column(value)]

    @_parts.register(pd.Index)
    def _index(self, value: Any) -> tuple[str, Iterable[Any]]:
        return "Index", [list(value.names), str(value.dtype), value.to_numpy()]

    def _digest_of_column(self, column: pd.Series[Any]) -> bytes:
        if isinstance(column.dtype, pd.CategoricalDtype):
            values = column.cat
            parts: list[Any] = [values.categories.tolist(), values.ordered, values.codes.to_numpy()]
        else:
            parts = [str(column.dtype), column.to_numpy()]
        return self.digest(parts)

    @_parts.register(np.random.Generator)
    def _generator(self, value: Any) -> tuple[str, Iterable[Any]]:
        return "Generator", [value.bit_generator.state]

    @_parts.register(CodeType)
    def _code(self, value: Any) -> tuple[str, Iterable[Any]]:
        counts = value.co_argcount, value.co_posonlyargcount, value.co_kwonlyargcount
        names = value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars
        handlers = getattr(value, "co_exceptiontable", b"")
        return "code", [
            _hashed("", value.co_code, handlers), value.co_consts, names, counts, value.co_flags,
        ]  # fmt: skip

    @_parts.register(FunctionType)
    def _function(self, value: Any) -> tuple[str, Iterable[Any]]:
        if installed(value.__module__):
            return "installed", [named(value)]
        return "function", [
            value.__code__, value.__defaults__, value.__kwdefaults__, value.__closure__,
            list(globals_used(value)), _sorted(vars(value)),
        ]  # fmt: skip

    @_parts.register(CellType)
    def _cell(self, value: Any) -> tuple[str, Iterable[Any]]:
        try:
            return "cell", [value.cell_contents]
        except ValueError:  # not yet filled
            return "empty cell", []

    @_parts.register(MethodType)
    def _method(self, value: Any) -> tuple[str, Iterable[Any]]:
        return "method", [value.__func__, value.__self__]

    @_parts.register(BuiltinFunctionType)
    def _builtin(self, value: Any) -> tuple[str, Iterable[Any]]:
        own = value.__self__
        return "builtin", [value.__name__, None if isinstance(own, ModuleType) else own]

    @_parts.register(partial)
    def _partial(self, value: Any) -> tuple[str, Iterable[Any]]:
        return "partial", [value.func, value.args, value.keywords]

    @_parts.register(ModuleType)
    def _module(self, value: Any) -> tuple[str, Iterable[Any]]:
        if installed(value.__name__):
            return "installed", [named(value)]
        source = getattr(value, "__file__", None)
        text = b"" if source is None else Path(source).read_bytes()
        return "module", [value.__name__, _hashed("", text)]

    @_parts.register(type)
    def _class(self, value: Any) -> tuple[str, Iterable[Any]]:
        if installed(value.__module__):
            return "installed", [named(value)]
        own = {name: each for name, each in vars(value).items() if name not in _OF_PYTHON}
        return "class", [value.__qualname__, value.__bases__, _sorted(own)]

    @_parts.register(property)
    @_parts.register(cached_property)
    @_parts.register(staticmethod)
    @_parts.register(classmethod)
    def _descriptor(self, value: Any) -> tuple[str, Iterable[Any]]:
        if isinstance(value, property):
            return "property", [value.fget, value.fset, value.fdel]
        if isinstance(value, cached_property):
            return "cached_property", [value.func]
        return type(value).__name__, [value.__func__]

    @_parts.register(RModel)
    @_parts.register(ReferenceModel)
    def _model(self, value: Any) -> tuple[str, Iterable[Any]]:
        # The bytes of a fit from R are not the same in each process; its numbers are.
        return "model", [value.engine, value.spec, value.estimates()]

    def _reduced(self, value: Any) -> tuple[str, Iterable[Any]]:
        """Any other object, as pickle takes it apart, less what it has computed on first access."""
        wrapped = getattr(value, "__wrapped__", None)
        if isinstance(wrapped, FunctionType):
            return "wrapped", [name_of(type(value)), wrapped]
        if isinstance(value, _WITHOUT_VALUES):
            return "without values", [name_of(type(value))]
        parts = value.__reduce_ex__(4)
        if isinstance(parts, str):
            return "named", [name_of(type(value)), parts]
        made, arguments, state, listed, mapped = (*parts, None, None, None)[:5]
        if isinstance(state, dict):
            lazy = {
                name
                for kind in type(value).__mro__
                for name, each in vars(kind).items()
                if isinstance(each, cached_property)
            }
            state = _sorted({name: each for name, each in state.items() if name not in lazy})
        items = [None if each is None else list(each) for each in (listed, mapped)]
        return "object", [made, arguments, state, *items]


def _hashed(kind: str, *parts: bytes) -> bytes:
    whole = hashlib.sha256(kind.encode())
    for part in parts:
        whole.update(len(part).to_bytes(8, "little") + part)
    return whole.digest()[:20]


def _sorted(attributes: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(attributes.items(), key=lambda pair: str(pair[0]))
