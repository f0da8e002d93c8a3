"""What is installed, found from files alone: R's home and version, rpy2's release, and their fit.

R is looked for as rpy2 looks for it: the environment variable R_HOME, then the R on the PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

__all__ = [
    "OLDEST_R",
    "RInstallation",
    "find_r",
    "package_version",
    "rinterface_fits",
    "rinterface_requirement",
    "version_tuple",
]

FoundBy = Literal["R_HOME", "PATH"]

OLDEST_R: Final = (4, 2)
#: From this release on rpy2-rinterface needs a symbol (R_getVar) that R has since 4.5.
_RINTERFACE_NEEDS_NEW_R: Final = (3, 6, 6)
_NEW_R: Final = (4, 5)
_RHOME_SECONDS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RInstallation:
    """An R, as rpy2 would find it.

    Attributes
    ----------
    home : Path
    found_by : {"R_HOME", "PATH"}
    version : str or None
        None where no R is at that place.
    """

    home: Path
    found_by: FoundBy
    version: str | None

    @property
    def rscript(self) -> Path:
        """The command that runs R code without a console."""
        return self.home / "bin" / ("Rscript.exe" if os.name == "nt" else "Rscript")


def find_r() -> RInstallation | None:
    """The R that rpy2 would start; None if there is none."""
    if home := os.environ.get("R_HOME"):
        return _at(Path(home), "R_HOME")
    command = shutil.which("R")
    if command is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603  (the R that the user has on the PATH)
            [command, "RHOME"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_RHOME_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.split("\n")
    return _at(Path(lines[0].strip()), "PATH")


def _at(home: Path, found_by: FoundBy) -> RInstallation:
    # Debian keeps R's base package under the home too; its DESCRIPTION has R's version.
    try:
        text = (home / "library" / "base" / "DESCRIPTION").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    found = re.search(r"^Version:\s*(\S+)", text, re.MULTILINE)
    return RInstallation(home=home, found_by=found_by, version=found[1] if found else None)


def package_version(distribution: str) -> str | None:
    """The version of an installed Python distribution, without importing it."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def version_tuple(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: (4, 2, 2) for "4.2.2 Patched"."""
    leading = re.match(r"\d+(?:[.-]\d+)*", version.strip())
    return tuple(int(part) for part in re.split(r"[.-]", leading[0])) if leading else ()


def rinterface_requirement(r_version: str) -> str:
    """The requirement for pip with which the installed rpy2-rinterface fits this R."""
    if version_tuple(r_version) >= _NEW_R:
        return "rpy2-rinterface>=3.6"
    return f"rpy2-rinterface<{'.'.join(map(str, _RINTERFACE_NEEDS_NEW_R))}"


def rinterface_fits(rinterface: str, r_version: str) -> bool:
    """Whether this release of rpy2-rinterface can be imported with this R."""
    if version_tuple(r_version) >= _NEW_R:
        return True
    return version_tuple(rinterface) < _RINTERFACE_NEEDS_NEW_R
