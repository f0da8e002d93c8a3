"""The verdicts on documented models are those of the table that is kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.campaign.generalized.documented import audited, markdown, name_of

if TYPE_CHECKING:
    from pylme.cli.saved_fits import Audited

pytestmark = pytest.mark.needs_r

KEPT = Path(__file__).parent / "documented.md"
#: Fits that take a second or less.
QUICK = ("lme4-cbpp", "boot-cane", "HSAUR3-backpain", "MASS-Traffic")


def kept() -> dict[tuple[str, str], str]:
    """The verdicts of the table, by model and formula."""
    text = KEPT.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+) `(.+)` \|[^|]*\| \w+ \| (\w+) \|", text, re.MULTILINE)
    return {(name, formula.replace("\\|", "|")): verdict for name, formula, verdict in rows}


def compared(found: list[Audited]) -> None:
    known = kept()
    for each in found:
        assert each.read
        # Later versions of the packages have more data sets than the table.
        expected = known.get((name_of(each), each.formula))
        assert each.verdict == expected or expected is None, each.finding
        assert each.verdict not in ("DISAGREES", "UNCHECKED"), each.finding


def test_quick_ones(tmp_path: Path) -> None:
    found = audited(tmp_path, seconds=60, names=QUICK)
    # Of packages that are not installed there is none.
    assert {"lme4-cbpp"} <= {name_of(each) for each in found} <= set(QUICK)
    compared(found)
    assert "lme4-cbpp `cbind(incidence" in markdown(found, versions="lme4")


@pytest.mark.simulation
def test_all(tmp_path: Path) -> None:
    found = audited(tmp_path, seconds=300)
    assert len(found) > 20
    compared(found)
