"""What was checked, what was found, and the commands that fix what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["Diagnosis", "InstallationCheck", "Versions"]

_MARKS: Final = {True: "ok", None: "note", False: "WRONG"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationCheck:
    """One part that was checked.

    Attributes
    ----------
    name : str
    found : str
        A version, a place, or what went wrong.
    ok : bool or None
        None where it works and could be better, or where it was not checked.
    remedy : str or None
        The commands that fix it.
    """

    name: str
    found: str
    ok: bool | None = True
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Whether lme4 can be called, and why not; prints as a table with the remedies below.

    Attributes
    ----------
    checks : tuple of InstallationCheck
    """

    checks: tuple[InstallationCheck, ...]

    @property
    def ok(self) -> bool:
        """Whether a model can be fitted with lme4."""
        return all(check.ok is not False for check in self.checks)

    def __str__(self) -> str:
        width = max((len(check.name) for check in self.checks), default=0)
        lines = [
            f"{_MARKS[check.ok]:<5}  {check.name.ljust(width)}  {check.found}"
            for check in self.checks
        ]
        verdict = "lme4 can be called." if self.ok else "lme4 cannot be called from here."
        lines += ["", verdict]
        if not self.ok:
            lines.append('Linear mixed models are fitted without R by engine="numpy".')
        remedies: dict[str, list[str]] = {}
        for check in self.checks:
            if check.remedy is not None:
                remedies.setdefault(check.remedy, []).append(check.name)
        for remedy, names in remedies.items():
            lines += ["", f"To fix {', '.join(names)}:"]
            lines += [f"    {line}" for line in remedy.split("\n")]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The versions for a problem report; prints as a table.

    Attributes
    ----------
    entries : tuple of (str, str)
        Name and version, or "not installed".
    """

    entries: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, str]:
        """The entries by name."""
        return dict(self.entries)

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.entries)
        return "\n".join(f"{name.ljust(width)}  {version}" for name, version in self.entries)
