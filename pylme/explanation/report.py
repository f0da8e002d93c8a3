"""The pages of an explanation: the parts of the model, what they imply, what the data show of it."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Final

from pylme.explanation.by_level import linear_form
from pylme.explanation.marginal import MOST_WRITTEN_OUT, summands
from pylme.explanation.notation import TEXT
from pylme.explanation.words import counted, listed, meaning
from pylme.render import LEFT, Document, Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pylme.explanation.by_level import ByLevel
    from pylme.explanation.effects import Effect
    from pylme.explanation.explanation import Explanation
    from pylme.explanation.parts import FixedPart, RandomPart
    from pylme.render import Block

__all__ = ["report"]

_WIDTH: Final = 88
_KINDS: Final = {
    "equivalent": "the same model",
    "simpler": "simpler",
    "larger": "larger",
}


def report(explanation: Explanation) -> Document:
    """All that there is to say."""
    blocks = [*_parts(explanation), *_implied(explanation)]
    if explanation.data:
        blocks += [*_seen(explanation), *_advice(explanation)]
    else:
        blocks.append(_paragraph(
            "Without data every variable is taken for a number. A factor of L levels, or a "
            "function such as poly(), stands for several columns: pass data for the exact names "
            "and numbers, and to see what the data can show."
        ))  # fmt: skip
    return Document(title=explanation.formula, blocks=tuple(blocks))


def _parts(explanation: Explanation) -> Iterator[Block]:
    if explanation.data:
        rows = (("rows", f"{explanation.n:,}"),)
        yield Facts(rows + tuple((group.name, str(group)) for group in explanation.groups))
    fixed = explanation.fixed
    yield _heading(f"Fixed part: {counted(len(fixed.effects), 'coefficient')}, for all alike")
    yield _fixed_facts(fixed)
    if fixed.dropped:
        yield _items(f"dropped, as it depends on others: {each}" for each in fixed.dropped)
    yield _heading("Random part: what differs from group to group")
    for part in explanation.random:
        yield Lines((part.label, *_wrapped(part.sentence())))
        yield _random_facts(part, explanation)
    if len(explanation.random) > 1:
        yield _paragraph("Effects of different terms are independent of each other.")


def _fixed_facts(fixed: FixedPart) -> Facts:
    return Facts(tuple((effect.name, meaning(effect, fixed.effects)) for effect in fixed.effects))


def _random_facts(part: RandomPart, explanation: Explanation) -> Facts:
    levels = {group.name: group.levels for group in explanation.groups}
    counts = part.varying or [None] * len(part.effects)
    return Facts(
        tuple(
            (effect.name, meaning(effect, part.effects) + _variation(effect, count, part, levels))
            for effect, count in zip(part.effects, counts, strict=True)
        )
    )


def _variation(
    effect: Effect, count: int | None, part: RandomPart, levels: Mapping[str, int]
) -> str:
    if count is None or all(piece.kind == "level" for piece in effect.pieces):
        return ""
    if count == 0:
        return f" (the same within every {part.group})"
    return f" (varies within {count:,} of {levels[part.group]:,})"


def _implied(explanation: Explanation) -> Iterator[Block]:
    y = explanation.response
    yield _heading(f"The covariance that this implies for two rows i and k, {y}_i and {y}_k")
    lines: list[str] = []
    for term, part in enumerate(explanation.random):
        lines += _sum_lines(f"same {part.group}: ", term, part)
    lines.append("same row (i = k): σ², the residual variance, besides")
    yield Lines(tuple(lines))
    for levels in explanation.levels:
        yield _level_table(levels)


def _sum_lines(start: str, term: int, part: RandomPart) -> list[str]:
    letter = TEXT.letter(term)
    if len(part.effects) > MOST_WRITTEN_OUT:
        text = (
            f"Σ {letter}_ab z_a,i z_b,k over all pairs of the {len(part.effects)} columns z of "
            f"{part.label}"
        )
        return _wrapped(start + text)
    parts = list(summands(term, part.effects, TEXT))
    lines = [start + parts[0]]
    for each in parts[1:]:
        if len(lines[-1]) + len(each) + 3 > _WIDTH:
            lines[-1] += " +"
            lines.append(" " * len(start) + each)
        else:
            lines[-1] += f" + {each}"
    return lines


def _level_table(levels: ByLevel) -> Table:
    return Table(
        columns=tuple(levels.pair_label(pair) for pair in levels.pairs),
        rows=tuple(tuple(linear_form(form, TEXT) for form in forms) for forms in levels.forms),
        row_names=levels.levels,
        align=(LEFT,) * len(levels.pairs),
        caption=f"At each level of {levels.by}, which is constant within {levels.group}",
    )


def _seen(explanation: Explanation) -> Iterator[Block]:
    variables = list(dict.fromkeys(each.variable for each in explanation.variations))
    groups = list(dict.fromkeys(each.group for each in explanation.variations))
    if variables:
        cells = {(v.variable, v.group): str(v) for v in explanation.variations}
        yield Table(
            columns=tuple(groups),
            rows=tuple(tuple(cells.get((v, g), "") for g in groups) for v in variables),
            row_names=tuple(variables),
            align=(LEFT,) * len(groups),
            caption="What varies within the groups",
        )
    found = explanation.identifiability
    if found is None:
        return
    asked = counted(found.n_parameters, "variance and covariance")
    if found.n_parameters != 1:
        asked = f"{found.n_parameters} variances and covariances"
    yield _heading("What the data can show")
    if not found.directions:
        yield _paragraph(f"{asked}: the data identify all of them.")
        return
    lines = _wrapped(
        f"{asked}, of which the data identify {found.rank}. What follows can change without any "
        "change of the likelihood:"
    )
    for reason, directions in groupby(found.directions, key=lambda each: each.reason):
        for each in directions:
            lines += _wrapped(str(each).removesuffix(f": {reason}"), first="  - ", indent="    ")
        lines += _wrapped(f"because {reason}", first="    ", indent="    ")
    yield Lines(tuple(lines))


def _advice(explanation: Explanation) -> Iterator[Block]:
    if explanation.expectations:
        yield _heading("What to expect")
        yield _items(explanation.expectations)
    if explanation.alternatives:
        yield _heading("Other random parts, whose parameters the data identify")
        yield Facts(
            tuple(
                (
                    f"{_KINDS[each.kind]}, {counted(each.n_parameters, 'parameter')}",
                    f"{each.random}\n{each.reason}",
                )
                for each in explanation.alternatives
            )
        )


def _heading(text: str) -> Lines:
    return Lines((text, "-" * len(text)))


def _paragraph(text: str) -> Lines:
    return Lines(tuple(_wrapped(text)))


def _items(texts: Iterator[str] | tuple[str, ...]) -> Lines:
    return Lines(
        tuple(line for text in texts for line in _wrapped(text, first="- ", indent="  "))
    )


def _wrapped(text: str, *, first: str = "", indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=indent,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip
