"""The seeds of replicates: one for each, whichever process draws it and in whatever order.

With NumPy, replicate i draws from child number i of the seed's `numpy.random.SeedSequence`, the one
that ``SeedSequence(seed).spawn(n)[i]`` gives. A child is made from its number alone and does not
need those before it. With R, replicate i draws after ``set.seed(seed + i)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.errors import OptionError
from pylme.options import Rng, choice, is_whole

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Seed", "Seeds", "seeds_of"]

Seed = int | np.random.SeedSequence | None

#: R's seeds are integers of 32 bits.
_LARGEST_R_SEED: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeds:
    """The seeds of all replicates.

    Attributes
    ----------
    rng : {"numpy", "R"}
        Whose generator they are for.
    entropy : int or tuple of int
        What was given, or drawn where nothing was: the same again gives the same numbers.
    spawn_key : tuple of int
        The place of a `SeedSequence` that was given among its parent's children.
    """

    rng: Rng
    entropy: int | tuple[int, ...]
    spawn_key: tuple[int, ...] = ()

    def generator(self, replicate: int) -> np.random.Generator:
        """NumPy's generator of a replicate."""
        child = np.random.SeedSequence(self.entropy, spawn_key=(*self.spawn_key, replicate))
        return np.random.Generator(np.random.PCG64(child))

    def of_r(self, replicates: Iterable[int]) -> list[int]:
        """The arguments of R's ``set.seed`` for some replicates."""
        first = self.entropy if isinstance(self.entropy, int) else 0
        return [first + replicate for replicate in replicates]


def seeds_of(seed: Seed, *, rng: Rng, n: int) -> Seeds:
    """The seeds of `n` replicates.

    Parameters
    ----------
    seed : int, SeedSequence or None
        None draws one from the operating system. R takes a whole number.
    rng : {"numpy", "R"}
    n : int

    Raises
    ------
    OptionError
        If there are no such seeds.
    """
    choice("rng", rng, Rng)
    if rng == "R":
        return Seeds(rng=rng, entropy=_r_seed(seed, n))
    if isinstance(seed, np.random.SeedSequence):
        return Seeds(rng=rng, entropy=_entropy(seed.entropy), spawn_key=tuple(seed.spawn_key))
    if seed is None:
        return Seeds(rng=rng, entropy=_entropy(np.random.SeedSequence().entropy))
    if not is_whole(seed) or seed < 0:
        raise OptionError(
            option="seed",
            value=seed,
            allowed="a whole number of 0 or more, a numpy.random.SeedSequence, or None",
        )
    return Seeds(rng=rng, entropy=int(seed))


def _entropy(entropy: Any) -> int | tuple[int, ...]:
    return int(entropy) if is_whole(entropy) else tuple(int(part) for part in entropy)


def _r_seed(seed: Seed, n: int) -> int:
    if seed is None:
        return int(np.random.default_rng().integers(_LARGEST_R_SEED - n))
    if isinstance(seed, np.random.SeedSequence) or not is_whole(seed):
        allowed = 'a whole number with rng="R": replicate i draws after set.seed(seed + i)'
    elif seed < -_LARGEST_R_SEED or seed + n - 1 > _LARGEST_R_SEED:
        allowed = f"a number for which all {n} seeds lie within R's integers"
    else:
        return int(seed)
    raise OptionError(option="seed", value=seed, allowed=allowed)
