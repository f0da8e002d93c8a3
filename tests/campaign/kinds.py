"""The kinds of models, each a recipe drawn from a generator of random numbers.

What a kind is named after is always there; everything else (weights, imbalance, an offset, ML or
REML) comes in at random, so that faults that need two causes are met too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from .columns import Effect

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KINDS", "Recipe"]

ONE: Final[Effect] = ()
X: Final[Effect] = ("x",)
W: Final[Effect] = ("w",)
F: Final[Effect] = ("f",)
XF: Final[Effect] = ("x", "f")
XW: Final[Effect] = ("x", "w")

Random = tuple[tuple[Effect, ...], str]
FIXED: Final = (
    (ONE,),
    (ONE, X),
    (ONE, X, W),
    (ONE, F),
    (ONE, X, F),
    (ONE, X, F, XF),
    (ONE, X, W, XW),
    (X,),
)
EFFECTS: Final = ((ONE,), (ONE, X), (ONE, X), (ONE, W), (ONE, X, W), (X,), (ONE, F), (F,))
SHIFTS: Final = (100.0, 2000.0, 1e4, 1e5, 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the data of a model are drawn, and its formula.

    Attributes
    ----------
    n : int
    fixed : tuple of effects
    random : tuple of (effects, group)
    levels : dict of str to int
        Levels of each grouping factor, before those that do not occur are left out.
    skew : float
        0 for groups of about equal size; more for few large ones and many of a row or two.
    decades : float
        Over how many the weights spread; 0 for none.
    by_weight : bool
        Whether the errors have the variances that the weights say.
    shift : float
        Added to x.
    signal : float
        Standard deviation of everything else over that of the errors; infinite without errors.
    singular : bool
        Whether some covariance matrices that the data are drawn with have not full rank.
    whole : bool
        Whether x takes few whole values.
    offset : bool
    """

    n: int
    fixed: tuple[Effect, ...]
    random: tuple[Random, ...]
    levels: dict[str, int]
    skew: float = 0.0
    decades: float = 0.0
    by_weight: bool = True
    shift: float = 0.0
    signal: float = 1.0
    singular: bool = False
    whole: bool = False
    offset: bool = False


def _pick(rng: np.random.Generator, choices: tuple) -> tuple:
    return choices[int(rng.integers(len(choices)))]


