"""A model from its seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .columns import codes_of, matrix, ordered, text
from .kinds import KINDS
from .model import Model, Term

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .kinds import Recipe

__all__ = ["generate"]

#: A recipe that lmer refuses is drawn again, so often at most; what is left tests the refusal.
_TRIES = 20


def generate(seed: int) -> Model:
    """The model of a seed; its kind is the seed's remainder.

    Parameters
    ----------
    seed : int
        Not negative.
    """
    names = list(KINDS)
    kind = names[seed % len(names)]
    rng = np.random.default_rng(seed)
    for _ in range(_TRIES):
        model = _drawn(seed, kind, KINDS[kind](rng), rng)
        lone = any(term.group == "e" for term in model.terms)
        if (lone or not model.refused) and model.n > model.X.shape[1] + 2:
            break
    return model


def _drawn(seed: int, kind: str, recipe: Recipe, rng: np.random.Generator) -> Model:
    data = _covariates(recipe, rng)
    X = matrix(recipe.fixed, data)
    terms = [
        Term(group=group, columns=matrix(effects, data), codes=codes_of(group, data))
        for effects, group in recipe.random
    ]
    data["y"] = np.zeros(recipe.n)
    centred = data | {"x": data["x"] - recipe.shift}
    fixed = matrix(recipe.fixed, centred)
    mean = fixed @ np.round(rng.standard_normal(X.shape[1]), 2)
    for (effects, _), term in zip(recipe.random, terms, strict=True):
        columns = matrix(effects, centred)
        mean += np.einsum("nk,nk->n", columns, _effects(recipe, term, rng)[term.codes])
    if recipe.offset:
        data["o"] = np.round(rng.standard_normal(recipe.n), 3)
    if recipe.decades:
        powers = recipe.decades * (rng.random(recipe.n) - 0.5)
        data["wt"] = np.array([float(f"{10.0**p:.4g}") for p in powers])
    data["y"] = _response(recipe, mean, data, rng)
    bars = " + ".join(f"({text(effects)} | {group})" for effects, group in recipe.random)
    return Model(
        seed=seed,
        kind=kind,
        formula=f"y ~ {text(recipe.fixed)} + {bars}",
        data={name: values for name, values in data.items() if name in _used(recipe)},
        reml=bool(rng.random() < 0.6),
        weights="wt" if recipe.decades else None,
        offset="o" if recipe.offset else None,
        X=X,
        terms=ordered(terms),
    )


def _used(recipe: Recipe) -> set[str]:
    effects = [*recipe.fixed, *(effect for effects, _ in recipe.random for effect in effects)]
    groups = [name for _, group in recipe.random for name in group.split(":")]
    return {"y", "o", "wt", *groups, *(variable for effect in effects for variable in effect)}


def _covariates(recipe: Recipe, rng: np.random.Generator) -> dict[str, NDArray]:
    n = recipe.n
    data: dict[str, NDArray] = {"y": np.zeros(n)}
    for name, levels in recipe.levels.items():
        shares = np.exp(-recipe.skew * np.arange(levels) / levels)
        shares /= shares.sum()
        # Each level at least once where there are rows for it.
        codes = np.concatenate([np.arange(min(levels, n)), rng.choice(levels, n, p=shares)])[:n]
        data[name] = np.char.add(name, rng.permutation(codes).astype(str))
    x = rng.integers(0, 6, n).astype(float) if recipe.whole else np.round(rng.standard_normal(n), 3)
    data["x"] = x + recipe.shift
    data["w"] = np.round(rng.standard_normal(n), 3)
    data["z"] = 2.0 * data["x"]
    data["f"] = np.array(list("abc"))[rng.permutation(np.arange(n) % rng.integers(2, 4))]
    data["t"] = np.where(data["f"] == "a", "u", "v")
    data["e"] = np.char.add("e", np.arange(n).astype(str))
    if "g" in data:
        data["s"] = np.char.add("s", data["g"].astype(str))
        levels, codes = np.unique(data["g"], return_inverse=True)
        data["b"] = np.round(rng.standard_normal(len(levels)), 2)[codes]
    return data


def _effects(recipe: Recipe, term: Term, rng: np.random.Generator) -> NDArray[np.float64]:
    k = term.k
    T = np.tril(rng.standard_normal((k, k))) * 10.0 ** rng.uniform(-1, 0.5)
    if recipe.singular:
        T[:, rng.random(k) < 0.6] = 0.0
    # Sixteenths, so that a response without errors is exact or nearly so.
    return np.round(16.0 * rng.standard_normal((term.levels, k)) @ T.T) / 16.0


def _response(
    recipe: Recipe, mean: NDArray, data: dict[str, NDArray], rng: np.random.Generator
) -> NDArray[np.float64]:
    errors = rng.standard_normal(recipe.n)
    if recipe.by_weight and "wt" in data:
        errors /= np.sqrt(data["wt"])
    offset = data.get("o", 0.0)
    if np.isinf(recipe.signal):
        return mean + offset
    spread = mean.std() or 1.0
    digits = 5 if recipe.signal < 50 else 12
    values = mean + offset + errors * spread / recipe.signal
    return np.array([float(f"{value:.{digits}g}") for value in values])
