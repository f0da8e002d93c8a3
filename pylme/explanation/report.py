"""An explanation as a page: the parts of the model, what they imply, what the data identify."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Final

from pylme.explanation.alternatives import MOST_COMPARED, Alternative
from pylme.explanation.by_level import ByLevel, linear_form
from pylme.explanation.conditional import Conditional
from pylme.explanation.notation import MOST_WRITTEN_OUT, TEXT, meaning, summands
from pylme.explanation.parts import FixedPart, Groups, RandomPart, Variation
from pylme.identifiability.report import Identifiability
from pylme.render import LEFT, Document, Facts, Paragraph, Prose, Table
from pylme.render.text import WIDTH, wrapped
from pylme.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pylme.explanation.effects import Effect
    from pylme.render import Block

__all__ = ["Specification", "report"]

_KINDS: Final = {"equivalent": "the same model", "simpler": "simpler", "larger": "larger"}
_WITHOUT_DATA: Final = (
    "Without data every variable is taken for a number. A factor of L levels, or a function such "
    "as poly(), stands for several columns: pass data for the exact names and numbers, and to see "
    "what the data can show."
)
_LEGEND: Final = (
    "the variances (one index twice) and covariances (two indices) of the effects of a term, "
    "counted from 0 as listed above."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Specification:
    """What a formula specifies, and what the data identify.

    `Explanation` documents each part, and displays them.
    """

    formula: str
    response: str
    fixed: FixedPart
    random: tuple[RandomPart, ...]
    data: bool = False
    n: int = 0
    n_given: int = 0
    groups: tuple[Groups, ...] = ()
    variations: tuple[Variation, ...] = ()
    levels: tuple[ByLevel, ...] = ()
    identifiability: Identifiability | None = None
    expectations: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    conditional: Conditional | None = None

    @property
    def n_sd(self) -> int:
        """The number of standard deviations of random effects."""
        return sum(part.n_sd for part in self.random)

    @property
    def n_cor(self) -> int:
        """The number of correlations of random effects."""
        return sum(part.n_cor for part in self.random)

    @property
    def n_parameters(self) -> int:
        """The number of variances and covariances, without the residual variance."""
        return self.n_sd + self.n_cor

    @property
    def numbers(self) -> str:
        """The numbers of standard deviations and of correlations, in words."""
        deviations = counted(self.n_sd, "standard deviation")
        return f"{deviations}, {counted(self.n_cor, 'correlation')}"

    @property
    def rank(self) -> int | None:
        """How many of them the data identify; None without data."""
        return None if self.identifiability is None else self.identifiability.rank


def report(specification: Specification) -> Document:
    """The whole page."""
    blocks = [*_fixed(specification), *_random(specification), *_implied(specification)]
    if specification.data:
        blocks += [*_seen(specification), *_advice(specification)]
    else:
        blocks.append(_prose(_WITHOUT_DATA))
    return Document(title=specification.formula, blocks=tuple(blocks))


def _fixed(specification: Specification) -> Iterator[Block]:
    if specification.data:
        given = "" if specification.n == specification.n_given else f" of {specification.n_given:,}"
        yield Facts(
            (
                ("rows", f"{specification.n:,}{given}"),
                *((group.name, str(group)) for group in specification.groups),
            )
        )
    if specification.conditional is not None:
        yield _heading("RESPONSE, given the random effects: its mean is μ")
        yield Facts(specification.conditional.facts)
    fixed = specification.fixed
    yield _heading(f"FIXED PART, for all alike: {counted(len(fixed.effects), 'coefficient')}")
    yield Facts(tuple((effect.name, meaning(effect, fixed.effects)) for effect in fixed.effects))
    if fixed.dropped:
        yield _items(f"dropped, as it depends on others: {each}" for each in fixed.dropped)


def _random(specification: Specification) -> Iterator[Block]:
    yield _heading(f"RANDOM PART, different from group to group: {specification.numbers}")
    levels = {group.name: group.levels for group in specification.groups}
    for part in specification.random:
        label = Paragraph(part.label, lines=(part.label,))
        yield Prose((label, Paragraph(part.sentence())))
        counts = part.varying or [None] * len(part.effects)
        yield Facts(
            tuple(
                (effect.name, meaning(effect, part.effects) + _variation(effect, n, part, levels))
                for effect, n in zip(part.effects, counts, strict=True)
            )
        )
    if len(specification.random) > 1:
        yield _prose("Effects of different terms are independent of each other.")


def _variation(
    effect: Effect, count: int | None, part: RandomPart, levels: Mapping[str, int]
) -> str:
    if count is None or all(piece.kind == "level" for piece in effect.pieces):
        return ""
    if count == 0:
        return f"; the same within every {part.group}"
    return f"; varies within {count:,} of {levels[part.group]:,}"


def _implied(specification: Specification) -> Iterator[Block]:
    family = specification.conditional
    y = specification.response if family is None else f"{family.link}(μ)"
    yield _heading(f"THE COVARIANCE THAT THIS IMPLIES, of {y}_i and {y}_k in two rows i and k")
    grouped = {levels.group for levels in specification.levels}
    lines: list[Paragraph] = []
    for levels in specification.levels:
        parts = summands(levels.effects, levels.label, TEXT)
        lines.append(_sum(f"same {levels.group}: ", list(parts)))
    for term, part in enumerate(specification.random):
        if part.group not in grouped:
            lines.append(_sum(f"same {part.group}: ", list(_written(term, part))))
    if family is None:
        lines.append(Paragraph("same row (i = k): also the residual variance σ²"))
    yield Prose(tuple(lines))
    for levels in specification.levels:
        yield _level_table(levels)
    letters = ", ".join(TEXT.letter(term) for term in range(len(specification.random)))
    yield _prose(f"{letters}: {_LEGEND}")


def _written(term: int, part: RandomPart) -> Iterator[str]:
    if len(part.effects) <= MOST_WRITTEN_OUT:
        yield from summands(part.effects, partial(TEXT.tau, term), TEXT)
    else:
        letter = TEXT.letter(term)
        yield f"Σ {letter}_ab z_ai z_bk over all pairs of the {len(part.effects)} columns z"


def _sum(start: str, parts: list[str]) -> Paragraph:
    """A sum in lines of a readable width."""
    lines = [start + parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + 3 > WIDTH:
            lines[-1] += " +"
            lines.append(" " * len(start) + part)
        else:
            lines[-1] += f" + {part}"
    return Paragraph(start + " + ".join(parts), lines=tuple(lines))


def _level_table(levels: ByLevel) -> Table:
    return Table(
        columns=tuple(levels.label(*pair) for pair in levels.pairs),
        rows=tuple(tuple(linear_form(form, TEXT) for form in forms) for forms in levels.forms),
        row_names=levels.levels,
        align=(LEFT,) * len(levels.pairs),
        caption=f"where these are, by {levels.by}, which is constant within {levels.group}:",
    )


def _seen(specification: Specification) -> Iterator[Block]:
    yield _heading("WHAT THE DATA CAN SHOW")
    variables = list(dict.fromkeys(each.variable for each in specification.variations))
    groups = list(dict.fromkeys(each.group for each in specification.variations))
    if variables:
        cells = {(each.variable, each.group): str(each) for each in specification.variations}
        yield Table(
            columns=tuple(groups),
            rows=tuple(tuple(cells.get((v, g), "") for g in groups) for v in variables),
            row_names=tuple(variables),
            align=(LEFT,) * len(groups),
        )
    found = specification.identifiability
    if found is not None:
        asked = counted(found.n_parameters, "covariance parameter")
        of_y = specification.conditional is None
        without = " without σ²" if of_y else " of the linear predictor"
        said = f"{asked}{without}: the data identify {'it' if found.rank == 1 else 'all'}."
        if found.rank is None:
            said = f"{asked}{without}: {found.undetermined}."
        elif found.directions:
            said = (
                f"{asked}{without}, of which the data identify {found.rank}. To add any multiple "
                f"of what follows changes nothing in the likelihood{' (REML)' if of_y else ''}:"
            )
        paragraphs = [Paragraph(said)]
        for reason, directions in groupby(found.directions, key=lambda each: each.reason):
            paragraphs += [
                Paragraph(str(each).removesuffix(f": {reason}"), 1) for each in directions
            ]
            because = f"because {reason}"
            lines = tuple(wrapped(because, "    ").splitlines())
            paragraphs.append(Paragraph(because, 2, lines=lines))
        yield Prose(tuple(paragraphs))


def _advice(specification: Specification) -> Iterator[Block]:
    if specification.expectations:
        yield _heading("WHAT TO EXPECT")
        yield _items(specification.expectations)
    if 2 * specification.n_parameters > MOST_COMPARED:
        yield _prose(
            "Other random parts were compared only where they and this one have "
            f"{MOST_COMPARED} covariance parameters together, or fewer."
        )
    if specification.alternatives:
        yield _heading("OTHER RANDOM PARTS, whose parameters the data identify")
        yield Facts(
            tuple(
                (
                    f"{_KINDS[each.kind]}, {counted(each.n_parameters, 'parameter')}",
                    each.random.replace(" + (0 + dummy(", " +\n(0 + dummy(") + f"\n{each.reason}",
                )
                for each in specification.alternatives
            )
        )


def _heading(text: str) -> Prose:
    return Prose((Paragraph(text, heading=True, lines=(text,)),))


def _prose(text: str) -> Prose:
    return Prose((Paragraph(text),))


def _items(texts: Iterable[str]) -> Prose:
    return Prose(tuple(Paragraph(text, 1) for text in texts))
