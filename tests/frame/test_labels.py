"""The text of levels, against R's own ``as.character``."""

import json
import subprocess

import numpy as np
import pytest

from pylme.errors import ColumnValueError
from pylme.frame.labels import checked_text, label_text, number_text
from pylme.versions import has

SOME = [
    *[0.0, -0.0, 1.0, -1.0, 10.0, 1e4, 1e5, -1e5, 123456.0, 100001.0, 1e15, 1e16, 1.5e5, 1e-4],
    *[0.0001234, 0.00012, 1e-5, 0.1 + 0.2, 1 / 3, 2 / 3, 100 / 3, 1e-300, 1e300, 5e-324, 1e100],
    *[1234567.891, 12345678901234567.0, 2.0**53, 2.0**31, 3e9, 0.1, 0.5, 1e22, 123456789012.5],
    *[np.pi, np.e * 1e10, -np.pi * 1e-10, 99999.5, 999999999999999.0, 0.99999999999999999],
]


def random_doubles() -> list[float]:
    rng = np.random.default_rng(20)
    wide = rng.normal(size=300) * 10.0 ** rng.integers(-20, 15, size=300)
    short = np.round(rng.normal(size=300) * 100, 3)
    return [*wide.tolist(), *short.tolist()]


@pytest.mark.needs_r
def test_doubles_are_written_as_r_writes_them():
    numbers = [*SOME, *random_doubles()]
    given = ",".join(number.hex() for number in numbers)
    code = (
        "x <- as.numeric(strsplit(readLines(file('stdin')), ',')[[1]]);"
        "cat(as.character(x), sep = '\\n')"
    )
    answer = subprocess.run(
        ["Rscript", "-e", code], input=given + "\n", capture_output=True, text=True, check=True
    )
    expected = answer.stdout.split()
    compared = [
        (number, text)
        for number, text in zip(numbers, expected, strict=True)
        if abs(number) < 1e15 or not has("fifteen_digits")
    ]
    assert len(compared) > 600
    assert [number_text(number) for number, _ in compared] == [text for _, text in compared]


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("a b", "a b"),
        (True, "TRUE"),
        (np.False_, "FALSE"),
        (100000, "100000"),
        (np.int64(2**60), "1152921504606846976"),
        (100000.0, "1e+05"),
        (np.float32(0.5), "0.5"),
        (float("inf"), "Inf"),
        ((1, 2), "(1, 2)"),
    ],
)
def test_labels_are_shown_as_r_shows_their_like(label, text):
    assert label_text(label) == text


def test_a_string_enumeration_is_its_string():
    from enum import Enum

    class Colour(str, Enum):  # noqa: UP042 - a StrEnum prints as its string, this does not
        RED = "red"

    assert label_text(Colour.RED) == "red"


@pytest.mark.parametrize("level", ["a\0b", "\ud800x"])
def test_text_that_r_cannot_hold_is_refused_by_name(level):
    with pytest.raises(ColumnValueError, match="g") as caught:
        checked_text("g", ["fine", level])
    message = str(caught.value)
    assert ascii(level)[1:-1] in message
    # The message itself must be printable wherever it lands.
    assert json.loads(json.dumps(message.encode().decode())) == message
