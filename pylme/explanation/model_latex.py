"""The model and the covariance that it implies, as LaTeX for a preamble with amsmath."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from pylme.explanation.by_level import linear_form
from pylme.explanation.notation import LATEX, MOST_WRITTEN_OUT, summands
from pylme.render.latex import escape_latex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pylme.explanation.by_level import ByLevel
    from pylme.explanation.conditional import Conditional
    from pylme.explanation.effects import Effect
    from pylme.explanation.parts import FixedPart, RandomPart

__all__ = ["model_latex"]

#: More fixed effects are written as a vector.
_MOST_FIXED: Final = 8
_LETTERS: Final = ("j", "l", "m", "h")
_ERROR: Final = r"\varepsilon_i"
#: Visible characters of a line of a sum.
_LINE: Final = 72
_INVISIBLE: Final = re.compile(r"\\[A-Za-z]+|[{}_^\\]")


def model_latex(
    response: str,
    fixed: FixedPart,
    random: Sequence[RandomPart],
    levels: Sequence[ByLevel] = (),
    *,
    conditional: Conditional | None = None,
) -> str:
    """The equations of the model, and the covariance of two rows.

    Parameters
    ----------
    response : str
    fixed : FixedPart
    random : sequence of RandomPart
    levels : sequence of ByLevel
        Covariances at each level of a factor, where there are such.
    conditional : Conditional, optional
        The family and link of a generalized model.
    """
    index = {group: _index(place) for place, group in enumerate(_groups(random))}
    y = rf"\text{{{escape_latex(response)}}}"
    predictor = _predictor(fixed, random, index)
    covariances = list(_covariances(random, index))
    if conditional is None:
        first, other = rf"{y}_i", rf"{y}_{{i'}}"
        lines = [
            rf"{first} &= {_sum([*predictor, _ERROR])}",
            *_distributions(random, index),
            rf"{_ERROR} &\sim N(0, \sigma^2)",
        ]
        covariances = [*covariances, r"[i = i']\,\sigma^2"]
    else:
        first, other = r"\eta_i", r"\eta_{i'}"
        lines = [
            rf"{first} &= {_sum([*predictor])}",
            *_distributions(random, index),
            rf"\operatorname{{E}}({y}_i \mid b) &= \mu_i, \qquad "
            rf"\text{{{escape_latex(conditional.link)}}}(\mu_i) = \eta_i, \qquad "
            rf"\text{{{escape_latex(conditional.family)}}}",
        ]
    lines.append(rf"\operatorname{{Cov}}({first}, {other}) &= " + _sum([*covariances]))
    where = [
        rf"${letter}[i]$ is the {escape_latex(group)} of row $i$" for group, letter in index.items()
    ]
    parts = [
        "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}",
        f"where {'; '.join(where)}; brackets are 1 where they are true, else 0.",
        *(_by_level(each) for each in levels),
    ]
    return "\n".join(parts)


def _groups(random: Sequence[RandomPart]) -> dict[str, None]:
    return dict.fromkeys(part.group for part in random)


def _index(place: int) -> str:
    return _LETTERS[place] if place < len(_LETTERS) else f"g_{{{place + 1}}}"


def _effect(term: int, random: Sequence[RandomPart], number: int, level: str) -> str:
    letter = "b" if len(random) == 1 else f"b^{{({term + 1})}}"
    return f"{letter}_{{{number},{level}}}"


def _predictor(
    fixed: FixedPart, random: Sequence[RandomPart], index: dict[str, str]
) -> Iterator[str]:
    if len(fixed.effects) > _MOST_FIXED:
        yield r"\mathbf{x}_i^\top \boldsymbol\beta"
    else:
        for place, effect in enumerate(fixed.effects):
            yield _times(rf"\beta_{{{place}}}", effect)
    for term, part in enumerate(random):
        for number, effect in enumerate(part.effects):
            yield _times(_effect(term, random, number, f"{index[part.group]}[i]"), effect)


def _sum(parts: Iterable[str]) -> str:
    """A sum in lines of a width that fits on a page."""
    lines: list[str] = []
    width = 0
    for part in parts:
        taken = len(_INVISIBLE.sub("", part))
        if lines and width + taken <= _LINE:
            lines[-1] += f" + {part}"
            width += taken
        else:
            lines.append(part)
            width = taken
    return r" \\ &\quad + ".join(lines)


def _times(coefficient: str, effect: Effect) -> str:
    return LATEX.times([coefficient, LATEX.product(effect, "i")])


def _distributions(random: Sequence[RandomPart], index: dict[str, str]) -> Iterator[str]:
    for term, part in enumerate(random):
        k = len(part.effects)
        names = [_effect(term, random, a, index[part.group]) for a in range(k)]
        if k == 1:
            yield rf"{names[0]} &\sim N(0, {LATEX.tau(term, 0, 0)})"
            continue
        rows = [
            " & ".join(LATEX.tau(term, min(a, b), max(a, b)) for b in range(k)) for a in range(k)
        ]
        yield (
            rf"\begin{{pmatrix}} {_stacked(names)} \end{{pmatrix}} &\sim N\left(\mathbf{{0}}, "
            rf"\begin{{pmatrix}} {_stacked(rows)} \end{{pmatrix}}\right)"
        )


def _stacked(rows: Sequence[str]) -> str:
    return r" \\ ".join(rows)


def _covariances(random: Sequence[RandomPart], index: dict[str, str]) -> Iterator[str]:
    """The summands of the covariance of two rows."""
    for term, part in enumerate(random):
        letter = index[part.group]
        same = rf"[{letter}[i] = {letter}[i']]\,"
        if len(part.effects) > MOST_WRITTEN_OUT:
            z = rf"\mathbf{{z}}^{{({term + 1})}}"
            yield rf"{same}{z}_i{{}}^\top \mathrm{{T}}_{{{term + 1}}}\, {z}_{{i'}}"
            continue
        written = list(summands(part.effects, partial(LATEX.tau, term), LATEX))
        if len(written) == 1:
            yield same + written[0]
        else:
            # Parentheses of a fixed size may stand in different lines.
            yield from (rf"{same}\bigl({written[0]}", *written[1:-1], rf"{written[-1]}\bigr)")


def _by_level(levels: ByLevel) -> str:
    heads = [rf"\text{{{escape_latex(effect.name)}}}" for effect in levels.effects]
    columns = [
        rf"\operatorname{{var}}({heads[a]})" if a == b
        else rf"\operatorname{{cov}}({heads[a]}, {heads[b]})"
        for a, b in levels.pairs
    ]  # fmt: skip
    rows = [
        rf"\text{{{escape_latex(level)}}} & "
        + " & ".join(linear_form(form, LATEX) for form in forms)
        for level, forms in zip(levels.levels, levels.forms, strict=True)
    ]
    head = rf"\text{{{escape_latex(levels.by)}}} & {' & '.join(columns)}"
    return (
        rf"\[\begin{{array}}{{l{'l' * len(columns)}}} {head} \\ \hline "
        rf"{_stacked(rows)} \end{{array}}\]"
    )
