"""Families by name, and what is refused."""

from __future__ import annotations

import math

import pytest

from pylme.errors import OptionError
from pylme.families import LINKS, family, negative_binomial


def test_the_first_link_is_the_usual_one() -> None:
    assert {name: family(name).link for name in LINKS if name != "gaussian"} == {
        "binomial": "logit",
        "poisson": "log",
        "Gamma": "inverse",
        "inverse.gaussian": "1/mu^2",
    }


def test_a_negative_binomial_has_a_shape() -> None:
    assert negative_binomial(2).shape == 2.0
    assert negative_binomial(2.5, "sqrt").link == "sqrt"


@pytest.mark.parametrize("shape", [0.0, -1.0, math.inf, math.nan, "2", None, True])
def test_a_shape_that_is_none(shape: object) -> None:
    with pytest.raises(OptionError, match="positive finite number"):
        negative_binomial(shape)  # type: ignore[arg-type]


def test_a_link_that_a_family_does_not_have() -> None:
    with pytest.raises(OptionError, match="identity"):
        negative_binomial(1.0, "logit")
    with pytest.raises(OptionError):
        family("poisson", "logit")
