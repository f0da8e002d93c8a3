"""Messages about formulas."""

from __future__ import annotations

from functools import partial

import pylme
from tests.catalogue.case import DATA, Case

__all__ = ["CASES"]

_design = pylme.design
_explain = partial(pylme.explain, data=DATA)


def _bad(
    formula: str,
    said: str,
    good: str,
    kind: str = "FormulaSyntaxError",
    parsed: str | None = None,
) -> Case:
    """A formula that is refused; `good` is one made of what the message says to write."""
    return Case(
        trigger=lambda: _explain(formula),
        kind=kind,
        said=said,
        remedy=lambda *groups: _explain(good.format(*groups)),
        parsed=parsed,
    )


CASES = {
    "no random part": _bad(
        "y ~ x", "random-effects", "y ~ x + {}", "NoRandomEffectsError", r"such as (.+?) for"
    ),
    "no response": _bad("~ x + (1 | g)", "response", "y ~ x + (1 | g)"),
    "no tilde": _bad("y + x", "~", "{}", parsed=r"terms: (.+)\."),
    "empty": _bad("", "formula", "y ~ x + (1 | g)"),
    "parenthesis": _bad("y ~ log(x + (1 | g)", "parenthesis", "y ~ x + (1 | g)"),
    "operator": _bad("y ~ x + + * (1 | g)", "", "y ~ x + (1 | g)"),
    "character": _bad("y ~ x # (1 | g)", "character", "y ~ x + (1 | g)"),
    "back-quote": _bad("y ~ `x + (1 | g)", "back", "y ~ `x` + (1 | g)"),
    "bare bar": _bad("y ~ x + 1 | g", "parenthes", "y ~ {}", parsed=r"others: (.+?)\."),
    "bar within": _bad("y ~ x*(1 | g)", "random term", "y ~ {}", parsed=r"others: (.+?)\."),
    "code": _bad("y ~ x$z + (1 | g)", "not allowed", "y ~ x + (1 | g)", "CodeNotAllowedError"),
    "package": _bad(
        "y ~ splines::ns(x, 3) + (1 | g)",
        "'::' is not allowed",
        "{}",
        "CodeNotAllowedError",
        r"without the package: (.+)",
    ),
    "function": _bad(
        "y ~ system(x) + (1 | g)", "system", "y ~ x + (1 | g)", "FunctionNotAllowedError"
    ),
    "own predictor": _bad("y ~ y + (1 | g)", "response", "y ~ x + (1 | g)", "FormulaError"),
    "no effect": _bad("y ~ x + (0 || g)", "effect", "y ~ x + (1 | g)", "FormulaError"),
    "too many parts": _bad(
        "y ~ " + " + ".join(["x"] * 20_000) + " + (1 | g)",
        "at most 10,000",
        "y ~ x + (1 | g)",
        "FormulaError",
    ),
    "nested parentheses": _bad(
        "y ~ I(" + "(" * 14 + "x" + " + 1)" * 14 + ") + (1 | g)",
        "14 deep",
        "y ~ I(x + 14) + (1 | g)",
        "FormulaError",
    ),
    "effects of zero": Case(
        trigger=lambda: pylme.lmer("y ~ 1 + (0 + z | g)", DATA.assign(z=0.0), engine="numpy"),
        kind="ZeroEffectsError",
        said="0 in all 80 rows",
        remedy=lambda: pylme.lmer("y ~ 1 + (1 | g)", DATA, engine="numpy"),
    ),
    "time": Case(
        trigger=lambda: pylme.lmer("y ~ x + (1 | g)", DATA, engine="numpy", timeout=1e-9),
        kind="FitTimeoutError",
        said="not finished within",
        remedy=lambda: pylme.lmer("y ~ x + (1 | g)", DATA, engine="numpy", timeout=60),
    ),
    "no time": Case(
        trigger=lambda: pylme.lmer("y ~ x + (1 | g)", DATA, engine="numpy", timeout=0),
        kind="OptionError",
        said="timeout",
        remedy=lambda: pylme.lmer("y ~ x + (1 | g)", DATA, engine="numpy", timeout=60),
    ),
    "not a text": Case(
        trigger=lambda: pylme.explain(3),  # type: ignore[arg-type]
        kind="OptionError",
        said="formula",
        remedy=lambda: pylme.explain("y ~ x + (1 | g)"),
    ),
    "one formula": Case(
        trigger=lambda: pylme.compare_formulas("y ~ x + (1 | g)"),
        kind="OptionError",
        said="two formulas or more",
        remedy=lambda: pylme.compare_formulas("y ~ x + (1 | g)", "y ~ 1 + (1 | g)"),
    ),
    "label": Case(
        trigger=lambda: pylme.compare_formulas("y ~ (1 | g)", "y ~ x + (1 | g)").relation("A", "C"),
        kind="UnknownNameError",
        said="'C'",
        remedy=lambda: pylme.compare_formulas("y ~ (1 | g)", "y ~ x + (1 | g)", data=DATA).relation(
            "A", "B"
        ),
    ),
    "no data to compare": Case(
        trigger=lambda: pylme.compare_formulas("y ~ (1 | g)", "y ~ x + (1 | g)").relation("A", "B"),
        kind="NotAvailableError",
        said="data=",
        remedy=lambda: pylme.compare_formulas("y ~ (1 | g)", "y ~ x + (1 | g)", data=DATA).relation(
            "A", "B"
        ),
    ),
    "R's own function": Case(
        trigger=lambda: _explain("y ~ lgamma(x) + (1 | g)"),
        kind="FormulaError",
        said="lgamma",
        remedy=lambda: pylme.explain("y ~ z + (1 | g)", DATA.assign(z=DATA["x"] ** 2)),
    ),
    "an argument of a call": Case(
        trigger=lambda: _explain("y ~ poly(x, knots = 2) + (1 | g)"),
        kind="NotAvailableError",
        said="poly",
        remedy=lambda: _explain("y ~ poly(x, 2) + (1 | g)"),
    ),
    "offset of text": Case(
        trigger=lambda: _explain("y ~ x + offset(f) + (1 | g)"),
        kind="FormulaError",
        said="one number in each row",
        remedy=lambda: _explain("y ~ x + offset(w) + (1 | g)"),
    ),
    "allow nothing": Case(
        trigger=lambda: pylme.allow_function("a b"),
        kind="OptionError",
        said="function to allow",
    ),
    "NumPy's function": _bad(
        "y ~ np.log(w) + (1 | g)",
        "y ~ log(w) + (1 | g)",
        "{}",
        "FunctionNotAllowedError",
        r"R's language: (.+)",
    ),
    "patsy's factor": _bad(
        "y ~ C(two) + (1 | g)", "factor(two)", "{}", "FormulaError", r"Write: (.+)"
    ),
    "nonlinear": Case(
        trigger=lambda: _explain("y ~ SSlogis(x, a, b, c) + (1 | g)"),
        kind="NonlinearModelError",
        said="SSlogis",
    ),
    "infinite values of a call": _bad(
        "y ~ log(0 * w) + (1 | g)", "infinite", "y ~ log(w) + (1 | g)", "InfiniteValueError"
    ),
}
