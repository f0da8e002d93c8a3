"""Messages about a fit that is fitted again, and about how good it is."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import pylme
from tests.catalogue.case import DATA, Case

__all__ = ["CASES"]

MODEL = "y ~ x + (1 | g)"
_KNOWN = DATA[["y", "x", "g"]]


@cache
def _fit(**options: object) -> pylme.Fit:
    return pylme.lmer(MODEL, DATA, engine="numpy", **options)


@cache
def _binary() -> pylme.Fit:
    return pylme.glmer("two ~ x + (1 | g)", DATA, family="binomial", engine="lme4")


@cache
def _cauchit() -> pylme.Fit:
    return _binary().update(link="cauchit")


@cache
def _in_one() -> pylme.Fit:
    data = DATA.assign(one="a")
    return pylme.lmer("y ~ x + offset(0 * (one == 'a')) + (1 | g)", data, engine="numpy")


def _rotated(fit: pylme.Fit) -> object:
    from pylme.inference.quality import simulated_residuals

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulated_residuals, "MOST_ROWS", 5)
        return fit.simulated_residuals()


def _asked(ask: object, kind: str, said: str, better: object = None, fit: object = _fit) -> Case:
    """What a fit is asked, and what the message proposes to ask it."""
    return Case(
        trigger=lambda: ask(fit()),
        kind=kind,
        said=said,
        remedy=None if better is None else lambda: better(fit()),
        needs_r=fit in (_binary, _cauchit),
    )


def _saved() -> pylme.Fit:
    return pylme.from_json(_fit().to_json())


def _with_arrays() -> pylme.Fit:
    return _fit().update(weights=np.ones(len(DATA)) * 2)


def _with_matrix() -> pylme.Fit:
    data = DATA.assign(f=np.tile(list("abcd"), len(DATA))[: len(DATA)])
    return pylme.lmer("y ~ f + (1 | g)", data, contrasts={"f": np.eye(4)[:, 1:]}, engine="numpy")


_OTHER = DATA.assign(f=np.tile(list("ab"), len(DATA))[: len(DATA)])

CASES = {
    "refit of a fit from JSON": _asked(
        lambda fit: fit.refit(reml=False), "NotAvailableError", "JSON",
        lambda _: _fit().refit(reml=False), _saved,
    ),
    "refit to too few values": _asked(
        lambda fit: fit.refit([1.0, 2.0]), "OptionError", "one for each row of the data",
        lambda fit: fit.refit(DATA["y"]),
    ),
    "refit to a matrix": _asked(
        lambda fit: fit.refit(np.ones((len(DATA), 2))), "OptionError", "one for each row",
        lambda fit: fit.refit(DATA["y"]),
    ),
    "refit to missing values": _asked(
        lambda fit: fit.refit(np.full(len(DATA), np.nan)), "OptionError", "finite numbers",
        lambda fit: fit.refit(DATA["y"]),
    ),
    "REML of a generalized model": _asked(
        lambda fit: fit.refit(reml=True), "OptionError", "fitted by ML",
        lambda fit: fit.refit(reml=False), _binary,
    ),
    "update by an unknown argument": _asked(
        lambda fit: fit.update(wieghts="w"), "UnknownNameError", "weights",
        lambda fit: fit.update(weights=None),
    ),
    "update by a control of the wrong kind": _asked(
        lambda fit: fit.update(control={"a": 1}), "OptionError", "LmerControl",
        lambda fit: fit.update(control=None),
    ),
    "update by a column that the fit has not": _asked(
        lambda fit: fit.update("~ . + w"), "FormulaError", "data=data",
        lambda fit: fit.update("~ . + w", DATA),
    ),
    "update by data without the weights": _asked(
        lambda fit: fit.update(data=_KNOWN), "NotAvailableError", "weights",
        lambda fit: fit.update(data=_KNOWN, weights=None), _with_arrays,
    ),
    "update by other levels than those of a matrix": _asked(
        lambda fit: fit.update(data=_OTHER), "OptionError", "contrasts",
        lambda fit: fit.update(data=_OTHER, contrasts=None), _with_matrix,
    ),
    "update without a tilde": _asked(
        lambda fit: fit.update("x"), "FormulaSyntaxError", "'~'",
        lambda fit: fit.update("~ 1 + (1 | g)"),
    ),
    "update with a dot in a random term": _asked(
        lambda fit: fit.update("~ (. | g)"), "FormulaSyntaxError", "random term",
        lambda fit: fit.update("~ x + (1 | g)"),
    ),
    "update by a term that is not there": _asked(
        lambda fit: fit.update("~ . - w"), "FormulaError", "no term w",
        lambda fit: fit.update("~ . - x"),
    ),
    "influence of an unknown group": _asked(
        lambda fit: fit.influence(by="G"), "UnknownNameError", "'g'",
        lambda fit: fit.influence(by="g"),
    ),
    "influence of a fit from JSON": _asked(
        lambda fit: fit.influence(), "NotAvailableError", "matrices",
        lambda _: _fit().influence(), _saved,
    ),
    "influence of single rows of a generalized model": _asked(
        lambda fit: fit.influence(), "NotAvailableError", "in closed form",
        lambda fit: fit.influence(by="g"), _binary,
    ),
    "R² of a link without a known variance": _asked(
        lambda fit: fit.r2(), "NotAvailableError", "cauchit",
        lambda _: _binary().r2(), _cauchit,
    ),
    "closed form of a generalized model": _asked(
        lambda fit: fit.simulated_residuals(method="exact"), "OptionError", "simulation",
        lambda fit: fit.simulated_residuals(method="simulation", n=5), _binary,
    ),
    "dispersion without draws": _asked(
        lambda fit: fit.simulated_residuals().dispersion(), "NotAvailableError", "simulation",
        lambda fit: fit.simulated_residuals(method="simulation", n=5).dispersion(),
    ),
    "rotation of too many rows": _asked(
        _rotated, "NotAvailableError", "rotated together",
        lambda fit: fit.simulated_residuals(method="exact"),
    ),
    "overdispersion of a linear model": _asked(
        lambda fit: fit.overdispersion(), "NotAvailableError", "residual variance",
        lambda _: _binary().overdispersion(),
    ),
    "pool of one fit": _asked(
        lambda fit: pylme.pool([fit]), "OptionError", "two fits",
        lambda fit: pylme.pool([fit, fit]),
    ),
    "pool of different models": _asked(
        lambda fit: pylme.pool([fit, fit.update("~ . - x")]), "OptionError", "same model",
        lambda fit: pylme.pool([fit, fit]),
    ),
    "table of nothing": _asked(
        lambda _: pylme.table(), "OptionError", "one fit or more", pylme.table
    ),
    "table with a name too many": _asked(
        lambda fit: pylme.table(fit, names=["a", "b"]), "OptionError", "1 different names",
        lambda fit: pylme.table(fit, names=["a"]),
    ),
    "all optimisers of no fit": _asked(
        lambda _: pylme.all_fit("y ~ x"), "OptionError", "a fitted model"
    ),
    "shrinkage of an unknown factor": _asked(
        lambda fit: fit.shrinkage("G"), "UnknownNameError", "'g'",
        lambda fit: fit.shrinkage("g"),
    ),
    "forest of nothing": _asked(
        lambda _: pylme.plot.coefficients(), "OptionError", "one fit or more",
        pylme.plot.coefficients,
    ),
    "forest with a name too many": _asked(
        lambda fit: pylme.plot.coefficients(fit, names=["a", "b"]), "OptionError",
        "1 different names", lambda fit: pylme.plot.coefficients(fit, names=["a"]),
    ),
    "picture of no residuals": _asked(
        lambda _: pylme.plot.simulated_residuals([0.5]), "OptionError", "simulated_residuals()",
        pylme.plot.simulated_residuals,
    ),
    "picture of no influence": _asked(
        lambda _: pylme.plot.influence([0.5]), "OptionError", "influence(by=group)",
        lambda fit: pylme.plot.influence(fit, "g"),
    ),
    "clusters that share groups": _asked(
        lambda fit: fit.robust_test("x"), "OptionError", "whole levels of g",
        lambda fit: fit.robust_test("g"),
    ),
    "clusters of a fit from JSON": _asked(
        lambda fit: fit.vcov_of("CR2"), "NotAvailableError", "matrices",
        lambda _: _fit().vcov_of("CR2"), _saved,
    ),
    "clusters of a generalized model": _asked(
        lambda fit: fit.robust_test("g"), "NotAvailableError", "this is a generalized one",
        lambda fit: (fit.coef_test(), fit.confint("bootstrap", n=2, seed=1)), _binary,
    ),
    "one cluster": _asked(
        lambda _: _in_one().robust_test("one"), "OptionError", "two clusters",
        lambda _: _in_one().robust_test("g"),
    ),
}  # fmt: skip
