"""What was checked, what was found, and the commands that fix what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pylme.render import Document, Facts, Lines, Paragraph, Prose, Rendered

if TYPE_CHECKING:
    from pylme.render import Block

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
class Diagnosis(Rendered):
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

    def describe(self) -> Document:
        """The checks, whether lme4 can be called, and the commands that fix it."""
        verdict = ["lme4 can be called." if self.ok else "lme4 cannot be called from here."]
        if not self.ok:
            verdict.append('Linear mixed models are fitted without R by engine="numpy".')
        blocks: list[Block] = [
            Facts(tuple((each.name, f"{_MARKS[each.ok]}, {each.found}") for each in self.checks)),
            Prose(tuple(map(Paragraph, verdict))),
        ]
        remedies: dict[str, list[str]] = {}
        for check in self.checks:
            if check.remedy is not None:
                remedies.setdefault(check.remedy, []).append(check.name)
        for remedy, names in remedies.items():
            blocks.append(Prose((Paragraph(f"To fix {', '.join(names)}:", heading=True),)))
            lines = tuple(f"    {line}" for line in remedy.split("\n"))
            blocks.append(Lines(lines, attached=True))
        return Document(title=None, blocks=tuple(blocks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions(Rendered):
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

    def describe(self) -> Document:
        """A line for each program and package."""
        return Document(title=None, blocks=(Facts(self.entries),))
