"""Why R's lme4 cannot be called: found from files, in milliseconds, after a call has failed."""

from __future__ import annotations

from pylme.errors import RUnavailableError
from pylme.installed_r import find_r, version_tuple
from pylme.lme4.installation.installed import OLDEST_R, package_version, rinterface_fits
from pylme.lme4.installation.remedies import (
    install_lme4,
    install_r,
    install_rinterface,
    leave_r_home,
    system,
)

__all__ = ["why_unavailable"]


def why_unavailable(error: BaseException | None = None) -> RUnavailableError:
    """The error to raise where R, rpy2 or lme4 is missing or does not fit together.

    Parameters
    ----------
    error : BaseException, optional
        What stopped the attempt; quoted where no known problem is found.

    Returns
    -------
    RUnavailableError
        With what is missing, and the commands that fix it on this system.
    """
    found, commands = _diagnosed(error)
    fix = "".join(f"    {line}\n" for line in commands.split("\n")) if commands else ""
    return RUnavailableError(
        asked="Calling R's lme4",
        found=found,
        remedy=f"{'To fix it:' if fix else ''}\n{fix}".lstrip()
        + "`pylme doctor` checks each part separately and reports what is wrong with it.",
    )


def _diagnosed(error: BaseException | None) -> tuple[str, str | None]:
    """What is wrong, and the commands that fix it, if any are known."""
    here = system()
    r = find_r()
    rinterface = package_version("rpy2-rinterface")
    if r is None:
        commands = install_r(here)
        if rinterface is None:
            commands += f"\n{install_rinterface(None)}"
        return "R was not found (R_HOME is not set, and no R is on the PATH)", commands
    if r.version is None:
        remedy = leave_r_home() if r.found_by == "R_HOME" else install_r(here)
        return f"no R is in {r.home}, where {r.found_by} points", remedy
    if version_tuple(r.version) < OLDEST_R:
        oldest = ".".join(map(str, OLDEST_R))
        return f"R {r.version} is too old: pylme needs {oldest} or newer", install_r(here)
    if rinterface is None:
        return (
            f"R {r.version} is installed, but the Python package rpy2-rinterface is not",
            install_rinterface(r.version),
        )
    if not rinterface_fits(rinterface, r.version):
        return (
            f"rpy2-rinterface {rinterface} needs R 4.5 or newer, and this is R {r.version}",
            install_rinterface(r.version),
        )
    said = " ".join(str(error).split()) if error is not None else "no reason is known"
    both = f"with R {r.version} and rpy2-rinterface {rinterface}"
    if "lme4" in said:
        return f"lme4 could not be loaded {both}: {said}", install_lme4(here)
    return f"R could not be started {both}: {said}", None
