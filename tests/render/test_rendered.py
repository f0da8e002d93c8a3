"""An object that describes itself has all the forms."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pylme.render import Rendered, Table, to_html, to_latex, to_markdown, to_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Described(Rendered):
    value: str

    def describe(self):
        return Table(columns=("value",), rows=((self.value,),))


def test_every_form_comes_from_the_description():
    described = Described(value="1")
    table = described.describe()
    assert str(described) == to_text(table)
    assert described.to_html() == described._repr_html_() == to_html(table)
    assert described.to_latex() == to_latex(table)
    assert described.to_markdown() == to_markdown(table)


def test_slots_are_kept():
    assert not hasattr(Described(value="1"), "__dict__")


def test_a_class_must_describe_itself():
    with pytest.raises(TypeError, match="describe"):
        type("Silent", (Rendered,), {})()
