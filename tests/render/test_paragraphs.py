"""Prose in lines of a readable width."""

from __future__ import annotations

from pylme.render.text import WIDTH, item, wrapped

LONG = "cov(ses:sectorPublic, ses:sectorCatholic | sch.id) " * 4


def test_lines_are_no_wider_than_that_and_words_stay_whole():
    lines = wrapped(LONG, "  ").split("\n")
    assert max(map(len, lines)) <= WIDTH
    assert all(line.startswith("  ") for line in lines)
    assert " ".join(" ".join(lines).split()) == LONG.strip()


def test_line_ends_of_the_text_say_nothing():
    assert wrapped("one\n  two\tthree") == "one two three"


def test_a_word_that_is_too_long_is_not_broken():
    assert wrapped("x" * 200) == "x" * 200


def test_an_item_is_indented():
    first, *rest = item(LONG).split("\n")
    assert first.startswith("  - cov(")
    assert all(line.startswith("    ") for line in rest)
