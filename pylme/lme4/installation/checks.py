"""The checks of doctor: for each part the finding, a verdict and the command that fixes it.

R and rpy2 are tested in separate processes, so that nothing is started in this one.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Final

from pylme._version import __version__
from pylme.installed_r import version_tuple
from pylme.lme4.installation.diagnosis import InstallationCheck
from pylme.lme4.installation.installed import OLDEST_R, package_version, rinterface_fits
from pylme.lme4.installation.remedies import (
    compile_lme4,
    install_blas,
    install_lme4,
    install_r,
    install_rinterface,
    install_rpackage,
    leave_r_home,
    system,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pylme.installed_r import RInstallation

__all__ = [
    "PROBED_PACKAGES",
    "PYTHON_PACKAGES",
    "ProbeError",
    "ask_r",
    "ask_rpy2",
    "bridge_checks",
    "native_checks",
    "python_checks",
    "r_check",
]

#: The packages whose versions doctor.R tells.
PROBED_PACKAGES: Final = ("lme4", "Matrix", "nlme", "minqa", "nloptr")

_MARK: Final = "pylme\t"
_START_R: Final = """
import rpy2.rinterface as rinterface
rinterface.initr()
version = rinterface.evalr('paste(R.version$major, R.version$minor, sep = ".")')[0]
rinterface.evalr('loadNamespace("lme4")')
print("pylme\\tversion\\t" + version, flush=True)
"""

PYTHON_PACKAGES: Final = ("numpy", "scipy", "pandas", "narwhals")
_FAST_BLAS: Final = re.compile(
    r"openblas|mkl|blis|atlas|accelerate|veclib|flexiblas|armpl|essl", re.IGNORECASE
)
#: Published with the data set Dyestuff, REML.
_CRITERION: Final = 319.654276842
_NEAR: Final = 1e-4


class ProbeError(Exception):
    """A process that failed or gave no answer; the text says how."""


def ask_r(r: RInstallation, *, fit: bool, timeout: float) -> dict[str, str]:
    """R's report on itself, its BLAS and its packages; optionally with a fit of a small model.

    Raises
    ------
    ProbeError
        If R does not run, or not in time.
    """
    with as_file(files("pylme.lme4.installation").joinpath("doctor.R")) as script:
        command: list[str | Path] = [r.rscript, script]
        return _answers(_output([*command, "fit"] if fit else command, timeout=timeout))


def ask_rpy2(*, timeout: float) -> dict[str, str]:
    """The version of the R that rpy2 starts, after it has loaded lme4.

    Raises
    ------
    ProbeError
        If rpy2 cannot be imported, cannot start R, or cannot load lme4.
    """
    return _answers(_output([sys.executable, "-c", _START_R], timeout=timeout))


def _answers(output: str) -> dict[str, str]:
    answers = [line.split("\t", 2) for line in output.splitlines() if line.startswith(_MARK)]
    return {key: value for _, key, value in answers}


def _output(command: Sequence[str | Path], *, timeout: float) -> str:
    try:
        done = subprocess.run(  # noqa: S603  (this Python, and the R that rpy2 would start)
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProbeError(f"no answer within {timeout:g} s") from None
    except OSError as error:
        raise ProbeError(str(error)) from error
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise ProbeError(said[-1] if said else f"it ended with status {done.returncode}")
    return done.stdout


def python_checks() -> list[InstallationCheck]:
    checks = [
        InstallationCheck(name="Python", found=f"{platform.python_version()} ({sys.executable})"),
        InstallationCheck(name="pylme", found=__version__),
    ]
    for name in PYTHON_PACKAGES:
        version = package_version(name)
        checks.append(
            InstallationCheck(
                name=name,
                found=version or "not installed",
                ok=version is not None,
                remedy=None if version else f"{sys.executable} -m pip install {name}",
            )
        )
    return checks


def r_check(r: RInstallation | None) -> InstallationCheck:
    if r is None:
        found = "not found: R_HOME is not set, and no R is on the PATH"
        return InstallationCheck(name="R", found=found, ok=False, remedy=install_r(system()))
    if r.version is None:
        found = f"none in {r.home}, where {r.found_by} points"
        remedy = leave_r_home() if r.found_by == "R_HOME" else install_r(system())
        return InstallationCheck(name="R", found=found, ok=False, remedy=remedy)
    found = f"{r.version} ({r.home}, by {r.found_by})"
    if version_tuple(r.version) < OLDEST_R:
        found += f", older than {'.'.join(map(str, OLDEST_R))}"
        return InstallationCheck(name="R", found=found, ok=False, remedy=install_r(system()))
    return InstallationCheck(name="R", found=found)


def native_checks(answers: dict[str, str] | ProbeError) -> list[InstallationCheck]:
    """The checks of R, from its report or the lack of one."""
    if isinstance(answers, ProbeError):
        return [
            InstallationCheck(
                name="R runs",
                found=f"Rscript failed: {answers}",
                ok=False,
                remedy=install_r(system()),
            )
        ]
    checks = [_package_check(name, answers.get(name, "")) for name in PROBED_PACKAGES]
    if answers.get("lme4"):
        checks.append(_fit_check(answers))
    return [*checks, _blas_check(answers.get("blas", "")), _lapack_check(answers.get("lapack", ""))]


def _package_check(name: str, version: str) -> InstallationCheck:
    if version:
        return InstallationCheck(name=name, found=version)
    remedy = install_lme4(system()) if name == "lme4" else install_rpackage(name)
    return InstallationCheck(name=name, found="not installed", ok=False, remedy=remedy)


def _fit_check(answers: dict[str, str]) -> InstallationCheck:
    if "criterion" not in answers:
        why = answers.get("failure", "R ended without saying why")
        return InstallationCheck(
            name="a fit with lmer",
            found=why,
            ok=False,
            remedy=compile_lme4()
            if "cholmod" in why or "Matrix" in why
            else install_lme4(system()),
        )
    wrong_by = abs(float(answers["criterion"]) - _CRITERION)
    if wrong_by > _NEAR:
        found = f"REML {answers['criterion']} on Dyestuff, where {_CRITERION} is published"
        remedy = install_rpackage("lme4")
        return InstallationCheck(name="a fit with lmer", found=found, ok=False, remedy=remedy)
    return InstallationCheck(
        name="a fit with lmer", found=f"REML {answers['criterion']} on Dyestuff, as known"
    )


def _blas_check(path: str) -> InstallationCheck:
    if not path:
        return InstallationCheck(name="BLAS", found="R does not say", ok=None)
    if _FAST_BLAS.search(path):
        return InstallationCheck(name="BLAS", found=path)
    found = f"{path}: the slow reference BLAS; large models take three to four times as long"
    return InstallationCheck(name="BLAS", found=found, ok=None, remedy=install_blas(system()))


def _lapack_check(path: str) -> InstallationCheck:
    return InstallationCheck(
        name="LAPACK", found=path or "R does not say", ok=True if path else None
    )


def bridge_checks(
    r: RInstallation | None, answers: dict[str, str] | ProbeError
) -> list[InstallationCheck]:
    """The release of rpy2-rinterface, and whether it starts R and loads lme4."""
    version = package_version("rpy2-rinterface")
    r_version = None if r is None else r.version
    remedy = install_rinterface(r_version)
    if version is None:
        return [
            InstallationCheck(
                name="rpy2-rinterface", found="not installed", ok=False, remedy=remedy
            )
        ]
    if r_version is not None and not rinterface_fits(version, r_version):
        found = f"{version}, which needs R 4.5 or newer: this is R {r_version}"
        return [InstallationCheck(name="rpy2-rinterface", found=found, ok=False, remedy=remedy)]
    release = InstallationCheck(name="rpy2-rinterface", found=version)
    if isinstance(answers, ProbeError):
        fix = None if r is None or "lme4" in str(answers) else f"{remedy} --force-reinstall"
        failed = InstallationCheck(
            name="R through rpy2", found=f"fails: {answers}", ok=False, remedy=fix
        )
        return [release, failed]
    started = answers.get("version", "")
    if r_version is not None and version_tuple(started) != version_tuple(r_version):
        found = f"R {started} is started, not R {r_version}"
        return [release, InstallationCheck(name="R through rpy2", found=found, ok=None)]
    return [
        release,
        InstallationCheck(name="R through rpy2", found=f"R {started} starts and loads lme4"),
    ]
