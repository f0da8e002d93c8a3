"""The command `pylme audit`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pylme.cli.output import TO_TERMINAL, Output
from pylme.cli.statuses import ERROR, NOT_GOOD

__all__ = ["audit"]


def audit(
    *files: Annotated[Path, Parameter(name="FILE")],
    output: Output = TO_TERMINAL,
) -> int:
    """Give the verdict on fits that R saved with saveRDS(): files, or whole folders.

    An RDS file is code: a saved fit carries functions that R runs. Audit only files of authors whom
    you trust.

    Gives a table with a row for each fit. The exit status is that of the worst: 0 where all
    answers are right, 3 where one is not or could not be checked, 1 where a file could not be read.

    Parameters
    ----------
    files
        Files with one fit each by lme4 or by lmer() of lmerTest, and folders, of which all files
        that end in .rds are read.
    """
    from pylme.cli.console import progress_shown
    from pylme.cli.saved_fits import audited_files, files_of, to_result

    output.require_place()
    found = audited_files(files_of(files), progress=progress_shown())
    output.give(to_result(found))
    if not all(each.read for each in found):
        return ERROR
    return 0 if all(each.ok for each in found) else NOT_GOOD
