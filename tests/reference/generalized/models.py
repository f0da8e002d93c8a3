"""Generalized models at fixed parameters: one small data frame, 27 families, links and weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pylme.families.family import family, negative_binomial
from pylme.model_matrix.build import build
from pylme.model_matrix.spec import ModelArguments, specified
from pylme.results.generalized_problem import GeneralizedProblem

__all__ = ["MODELS", "FixedModel", "data", "problem_of"]


def data() -> pd.DataFrame:
    """Responses of all kinds, two crossed factors and one nested, weights and an offset."""
    rng = np.random.default_rng(12)
    n = 160
    x = rng.normal(size=n)
    g, h = rng.integers(0, 12, n), rng.integers(0, 7, n)
    eta = 0.3 + 0.4 * x + rng.normal(0, 0.5, 12)[g] + rng.normal(0, 0.3, 7)[h]
    mean = np.exp(0.5 * eta + 0.8)
    size = rng.integers(2, 9, n)
    p = 1 / (1 + np.exp(-eta))
    hits = rng.binomial(size, p)
    return pd.DataFrame(
        {
            "x": x, "z": rng.uniform(size=n), "g": [f"g{i:02}" for i in g],
            "h": [f"h{i}" for i in h], "o": rng.uniform(-0.3, 0.3, n),
            "w": rng.uniform(0.5, 2.0, n), "whole": rng.integers(1, 4, n).astype(float),
            "hits": hits, "misses": size - hits, "size": size.astype(float), "share": hits / size,
            "binary": rng.binomial(1, p), "count": rng.poisson(mean),
            "over": rng.negative_binomial(1.5, 1.5 / (1.5 + mean)),
            "positive": rng.gamma(3.0, mean / 3.0),
        }
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedModel:
    """A model and where it is evaluated.

    Attributes
    ----------
    name, formula, family, link : str
    beta : tuple of float
    weights, offset : str or None
    shape : float or None
        ϑ of a negative binomial.
    scale : float
        Of the relative covariance factors.
    """

    name: str
    formula: str
    family: str
    link: str
    beta: tuple[float, ...]
    weights: str | None = None
    offset: str | None = None
    shape: float | None = None
    scale: float = 0.5
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def canonical(self) -> bool:
        """Whether expected and observed information agree."""
        return (self.family, self.link) in {
            ("binomial", "logit"), ("poisson", "log"), ("Gamma", "inverse"),
            ("inverse.gaussian", "1/mu^2"),
        }  # fmt: skip


def problem_of(model: FixedModel, frame: pd.DataFrame, **options: Any) -> GeneralizedProblem:
    """The problem of a model, at its parameters."""
    chosen = family(model.family, model.link)
    spec = specified(
        model.formula,
        frame,
        ModelArguments(family=chosen, reml=False, weights=model.weights, offset=model.offset),
    )
    if model.shape is not None:
        chosen = negative_binomial(model.shape, model.link)
    problem = GeneralizedProblem.of(build(spec), chosen, **{**model.options, **options})
    rng = np.random.default_rng(len(model.name))
    theta = []
    for term in problem.terms:
        T = model.scale * (np.eye(len(term.names)) + 0.3 * rng.normal(size=(len(term.names),) * 2))
        theta.append(T.T[np.triu_indices(len(T))])
    return problem.at(np.concatenate(theta), np.array(model.beta))


ONE, SLOPE = " ~ x + (1 | g)", " ~ x + (x | g)"
CROSSED = " ~ x + (x | g) + (1 | h)"
COUNTS = "cbind(hits, misses)"


def _model(name: str, formula: str, link: str, beta: tuple[float, ...], **more: Any) -> FixedModel:
    name, _, rest = name.partition(" ")
    label = f"{name} {link} {rest}".strip()
    return FixedModel(name=label, formula=formula, family=name, link=link, beta=beta, **more)


MODELS = (
    _model("binomial cbind", COUNTS + SLOPE, "logit", (0.2, 0.4)),
    _model("binomial cbind, weights", COUNTS + ONE, "logit", (0.2, 0.4), weights="whole"),
    _model("binomial cbind, fractional weights", COUNTS + ONE, "logit", (0.2, 0.4), weights="w"),
    _model("binomial share", "share" + CROSSED, "logit", (0.2, 0.4), weights="size"),
    _model("binomial share, rounded", "share" + ONE, "logit", (0.2, 0.4), weights="w"),
    _model("binomial binary, offset", "binary" + CROSSED, "logit", (0.2, 0.4), offset="o"),
    _model("binomial cbind", COUNTS + SLOPE, "probit", (0.1, 0.3)),
    _model("binomial binary", "binary" + CROSSED, "probit", (0.1, 0.3)),
    _model("binomial cbind, offset", COUNTS + SLOPE, "cloglog", (-0.1, 0.3), offset="o"),
    _model("binomial binary", "binary" + ONE, "cauchit", (0.1, 0.3)),
    _model("poisson", "count" + CROSSED, "log", (0.8, 0.2), offset="o"),
    _model("poisson weights", "count" + SLOPE, "log", (0.8, 0.2), weights="w"),
    _model("poisson", "count" + ONE, "sqrt", (1.5, 0.1), scale=0.2),
    _model("poisson", "count" + ONE, "identity", (3.0, 0.1), scale=0.2),
    _model("Gamma weights", "positive" + SLOPE, "log", (0.8, 0.2), weights="w"),
    _model("Gamma", "positive" + CROSSED, "log", (0.8, 0.2)),
    _model("Gamma", "positive" + ONE, "inverse", (0.5, -0.01), scale=0.02),
    _model("Gamma", "positive" + ONE, "identity", (3.0, 0.1), scale=0.2),
    _model("inverse.gaussian weights", "positive" + SLOPE, "log", (0.8, 0.2), weights="w"),
    _model("inverse.gaussian", "positive" + ONE, "1/mu^2", (0.4, 0.01), scale=0.02),
    _model("inverse.gaussian", "positive" + ONE, "inverse", (0.5, 0.01), scale=0.02),
    _model("gaussian weights", "positive" + SLOPE, "log", (0.8, 0.2), weights="w", scale=0.1),
    _model("gaussian", "positive" + ONE, "inverse", (0.5, 0.01), scale=0.02),
    _model("poisson as NB", "over" + SLOPE, "log", (0.8, 0.2), shape=1.4),
    _model("poisson as NB, crossed", "over" + CROSSED, "log", (0.8, 0.2), shape=40.0),
    _model("poisson as NB, weights", "over" + ONE, "log", (0.8, 0.2), shape=1.4, weights="w"),
    _model("binomial nested", "binary ~ x * z + (1 | g / h)", "logit", (0.2, 0.4, -0.1, 0.2)),
)  # fmt: skip
