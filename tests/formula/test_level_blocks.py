"""Terms for one level of a factor: written, and read back from the names of their effects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylme.formula import (
    LevelBlock,
    Name,
    level_block,
    model_terms,
    parse_formula,
    read_level_block,
)

#: Any column and any level that a data frame may have; R has no place for NUL.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(TEXTS, TEXTS)
def test_what_is_written_is_read_back(by, level):
    bar = level_block([Name(name="x")], group=Name(name="g"), by=by, level=level)
    (read,) = parse_formula(f"y ~ {bar}").bars
    labels = model_terms(read.effects).labels
    assert read_level_block(labels) == LevelBlock(by=by, level=level, names=("(Intercept)", "x"))


def test_the_text_is_what_one_would_write():
    slopes = [Name(name="x"), Name(name="a z")]
    bar = level_block(slopes, group=Name(name="g"), by="f", level='say "no"')
    indicator = r'dummy(f, "say \"no\"")'
    assert str(bar) == f"(0 + {indicator} + {indicator}:x + {indicator}:`a z` | g)"


@pytest.mark.parametrize(
    "names",
    [
        ["(Intercept)", "x"],
        ["x"],
        ['dummy(f, "a")', "x"],
        ['dummy(f, "a")', 'dummy(f, "b"):x'],
        ['dummy(f, "a")', 'dummy(f, "a")x'],
        ['dummy(factor(f), "a")'],
        ["dummy(f)"],
    ],
)
def test_other_terms_belong_to_no_level(names):
    assert read_level_block(names) is None


def test_an_effect_named_by_a_level_of_its_own_factor():
    names = ['dummy(f, "a")', 'dummy(f, "a"):factor(x)2', 'dummy(f, "a"):x:z']
    found = read_level_block(names)
    assert found.names == ("(Intercept)", "factor(x)2", "x:z")