def _plain(rng: np.random.Generator) -> Recipe:
    n = int(rng.integers(12, 61))
    return Recipe(
        n=n,
        fixed=_pick(rng, FIXED),
        random=((_pick(rng, EFFECTS), "g"),),
        levels={"g": int(rng.integers(3, max(4, n // 3)))},
        skew=float(rng.choice([0.0, 0.0, 1.0, 2.5])),
        decades=float(rng.uniform(0.5, 5)) if rng.random() < 0.25 else 0.0,
        by_weight=bool(rng.random() < 0.5),
        signal=float(10 ** rng.uniform(-1, 1)),
        singular=bool(rng.random() < 0.4),
        whole=bool(rng.random() < 0.4),
        offset=bool(rng.random() < 0.1),
    )


def _weighted(rng: np.random.Generator) -> Recipe:
    second = ((((ONE,), "h"),), ())[int(rng.random() < 0.6)]
    base = _plain(rng)
    return replace(
        base,
        random=base.random + second,
        levels=base.levels | {"h": int(rng.integers(2, 6))},
        decades=float(rng.uniform(1, 8)),
    )


def _unbalanced(rng: np.random.Generator) -> Recipe:
    base = _plain(rng)
    return replace(base, skew=float(rng.uniform(2, 5)), levels={"g": int(rng.integers(3, 12))})


def _singular(rng: np.random.Generator) -> Recipe:
    random = ((_pick(rng, ((ONE,), (ONE, X), (ONE, X, W), (ONE, F))), "g"),)
    return replace(
        _plain(rng), random=random, singular=True, signal=float(10 ** rng.uniform(-2, 0))
    )


def _crossed(rng: np.random.Generator) -> Recipe:
    base = _plain(rng)
    sizes = {"g": int(rng.integers(3, 9)), "h": int(rng.integers(2, 9))}
    one = _pick(rng, ((ONE,), (ONE,), (ONE, X), (ONE, F), (X,)))
    other = _pick(rng, ((ONE,), (ONE,), (ONE,), (ONE, W)))
    return replace(base, random=((one, "g"), (other, "h")), levels=sizes)


def _crossed_three(rng: np.random.Generator) -> Recipe:
    base = _plain(rng)
    one = _pick(rng, ((ONE,), (ONE,), (ONE, X)))
    return replace(
        base,
        n=int(rng.integers(18, 61)),
        random=((one, "g"), ((ONE,), "h"), ((ONE,), "k")),
        levels={name: int(rng.integers(2, 8)) for name in "ghk"},
    )


def _nested(rng: np.random.Generator) -> Recipe:
    base = _plain(rng)
    outer = _pick(rng, ((ONE,), (ONE,), (ONE, X)))
    inner = _pick(rng, ((ONE,), (ONE,), (X,)))
    sizes = {"g": int(rng.integers(2, 7)), "h": int(rng.integers(2, 4))}
    return replace(
        base, n=int(rng.integers(20, 61)), random=((inner, "g:h"), (outer, "g")), levels=sizes
    )


def _shifted(rng: np.random.Generator) -> Recipe:
    base = _plain(rng)
    random = ((_pick(rng, ((ONE, X), (ONE, X), (ONE, X, W), (ONE,), (ONE, X, F))), "g"),)
    if rng.random() < 0.25:
        random += ((_pick(rng, ((ONE,), (ONE, X))), "h"),)
    return replace(
        base,
        fixed=_pick(rng, ((ONE, X), (ONE, X, W), (ONE, X, F), (ONE, X, F, XF))),
        random=random,
        levels=base.levels | {"h": int(rng.integers(2, 6))},
        shift=float(rng.choice(SHIFTS)),
    )


def _noiseless(rng: np.random.Generator) -> Recipe:
    base = _plain(rng)
    exact = rng.random() < 0.25
    return replace(base, decades=0.0, signal=np.inf if exact else float(10 ** rng.uniform(2, 6)))


def _unidentified(rng: np.random.Generator) -> Recipe:
    base = _plain(rng)
    one = ((ONE,), "g")
    random: tuple[Random, ...]
    # "b" is a column that is constant within the levels of g, "e" a factor of one level per row,
    # "s" another name of g.
    fixed, random = _pick(
        rng,
        (
            ((ONE, ("g",), X), (one,)),
            ((ONE, X, ("g",)), (((ONE, X), "g"),)),
            ((ONE, X), (one, ((ONE,), "s"))),
            ((ONE, X), (((ONE, X), "g"), one)),
            ((ONE, X), (((ONE, ("b",)), "g"),)),
            ((ONE, ("b",)), (((("x", "b"),), "g"),)),
            ((ONE,), (one, (((ONE, F)), "g"), (((F,)), "g"))),
            ((ONE, F), (one, (((F,)), "g"))),
            ((ONE, X), (((ONE,), "e"),)),
            ((ONE, X), (((ONE, ("z",)), "g"),)),
            ((ONE, X), (((X,), "g"), ((("z",),), "g"))),
        ),
    )
    return replace(base, fixed=fixed, random=random)


def _slopes(rng: np.random.Generator) -> Recipe:
    random = ((_pick(rng, ((ONE, X, W), (ONE, X, F), (X, W), (ONE, X, W, XW), (ONE, XF))), "g"),)
    return replace(
        _plain(rng), n=int(rng.integers(24, 61)), random=random,
        levels={"g": int(rng.integers(4, 10))},
    )  # fmt: skip


def _double_bar(rng: np.random.Generator) -> Recipe:
    base = _plain(rng)
    random: tuple[Random, ...] = (((ONE,), "g"), ((X,), "g"))
    if rng.random() < 0.4:
        random += (((W,), "g"),)
    shift = float(rng.choice(SHIFTS[:3])) if rng.random() < 0.2 else 0.0
    return replace(base, random=random, shift=shift)


def _rank_deficient(rng: np.random.Generator) -> Recipe:
    # "z" is a multiple of x, and the factor "f" decides "t".
    fixed = _pick(
        rng, ((ONE, X, ("z",)), (ONE, X, ("z",), W), (ONE, F, ("t",)), (ONE, X, F, ("t",), XF))
    )
    random = ((_pick(rng, ((ONE,), (ONE, X), (ONE, W))), "g"),)
    return replace(_plain(rng), fixed=fixed, random=random)


def _factor_slopes(rng: np.random.Generator) -> Recipe:
    random = ((_pick(rng, ((ONE, F), (F,), (XF,), (ONE, XF), (X, F))), "g"),)
    return replace(_plain(rng), n=int(rng.integers(20, 61)), random=random,
                   levels={"g": int(rng.integers(3, 9))})  # fmt: skip


def _tiny(rng: np.random.Generator) -> Recipe:
    base = _plain(rng)
    random = ((_pick(rng, ((ONE,), (ONE, X), (ONE, W))), "g"),)
    if rng.random() < 0.3:
        random += (((ONE,), "h"),)
    return replace(
        base, n=int(rng.integers(10, 16)), fixed=_pick(rng, FIXED[:3]), random=random,
        levels={"g": int(rng.integers(2, 5)), "h": int(rng.integers(2, 4))},
        decades=float(rng.choice([0.0, 4.0])),
    )  # fmt: skip


def _mixed(rng: np.random.Generator) -> Recipe:
    """Anything with anything."""
    base = _plain(rng)
    random: tuple[Random, ...] = ((_pick(rng, EFFECTS), "g"),)
    while rng.random() < 0.4 and len(random) < 3:
        random += ((_pick(rng, EFFECTS[:4]), str(rng.choice(["g", "h", "k", "g:h"]))),)
    return replace(
        base,
        fixed=_pick(rng, FIXED),
        random=random,
        levels={name: int(rng.integers(2, 9)) for name in "ghk"},
        decades=float(rng.uniform(1, 8)) if rng.random() < 0.4 else 0.0,
        shift=float(rng.choice(SHIFTS)) if rng.random() < 0.2 else 0.0,
        signal=float(10 ** rng.uniform(-1, 3)),
    )


#: A model's kind is its seed modulo their number.
KINDS: Final[dict[str, Callable[[np.random.Generator], Recipe]]] = {
    "plain": _plain,
    "weighted": _weighted,
    "unbalanced": _unbalanced,
    "singular": _singular,
    "crossed": _crossed,
    "crossed, three": _crossed_three,
    "nested": _nested,
    "shifted": _shifted,
    "noiseless": _noiseless,
    "unidentified": _unidentified,
    "slopes": _slopes,
    "double bar": _double_bar,
    "rank-deficient": _rank_deficient,
    "factor slopes": _factor_slopes,
    "tiny": _tiny,
    "mixed": _mixed,
}
