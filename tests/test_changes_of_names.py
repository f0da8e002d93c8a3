"""The page "Changes of names" says what is true: new names are there, old ones are refused."""

from __future__ import annotations

import inspect
import re
from functools import reduce
from pathlib import Path

import pytest

import pylme

PAGE = (Path(__file__).parents[1] / "docs" / "reference" / "changes_of_names.md").read_text(
    encoding="utf-8"
)
#: A row of the table of arguments: functions, the old argument, the new one.
ROW = re.compile(r"^\| (`[^|]+`) \| `(\w+)=` \| `(\w+)=` \|$", re.MULTILINE)
ARGUMENTS = [
    (function, old, new)
    for functions, old, new in ROW.findall(PAGE)
    for function in re.findall(r"`(?:pylme\.)?([\w.]+)`", functions)
]


def test_the_table_is_read():
    assert ("plot.varcorr_data", "level", "conf_level") in ARGUMENTS


@pytest.mark.parametrize(("function", "old", "new"), ARGUMENTS)
def test_an_argument_has_its_new_name_alone(function, old, new):
    found = reduce(getattr, function.split("."), pylme)
    parameters = inspect.signature(found).parameters
    assert new in parameters
    assert old not in parameters
    with pytest.raises(TypeError, match=f"'{old}'"):
        found(*[None] * _required(parameters), **{old: 1})


def _required(parameters):
    return sum(p.default is p.empty and p.kind is not p.VAR_KEYWORD for p in parameters.values())
