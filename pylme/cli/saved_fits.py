"""The audit of saved fits: each file read, its verdict, and a table of all."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from pylme.cli.output import Result
from pylme.errors import OptionError, PylmeError
from pylme.render.document import LEFT, Document, Table
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = ["Audited", "audited_files", "files_of", "to_result"]

_ENDING: Final = ".rds"
_COLUMNS: Final = ("file", "formula", "rows", "status", "verdict", "excess", "finding")
#: What stands in the place of a verdict where a file could not be read.
_UNREADABLE: Final = "not read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """The audit of one file.

    Attributes
    ----------
    file : str
    formula : str
    rows : int
        0 where the file could not be read.
    status, verdict : str
        lme4's own convergence, and pylme's verdict.
    excess : float
        The criterion of the fit above the best that was found; NaN where there was no search.
    finding : str
        The verdict in a sentence, or the error.
    read, ok : bool
        Whether the file could be read, and whether the answer can be relied on.
    """

    file: str
    formula: str = ""
    rows: int = 0
    status: str = ""
    verdict: str = _UNREADABLE
    excess: float = math.nan
    finding: str = ""
    read: bool = False
    ok: bool = False


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files, and those of each folder and its subfolders that end in .rds.

    Raises
    ------
    OptionError
        If a folder has none, or no path is given.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() == _ENDING)
            if not inside:
                raise OptionError(
                    option="FILE", value=str(path), allowed="a folder with files that end in .rds"
                )
            found += inside
        else:
            found.append(path)
    if not found:
        raise OptionError(option="FILE", value="", allowed="at least one file or folder")
    return found


def _audit(files: Iterable[Path]) -> Iterator[Audited]:
    """The audit of each file, as soon as it is made."""
    import pylme

    for file in files:
        try:
            with silenced():
                fit = pylme.read_rds(file)
                check = fit.cross_check()
                status = fit.convergence.status
        except PylmeError as error:
            yield Audited(file=str(file), finding=f"{error.found}. {error.remedy}")
            continue
        yield Audited(
            file=str(file),
            formula=fit.formula,
            rows=fit.nobs,
            status=status.name,
            verdict=check.verdict.name,
            excess=check.excess,
            finding=check.sentence,
            read=True,
            ok=check.ok,
        )


def audited_files(files: Sequence[Path], *, progress: bool = False) -> tuple[Audited, ...]:
    """The audit of all files.

    Parameters
    ----------
    files : sequence of Path
    progress : bool
        Show a bar on the error stream.
    """
    if not progress:
        return tuple(_audit(files))
    from tqdm import tqdm

    return tuple(tqdm(_audit(files), total=len(files), unit="file", desc="audit"))


def to_result(audited: Sequence[Audited]) -> Result:
    """The table in every form."""
    import pandas as pd

    return Result(
        title="Audit of saved fits",
        shown=lambda: _document(audited),
        frame=lambda: pd.DataFrame([asdict(each) for each in audited])[list(_COLUMNS)],
        # A row for each fit, however long its formula.
        width=sys.maxsize,
    )


def _document(audited: Sequence[Audited]) -> Document:
    """The table, and below it a sentence for each fit whose answer cannot be relied on."""
    good = sum(each.ok for each in audited)
    table = Table(
        columns=("verdict", "excess", "status", "rows", "formula", "file"),
        rows=tuple(
            (
                each.verdict,
                "" if math.isnan(each.excess) else f"{max(each.excess, 0.0):.2g}",
                each.status,
                f"{each.rows:,}" if each.read else "",
                each.formula,
                each.file,
            )
            for each in audited
        ),
        align=(LEFT, "right", LEFT, "right", LEFT, LEFT),
        notes=tuple(_note(each) for each in audited if not each.ok),
    )
    title = f"{good} of {len(audited)} fits can be relied on"
    return Document(title=title, blocks=(table,))


def _note(audited: Audited) -> str:
    """The finding below the table; an error begins with the file already."""
    if audited.finding.startswith(audited.file):
        return audited.finding
    return f"{audited.file}: {audited.finding}"
