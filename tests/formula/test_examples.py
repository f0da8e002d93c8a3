"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib

import pytest

from pylme import formula


@pytest.mark.parametrize("module", ["bars", "check", "deparse", "expand", "rewriting", "terms"])
def test_examples_of_the_docstrings(module: str) -> None:
    names = {name: getattr(formula, name) for name in formula.__all__}
    done = doctest.testmod(importlib.import_module(f"pylme.formula.{module}"), extraglobs=names)
    assert done.attempted > 0
    assert done.failed == 0
