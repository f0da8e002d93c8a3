"""Messages about what a formula computes from columns: calls, dates, dots, contrasts."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.formula import allow
from tests.catalogue.case import DATA, Case

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CASES", "allowed"]

_HOURS = pd.Timestamp("2024-03-01") + pd.to_timedelta(np.arange(80), "h")
_TIMED = DATA.assign(
    day=[date(2024, 3, 1) + timedelta(days=i) for i in range(80)],
    t=_HOURS,
    until=_HOURS + pd.to_timedelta(DATA["w"], "h"),
    micro=pd.Timestamp("2024-03-01") + pd.to_timedelta(np.arange(80) % 3, "us"),
    one="a",
)
_design = partial(pylme.design, data=_TIMED)


def _of(term: str) -> str:
    return f"y ~ {term} + (1 | g)"


def _bad(
    term: str,
    kind: str,
    said: str,
    parsed: str | None = None,
    good: str = "{}",
) -> Case:
    """A term that is refused; `good` is a term made of what the message says to write."""
    return Case(
        trigger=lambda: _design(_of(term)),
        kind=kind,
        said=said,
        remedy=lambda *groups: _design(_of(good.format(*groups))),
        parsed=parsed,
    )


def _line(formula: str, kind: str = "FormulaError") -> Case:
    """A formula in place of which the message writes another."""
    return Case(
        trigger=lambda: _design(formula),
        kind=kind,
        said="Write it in R's language",
        remedy=_design,
        parsed=r"Write it in R's language: (.+)",
    )


def _labelled(code: str) -> object:
    """The code of a message, which makes labels of a column of times."""
    names = {"data": _TIMED.copy(), "column": "micro"}
    exec(code, names)  # noqa: S102
    return pylme.design(_of("factor(micro)"), names["data"])


def _subset(code: str) -> object:
    """The rows that a message says to keep."""
    return eval(code, {"data": DATA})  # noqa: S307


@contextmanager
def allowed(name: str) -> Iterator[None]:
    """Let formulas call a function, until the end of this block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allow, "_allowed", set(allow._allowed))
        pylme.allow_function(name)
        yield


def _by_lme4(name: str) -> object:
    with allowed(name):
        return pylme.lmer(_of(f"{name}(w)"), DATA)


def _allow_for_a_moment(name: str) -> None:
    with allowed(name):
        pass


