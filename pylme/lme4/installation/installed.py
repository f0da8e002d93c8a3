"""The release of rpy2 that is installed, and whether it fits the R of this system."""

from __future__ import annotations

from importlib import metadata
from typing import Final

from pylme.installed_r import version_tuple

__all__ = ["OLDEST_R", "package_version", "rinterface_fits", "rinterface_requirement"]

OLDEST_R: Final = (4, 2)
#: From this release on rpy2-rinterface needs a symbol (R_getVar) that R has since 4.5.
_RINTERFACE_NEEDS_NEW_R: Final = (3, 6, 6)
_NEW_R: Final = (4, 5)


def package_version(distribution: str) -> str | None:
    """The version of an installed Python distribution, without importing it."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


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
