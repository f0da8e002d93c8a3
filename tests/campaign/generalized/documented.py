"""Verdicts on documented models: ``python -m tests.campaign.generalized.documented --report FILE``.

`r_scripts/documented_models.R` fits them by lme4 in a process of its own, as their authors would;
`pylme audit` reads the fits that it saved.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pylme.cli.saved_fits import audited_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pylme.cli.saved_fits import Audited

__all__ = ["audited", "markdown", "name_of"]

_SCRIPT: Final = Path(__file__).parents[3] / "r_scripts" / "documented_models.R"


def audited(folder: Path, *, seconds: float, names: Iterable[str] = ()) -> list[Audited]:
    """The audits of the models that are fitted within so many seconds each.

    Parameters
    ----------
    folder : Path
        Where the fits are saved, and where earlier ones may be.
    seconds : float
    names : iterable of str
        Such as MASS-bacteria; by default all.
    """
    subprocess.run(
        ["Rscript", str(_SCRIPT), str(folder), str(seconds), *names],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return list(audited_files(sorted(folder.glob("*.rds"))))


def name_of(each: Audited) -> str:
    """The package and the data set."""
    return Path(each.file).stem.partition("-")[2]


def markdown(found: Sequence[Audited], *, versions: str) -> str:
    """The table."""
    verdicts = Counter(each.verdict for each in found)
    unconverged = [each for each in found if each.status == "NOT_CONVERGED"]
    false = sum(each.verdict == "FALSE_ALARM" for each in unconverged)
    lines = [
        "# Documented generalized models", "",
        f"{len(found)} fits by {versions} as the packages' help pages have them, and pylme's "
        "verdicts. Formulas as the registry of mixedbench lists them, without zero inflation.", "",
        ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
        + f". lme4 calls {len(unconverged)} not converged, {false} of them without reason.", "",
        "| model | rows | lme4's status | verdict | excess |",
        "| --- | ---: | --- | --- | ---: |",
    ]  # fmt: skip
    for each in found:
        excess = "" if math.isnan(each.excess) else f"{each.excess:.1e}"
        shown = f"{name_of(each)} `{each.formula}`"
        lines.append(
            f"| {shown.replace('|', chr(92) + '|')} | {each.rows:,} | {each.status} "
            f"| {each.verdict} | {excess} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Fit, audit and write the table."""
    from pylme.lme4.session import session

    parser = argparse.ArgumentParser(prog="python -m tests.campaign.generalized.documented")
    parser.add_argument("--seconds", type=float, default=600.0, help="for each fit")
    parser.add_argument("--report", type=Path)
    parser.add_argument("names", nargs="*", help="such as MASS-bacteria; by default all")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = audited(Path(folder), seconds=given.seconds, names=given.names)
    versions = session().versions
    table = markdown(found, versions=f"lme4 {versions['lme4']} on R {versions['R']}")
    if given.report is None:
        print(table)
    else:
        given.report.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
