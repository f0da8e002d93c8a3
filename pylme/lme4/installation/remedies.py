"""The exact commands that fix an installation, for this system."""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Final, Literal

from pylme.lme4.installation.installed import rinterface_requirement

__all__ = [
    "System",
    "compile_lme4",
    "install_blas",
    "install_lme4",
    "install_r",
    "install_rinterface",
    "install_rpackage",
    "leave_r_home",
    "system",
]

System = Literal["apt", "dnf", "brew", "conda", "windows", "other"]

_CRAN: Final = "https://cloud.r-project.org"


@cache
def system() -> System:
    """What installs software here. Conda comes first: its R is found before the system's."""
    if (Path(sys.prefix) / "conda-meta").is_dir():
        return "conda"
    if os.name == "nt":
        return "windows"
    for command, name in _MANAGERS:
        if shutil.which(command):
            return name
    return "other"


_MANAGERS: Final[tuple[tuple[str, System], ...]] = (
    ("apt-get", "apt"),
    ("dnf", "dnf"),
    ("brew", "brew"),
)


def _as_root(command: str) -> str:
    return command if os.name == "nt" or os.geteuid() == 0 else f"sudo {command}"


def _apt(*packages: str) -> str:
    return _as_root(f"apt-get install -y --no-install-recommends {' '.join(packages)}")


def install_rpackage(name: str) -> str:
    """The command by which R itself installs a package from CRAN."""
    return f"""Rscript -e "install.packages('{name}', repos='{_CRAN}')\""""


def compile_lme4() -> str:
    """The command that compiles lme4 again: it must match the Matrix that it was compiled with."""
    return f"""Rscript -e "install.packages('lme4', repos='{_CRAN}', type='source')\""""


def install_lme4(on: System) -> str:
    """The command that installs lme4 for an R that is there."""
    if on == "apt":
        return _apt("r-cran-lme4")
    if on == "conda":
        return "conda install -y -c conda-forge r-lme4"
    return install_rpackage("lme4")


def install_r(on: System) -> str:
    """The commands that install R, what rpy2 is compiled with, and lme4."""
    if on == "apt":
        return _apt("r-base-core", "r-base-dev", "r-cran-lme4", "libopenblas0-pthread")
    if on == "conda":
        return "conda install -y -c conda-forge r-base r-lme4 c-compiler"
    r_alone = {
        "dnf": _as_root("dnf install -y R"),
        "brew": "brew install r",
        "windows": "winget install -e --id RProject.R",
        "other": f"install R from {_CRAN}",
    }[on]
    return f"{r_alone}\n{install_lme4(on)}"


def install_blas(on: System) -> str | None:
    """The command that gives R a fast BLAS; None where no single command does."""
    if on == "apt":
        return _apt("libopenblas0-pthread")
    if on == "dnf":
        return _as_root("dnf install -y flexiblas-openblas-threads")
    if on == "conda":
        return 'conda install -y -c conda-forge "libblas=*=*openblas"'
    if sys.platform == "darwin":
        return 'ln -sf libRblas.vecLib.dylib "$(R RHOME)/lib/libRblas.dylib"'
    return None


def leave_r_home() -> str:
    """The command after which the R on the PATH is used."""
    return "set R_HOME=" if os.name == "nt" else "unset R_HOME"


def install_rinterface(r_version: str | None) -> str:
    """The command that installs the release of rpy2-rinterface that fits an R."""
    wanted = (
        '"rpy2-rinterface>=3.6"' if r_version is None else f'"{rinterface_requirement(r_version)}"'
    )
    return f"{sys.executable} -m pip install {wanted}"
