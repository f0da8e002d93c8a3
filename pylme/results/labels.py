"""The names of the blocks of VarCorr, as lme4 gives them.

A block has the name of its grouping factor. Where one comes repeatedly all names go through R's
``make.names(unique = TRUE)``, which makes ``Subject.1`` of the second ``Subject``, and
``recipe.replicate`` of ``recipe:replicate`` on the way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pylme.formula.literals import is_reserved

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["block_labels", "unique_labels"]

#: What R takes for the beginning of a name: a letter, or a dot that no digit follows.
_BEGINNING: Final = re.compile(r"[^\W\d_]|\.(?!\d)")


def block_labels(groups: Iterable[str]) -> tuple[str, ...]:
    """The name of each term's block, from the terms' grouping factors.

    Parameters
    ----------
    groups : iterable of str

    Examples
    --------
    >>> block_labels(["a:b", "g"]), block_labels(["a:b", "g", "g"])
    (('a:b', 'g'), ('a.b', 'g', 'g.1'))
    """
    names = tuple(groups)
    if len(set(names)) == len(names):
        return names
    made = [_syntactic(name) for name in names]
    # Names that were right from the start keep theirs, whatever others are turned into.
    order = sorted(range(len(names)), key=lambda at: made[at] != names[at])
    labels = dict(zip(order, unique_labels([made[at] for at in order]), strict=True))
    return tuple(labels[at] for at in range(len(names)))


def _syntactic(name: str) -> str:
    """R's ``make.names`` of one name."""
    begun = name if _BEGINNING.match(name) else f"X{name}"
    made = re.sub(r"[^\w.]", ".", begun)
    return f"{made}." if is_reserved(made) else made


def unique_labels(names: Sequence[str]) -> tuple[str, ...]:
    """R's ``make.unique``: numbers for the second of a name and those that follow it."""
    taken = set(names)
    seen: set[str] = set()
    numbers: dict[str, int] = {}
    made = []
    for name in names:
        label = name
        if name in seen:
            number = numbers.get(name, 1)
            while (label := f"{name}.{number}") in taken:
                number += 1
            numbers[name] = number + 1
            taken.add(label)
        seen.add(name)
        made.append(label)
    return tuple(made)
