"""The table of the documentation: what was measured, in Markdown."""

from __future__ import annotations

import datetime as dt
import os
import platform
from typing import TYPE_CHECKING

import pylme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .measure import Result

__all__ = ["table"]


def table(measured: Mapping[str, Sequence[Result]]) -> str:
    """A section for each benchmark, below the machine and the versions that it ran on."""
    of = dict(pylme.show_versions().entries)
    versions = ", ".join(f"{name} {of[name]}" for name in ("R", "lme4", "Python", "numpy", "scipy"))
    lines = [
        f"Measured on {dt.datetime.now(dt.UTC):%Y-%m-%d} on {os.cpu_count()} cores of "
        f"{platform.machine()}, with a load of {os.getloadavg()[0]:.0f} at the end: {versions}."
    ]
    for name, results in measured.items():
        lines += ["", f"### `{name}`", "", "| what | value | limit | |", "|---|---|---|---|"]
        for result in results:
            limit = f"{'at least' if result.at_least else 'at most'} {result.limit:g} {result.unit}"
            kept = "kept" if result.kept else "**falls short**"
            what = f"{result.what}<br>{result.detail}".replace("|", "\\|")
            lines.append(f"| {what} | {result.value:.3g} {result.unit} | {limit} | {kept} |")
    return "\n".join(lines) + "\n"
