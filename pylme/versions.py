"""What differs between versions of R and of lme4, in one table.

`CHANGES` says since which version R or lme4 does something in another way. Whoever depends on it
asks `has`, and nobody else compares version numbers. The versions are those of the R that runs in
this process; before it is started, those of the R that would be started, read from its files; and
where there is no R, the newest that pylme is tested with. So the NumPy engine prints what the
installed lme4 prints.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from pylme.installed_r import find_r, r_package_version, version_tuple

__all__ = ["CHANGES", "NEWEST", "Change", "RVersions", "current", "has", "know"]

Software: TypeAlias = Literal["R", "lme4"]

Change: TypeAlias = Literal[
    "-2*log(L)",
    "structures",
    "dispersion",
    "quadrature_constant",
    "par",
    "newer_dims",
    "bare_group",
    "template",
    "sparse_derivatives",
    "blank_correlation",
    "abbreviate",
    "short_midnights",
    "fifteen_digits",
]

#: What changed, in which software, and in which version.
CHANGES: Final[dict[Change, tuple[Software, tuple[int, ...]]]] = {
    # The summary and llikAIC() call -2 log L by this name; before, "deviance".
    "-2*log(L)": ("lme4", (1, 1, 37)),
    # us(), diag(), cs() and ar1() around a random-effects term.
    "structures": ("lme4", (2, 0)),
    # The iterations for the random effects of a family with a dispersion parameter weigh by it,
    # which makes another criterion; before, by 1. Its log-likelihood has no additional 2.
    "dispersion": ("lme4", (2, 1)),
    # The criterion by quadrature is -2 log L; before, without what depends on the response alone.
    "quadrature_constant": ("lme4", (2, 1)),
    # getME() has the optimiser's parameters, which differ from theta for a structured term.
    "par": ("lme4", (2, 0)),
    # The dims of getME("devcomp") have the number of parameters, and three of generalized models.
    "newer_dims": ("lme4", (2, 1)),
    # The names of grouping factors are without parentheses: c:b:a for (1 | a/b/c); before, c:(b:a).
    "bare_group": ("lme4", (1, 1, 36)),
    # The entries of lFormula()'s Lambdat are the numbers of its template; before, those of theta.
    "template": ("lme4", (2, 0)),
    # No derivatives for singular fits, for 10,000 rows or more, and for 10 parameters or more.
    "sparse_derivatives": ("lme4", (1, 1, 38)),
    # VarCorr prints a last column of correlations that is blank.
    "blank_correlation": ("lme4", (2, 0)),
    # abbreviate() drops lower case letters beyond ASCII, and takes no full stop for a vowel.
    "abbreviate": ("R", (4, 6)),
    # as.character() of times writes each as short as it can: a midnight as its day, beside others
    # with a time of day. The labels that pylme gives to levels are those before, alike in a factor.
    "short_midnights": ("R", (4, 3)),
    # as.character() writes whole numbers beyond 15 digits with 15; before, with all.
    "fifteen_digits": ("R", (4, 3)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RVersions:
    """The versions of R and lme4.

    Attributes
    ----------
    r, lme4 : tuple of int
    """

    r: tuple[int, ...]
    lme4: tuple[int, ...]


#: The newest that the tests have run with.
NEWEST: Final = RVersions(r=(4, 6, 1), lme4=(2, 1, 0))

_running: RVersions | None = None


def know(*, r: str, lme4: str) -> None:
    """Take the versions of the R that runs in this process.

    Parameters
    ----------
    r, lme4 : str
    """
    global _running  # noqa: PLW0603  (one R in a process)
    _running = RVersions(r=version_tuple(r), lme4=version_tuple(lme4))


def current() -> RVersions:
    """The versions that run, or would; the newest where there is no R with lme4."""
    if _running is not None:
        return _running
    names = ("R_HOME", "PATH", "R_LIBS", "R_LIBS_USER", "R_LIBS_SITE")
    return _from_files(tuple(os.environ.get(name) for name in names))


@lru_cache(maxsize=8)
def _from_files(environment: tuple[str | None, ...]) -> RVersions:
    del environment  # the key: what decides which R is found
    r = find_r()
    if r is None or r.version is None or (lme4 := r_package_version(r, "lme4")) is None:
        return NEWEST
    return RVersions(r=version_tuple(r.version), lme4=version_tuple(lme4))


def has(change: Change, versions: RVersions | None = None) -> bool:
    """Whether a change of `CHANGES` is in these versions, by default the current ones.

    Examples
    --------
    >>> has("structures", RVersions(r=(4, 2, 2), lme4=(1, 1, 31)))
    False
    """
    software, since = CHANGES[change]
    known = current() if versions is None else versions
    return (known.r if software == "R" else known.lme4) >= since
