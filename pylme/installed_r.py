"""The R of this system, found from files alone, and the versions of its packages.

R is looked for as rpy2 looks for it: the environment variable R_HOME, then the R on the PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

__all__ = ["RInstallation", "find_r", "r_package_version", "version_tuple"]

FoundBy = Literal["R_HOME", "PATH"]

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
    version = _described(home / "library" / "base")
    return RInstallation(home=home, found_by=found_by, version=version)


def r_package_version(r: RInstallation, package: str) -> str | None:
    """The version of a package in the libraries of this R; None if it is in none of them.

    Parameters
    ----------
    r : RInstallation
    package : str
    """
    named = (os.environ.get(name, "") for name in ("R_LIBS", "R_LIBS_USER", "R_LIBS_SITE"))
    libraries = [Path(path) for text in named for path in text.split(os.pathsep) if path]
    # Debian keeps packages beside R's own home, and those of the user under /usr/local.
    libraries += [
        Path("/usr/local/lib/R/site-library"),
        r.home / "site-library",
        r.home / "library",
    ]
    return next(filter(None, (_described(library / package) for library in libraries)), None)


def _described(folder: Path) -> str | None:
    """The version in a package's DESCRIPTION."""
    try:
        text = (folder / "DESCRIPTION").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(r"^Version:\s*(\S+)", text, re.MULTILINE)
    return found[1] if found else None


def version_tuple(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: (4, 2, 2) for "4.2.2 Patched"."""
    leading = re.match(r"\d+(?:[.-]\d+)*", version.strip())
    return tuple(int(part) for part in re.split(r"[.-]", leading[0])) if leading else ()
