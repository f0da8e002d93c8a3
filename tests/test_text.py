"""Words of messages and reports."""

import pytest

from pylme.text import counted, listed, nearest, quoted, suggestion


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_names_in_a_list(names, text):
    assert listed(names) == text


def test_of_many_names_only_their_number_is_given():
    assert listed(list("abcdef"), most=4) == "a, b, c and 3 more"
    assert quoted(range(5), most=3) == "'0', '1', '2' and 2 more"


def test_counts():
    assert counted(1, "row") == "1 row"
    assert counted(2000, "row") == "2,000 rows"


def test_the_nearest_name():
    assert nearest("Sujbect", ["Subject", "Days"]) == ("Subject",)
    assert nearest(3, ["Subject"]) == ()
    assert suggestion("Sujbect", ["Subject", "Days"]) == "Did you mean 'Subject'?"
    assert suggestion("zzz", ["a", "b"]) == "There are: 'a', 'b'."
    assert suggestion("zzz", []) == "There are none."