CASES = {
    "what R alone evaluates": _bad(
        "factor(f, exclude = 'a')", "NotAvailableError", "not known", good="f"
    ),
    "no numbers": _bad("log(f)", "FormulaError", "not numeric", good="f"),
    "no arguments": _bad(
        "poly()",
        "FormulaError",
        "is not given",
        r"poly\(\) takes (\w+), (\w+)",
        "poly({0}, {1} = 2)",
    ),
    "a factor of one level": _bad("factor(one)", "ColumnValueError", "one level", good="1"),
    "arithmetic of days": _bad(
        "I(day * 2)",
        "FormulaError",
        "does not define",
        r"Write (as\.numeric\(.+?\)) in its place",
        "I({} * 2)",
    ),
    "a difference of times": _bad(
        "I(until - t)", "FormulaError", "unit", r"Write (.+?), which is in seconds", "I({})"
    ),
    "a time of the machine": _bad("I(t > '2024-03-02')", "FormulaError", "time zone", good="f"),
    "no date": _bad("I(day > 'March')", "FormulaError", "not a date", good="I(day > '2024-03-09')"),
    "times of one text": Case(
        trigger=lambda: _design(_of("factor(micro)")),
        kind="FormulaError",
        said="same text",
        remedy=_labelled,
        parsed=r"(data\[column\] = .+?),",
    ),
    "no value of a call in any row": Case(
        trigger=lambda: pylme.explain(_of("log(x)"), DATA.assign(x=-DATA["w"])),
        kind="EmptyDataError",
        said="gave no value",
        remedy=lambda: _design(_of("log(w)")),
    ),
    "a group without an average": Case(
        trigger=lambda: _design(_of("ave(x, h)")).on(DATA.assign(h="other")),
        kind="ColumnValueError",
        said="did not occur",
        remedy=lambda: _design(_of("ave(x, h)")).on(DATA[DATA["h"] != "h1"]),
    ),
    "an offset of new rows": Case(
        trigger=lambda: _design(_of("x"), offset=np.ones(80)).on(DATA),
        kind="OptionError",
        said="offset of the new rows",
        remedy=lambda: _design(_of("x"), offset=np.ones(80)).on(DATA, offset=np.ones(80)),
    ),
    "another summary": _bad(
        "ave(x, g, FUN = system)",
        "CodeNotAllowedError",
        "FUN",
        r"and FUN = (\w+)",
        "ave(x, h, FUN = {})",
    ),
    "another contrast": _bad(
        "C(f, system)",
        "CodeNotAllowedError",
        "C() takes",
        r"one of ([\w.]+), .*, (\w[\w.]*), by name",
        "C(f, {0}) + C(h, {1})",
    ),
    "patsy's contrast": _line("y ~ C(f, Sum) + (1 | g)", "CodeNotAllowedError"),
    "patsy's splines": _line("y ~ bs(x, df=4, include_intercept=True) + (1 | g)"),
    "a power": _line("y ~ x**2 + (1 | g)"),
    "a function of Python to allow": Case(
        trigger=lambda: pylme.allow_function("np.log"),
        kind="OptionError",
        said="none of Python's",
        remedy=lambda name: _design(_of(f"{name}(w)")),
        parsed=r"(\w+)\(\) is what np\.log\(\) is in R",
    ),
    "a function that runs code": Case(
        trigger=lambda: _allow_for_a_moment("system"), kind="UnsafeFunctionWarning", said="system()"
    ),
    "a function that R does not have": Case(
        trigger=lambda: _by_lme4("lgamm"),
        kind="FormulaError",
        said="R has no function 'lgamm'",
        remedy=_by_lme4,
        parsed=r"Did you mean '(\w+)'",
        needs_r=True,
    ),
    "an infinite argument of what learns": Case(
        trigger=lambda: _design(_of("scale(1 / count)")),
        kind="InfiniteValueError",
        said="Evaluating '1/count'",
        remedy=lambda code: _design(_of("scale(1 / count)"), subset=_subset(code)),
        parsed=r"with subset=(.+?), or",
    ),
    "a centre of each row": _bad(
        "scale(x, center = w)", "FormulaError", "one for each column", good="I(x - w)"
    ),
    "a polynomial of missing values": _bad(
        "poly(sqrt(x), 2)", "FormulaError", "has no value in", good="poly(w, 2)"
    ),
    "levels without an order": _bad(
        "I(f > 'a')", "FormulaError", "no order", r"(==) and != compare", "I(f {} 'a')"
    ),
    "a level that is not there": _bad(
        "I(ordered(f) > 'z')",
        "FormulaError",
        "not among",
        r"is not among '(\w+)'",
        "I(ordered(f) > '{}')",
    ),
    "numbers crossed": _bad(
        "ave(x, two:f)", "FormulaError", "crosses factors", good="ave(x, two, f)"
    ),
    "a minus before a bar": _bad("x - (1 | h)", "FormulaSyntaxError", "minus", good="x"),
    "a dot of nothing": Case(
        trigger=lambda: pylme.explain("y ~ . + (1 | g)", DATA[["y", "g"]]),
        kind="FormulaSyntaxError",
        said="no column",
        remedy=lambda dot: pylme.explain(f"y ~ {dot} + (1 | g)", DATA[["y", "g"]]),
        parsed=r"Write (\d) in its place",
    ),
    "nesting within nesting": Case(
        trigger=lambda: _design("y ~ x + (1 | (g:f)/h)"),
        kind="FormulaError",
        said="single column",
        remedy=lambda: _design("y ~ x + (1 | g:f) + (1 | g:h)"),
    ),
    "half a character": Case(
        trigger=lambda: _design("y ~ a\ud800 + (1 | g)"),
        kind="FormulaSyntaxError",
        said="surrogate",
        remedy=lambda: _design("y ~ x + (1 | g)"),
    ),
    "three parts": Case(
        trigger=lambda: _design("y ~ f(x) ~ a + (a | g)"),
        kind="NonlinearModelError",
        said="three parts",
    ),
    "a text as a function": _bad("'log'(w)", "CodeNotAllowedError", "log", good="log(w)"),
    "a power of no whole number": _bad("(x + f)^1.5", "FormulaError", "power", good="(x + f)^2"),
}
