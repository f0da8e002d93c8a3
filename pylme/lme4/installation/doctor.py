"""What is installed, what is wrong with it, and the command that fixes it.

Nothing is started in this process: R and rpy2 are tried out in processes of their own, each with a
time limit.
"""

from __future__ import annotations

import platform
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final

from pylme._version import __version__
from pylme.errors import OptionError
from pylme.installed_r import find_r
from pylme.lme4.installation.checks import (
    PROBED_PACKAGES,
    PYTHON_PACKAGES,
    ProbeError,
    ask_r,
    ask_rpy2,
    bridge_checks,
    native_checks,
    python_checks,
    r_check,
)
from pylme.lme4.installation.diagnosis import Diagnosis, Versions
from pylme.lme4.installation.installed import package_version
from pylme.options import is_number

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["doctor", "show_versions"]

_OPTIONAL_PACKAGES: Final = ("polars", "pyarrow")


def doctor(*, timeout: float = 60.0) -> Diagnosis:
    """Check Python, rpy2, R, lme4 and the BLAS that R uses, and say what to do.

    Parameters
    ----------
    timeout : float
        The time limit in seconds for the answers of R and of rpy2, each.

    Returns
    -------
    Diagnosis
        ``.ok`` says whether lme4 can be called; prints as a table with the remedies below it.

    Examples
    --------
    >>> import pylme
    >>> pylme.doctor().ok
    True
    """
    _require_seconds(timeout)
    r = find_r()
    with ThreadPoolExecutor(2) as pool:
        native = None if r is None else pool.submit(_attempt, partial(ask_r, r, fit=True), timeout)
        bridge = pool.submit(_attempt, ask_rpy2, timeout)
    checks = [*python_checks(), r_check(r)]
    if native is not None and checks[-1].ok:
        checks += native_checks(native.result())
    checks += bridge_checks(r, bridge.result())
    return Diagnosis(checks=tuple(checks))


def show_versions(*, timeout: float = 60.0) -> Versions:
    """Versions of all software that takes part in a fit, for a problem report.

    Parameters
    ----------
    timeout : float
        The time limit in seconds for R's answer.

    Returns
    -------
    Versions
        Prints as a table.

    Examples
    --------
    >>> import pylme
    >>> pylme.show_versions().to_dict()["pylme"] == pylme.__version__
    True
    """
    _require_seconds(timeout)
    entries = {
        "pylme": __version__,
        "Python": platform.python_version(),
        "platform": platform.platform(),
    }
    packages = (*PYTHON_PACKAGES, *_OPTIONAL_PACKAGES, "rpy2-rinterface")
    entries |= {name: package_version(name) or "not installed" for name in packages}
    r = find_r()
    answers = {} if r is None else _attempt(partial(ask_r, r, fit=False), timeout)
    if isinstance(answers, ProbeError):
        entries["R"] = f"does not run: {answers}"
    else:
        entries["R"] = answers.get("version") or "not installed"
        entries |= {name: answers.get(name) or "not installed" for name in PROBED_PACKAGES}
        entries |= {
            label: answers[key]
            for label, key in (("BLAS", "blas"), ("LAPACK", "lapack"))
            if answers.get(key)
        }
    return Versions(entries=tuple(entries.items()))


def _attempt(probe: Callable[..., dict[str, str]], timeout: float) -> dict[str, str] | ProbeError:
    try:
        return probe(timeout=timeout)
    except ProbeError as error:
        return error


def _require_seconds(timeout: object) -> None:
    if not (is_number(timeout) and 0 < timeout < float("inf")):
        raise OptionError(option="timeout", value=timeout, allowed="a positive number of seconds")
