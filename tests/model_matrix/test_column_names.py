"""Columns of any name, in any place of a formula, on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import pylme
from pylme.errors import ColumnValueError, PylmeError
from pylme.formula import Name, deparse

if TYPE_CHECKING:
    import pandas as pd

pytestmark = pytest.mark.needs_r

#: R's own values, arguments of data.frame(), of lmer() and of functions, and odd characters.
NAMES = [
    *("T", "pi", "LETTERS", "month.abb", "stringsAsFactors", "check.names", "row.names"),
    *("weights", "na.action", "REML", "recursive", "FUN", "log", "TRUE", "NA", "if"),
    *("a`b", "a\\b", "a\nb", "\x01x", "(Intercept)"),
    *("reaction\u00a0time", "a\u200b", "\ufeffx", "e\u0301", "😀"),
]
ENGINES = ("lme4", "numpy")


#: Names at the edge of those that are refused: R can read them.
NAMES += ["+", "~", "%in%", "||a", "\u200ea", "x" * 200]


def _renamed(column: str, name: str) -> pd.DataFrame:
    return pylme.datasets.load("sleepstudy").rename(columns={column: name})


@pytest.mark.parametrize("name", NAMES)
def test_the_model_does_not_depend_on_the_names_of_columns(name: str) -> None:
    """The same model under other names has the same optimum, and both engines name it alike."""
    quoted = deparse(Name(name=name))
    cases = [
        ("Days", f"Reaction ~ {quoted} + ({quoted} | Subject)"),
        ("Reaction", f"{quoted} ~ Days + (Days | Subject)"),
        ("Subject", f"Reaction ~ Days + (Days | {quoted})"),
    ]
    for column, formula in cases:
        fits = [pylme.lmer(formula, _renamed(column, name), engine=engine) for engine in ENGINES]
        for fit in fits:
            assert fit.criterion == pytest.approx(1743.628271960, abs=1e-6)
        by_r, ours = fits
        assert list(ours.fixef.index) == list(by_r.fixef.index)
        assert ours.formula == by_r.formula
        assert list(ours.ranef) == list(by_r.ranef)
        frames = [fit.model_frame() for fit in fits]
        expected = [name if c == column else c for c in ("Reaction", "Days", "Subject")]
        assert [list(frame.columns) for frame in frames] == [expected, expected]
        np.testing.assert_array_equal(
            frames[0]["Reaction" if column != "Reaction" else name],
            frames[1]["Reaction" if column != "Reaction" else name],
        )


@pytest.mark.parametrize("name", ["T", "pi", "a\u200b", "row.names"])
def test_a_name_within_a_function_is_the_column(name: str) -> None:
    quoted = deparse(Name(name=name))
    formula = f"log({quoted}) ~ Days + (1 | Subject)"
    plain = pylme.lmer(
        "log(Reaction) ~ Days + (1 | Subject)", pylme.datasets.load("sleepstudy"), engine="numpy"
    )
    for engine in ENGINES:
        fit = pylme.lmer(formula, _renamed("Reaction", name), engine=engine)
        assert fit.criterion == pytest.approx(plain.criterion, abs=1e-6)


@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
def test_a_column_named_t_is_one_effect_where_it_groups_too() -> None:
    data = _renamed("Days", "T")
    for engine in ENGINES:
        fit = pylme.lmer("Reaction ~ T + (1 | T) + (1 | Subject)", data, engine=engine)
        assert list(fit.fixef.index) == ["(Intercept)", "T"]


def test_the_dot_leaves_a_response_named_t_out() -> None:
    data = _renamed("Reaction", "T")
    fit = pylme.lmer("log(T) ~ . + (1 | Subject)", data, engine="numpy")
    assert list(fit.fixef.index) == ["(Intercept)", "Days"]


def test_true_is_no_column() -> None:
    data = _renamed("Days", "TRUE")
    fit = pylme.lmer("Reaction ~ TRUE + (1 | Subject)", data, engine="numpy")
    assert list(fit.fixef.index) == ["(Intercept)"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", "empty string"),
        ("..1", "keeps this name"),
        ("(weights)", "model frame"),
        ("(offset)", "model frame"),
        ("a\0b", "NUL"),
        ("\ud800", "surrogate"),
        ("a\u2028b", "line separator"),
        ("a\u0085b", "control character"),
        ("a\u0378b", "code point without a character"),
        ("|", "operator"),
        ("||", "operator"),
        ("/", "operator"),
        (":", "operator"),
        ("\u202ea", "direction"),
        ("a\u2069", "direction"),
        ("x" * 8001, "8001 bytes"),
        ("é" * 4001, "8002 bytes"),
    ],
)
def test_names_that_r_cannot_have_are_refused_alike(name: str, found: str) -> None:
    data = dict(pylme.datasets.load("sleepstudy"))
    data[name] = np.ones(180)
    messages = set()
    for engine in ENGINES:
        with pytest.raises(ColumnValueError, match=found) as caught:
            pylme.lmer("Reaction ~ Days + (1 | Subject)", data, weights=name, engine=engine)
        messages.add(str(caught.value))
    (message,) = messages
    message.encode()  # It can be printed.
    fit = pylme.lmer(
        "Reaction ~ Days + (1 | Subject)",
        {("w" if key == name else key): column for key, column in data.items()},
        weights="w",
        engine="numpy",
    )
    assert fit.nobs == 180


def test_a_formula_with_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(PylmeError, match="surrogate pair") as caught:
        pylme.lmer("Reaction ~ `a\ud800` + (1 | Subject)", pylme.datasets.load("sleepstudy"))
    str(caught.value).encode()
