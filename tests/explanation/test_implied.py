"""The covariance that is written out is the covariance z'Σz, and its LaTeX is in order."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pytest

import pylme
from pylme.explanation.by_level import by_level, linear_form
from pylme.explanation.notation import LATEX, TEXT, summands
from tests.explanation.questions import BLOCKS, QUESTION, whole


class Code:
    """A notation whose formulas Python evaluates: t[a, b] and the rows' own values."""

    rows = ("i", "k")

    def product(self, effect, row):
        return f"z[{row}, {effect.name!r}]" if effect.pieces else ""

    def times(self, parts):
        return " * ".join(part for part in parts if part)


@pytest.mark.parametrize(
    "random", ["(1 | g)", "(x | g)", "(0 + x | g)", "(x + z | g)", "(x*z | g)"]
)
def test_what_is_written_out_is_the_quadratic_form(random):
    (part,) = pylme.explain(f"y ~ x + {random}").random
    rng = np.random.default_rng(1)
    k = part.n_sd
    half = rng.normal(size=(k, k))
    t = half @ half.T
    names = [effect.name for effect in part.effects]
    rows = rng.normal(size=(2, k))
    if "(Intercept)" in names:
        rows[:, names.index("(Intercept)")] = 1.0
    values = {("ik"[r], name): rows[r, j] for r in (0, 1) for j, name in enumerate(names)}
    written = " + ".join(summands(part.effects, "t[{}, {}]".format, Code()))
    known = {"t": t, "z": values, "i": "i", "k": "k"}
    assert eval(written, {}, known) == pytest.approx(rows[0] @ t @ rows[1])  # noqa: S307


@pytest.mark.parametrize(
    "random",
    [
        *(known.random for known in QUESTION[1:]),
        "(0 + sector | sch.id)",
        "(1 | sch.id) + (0 + dummy(sector, 'Catholic'):ses | sch.id)",
        "(ses:sector + cses | sch.id)",
    ],
)
def test_the_covariances_by_level_are_those_of_the_rows(random):
    """With covariances at random: those of two rows of a school, from both descriptions."""
    hsb = pylme.datasets.load("hsb")
    found = pylme.explain(whole(random), hsb)
    design = pylme.design(whole(random), hsb)
    (levels,) = found.levels
    rng = np.random.default_rng(2)
    matrices = []
    for part in found.random:
        half = rng.normal(size=(part.n_sd, part.n_sd))
        matrices.append(half @ half.T)
    for school in (0, 3, 40, 100, 159):
        i, k = np.flatnonzero(design.terms[0].codes == school)[:2]
        truth = sum(
            term.columns[i] @ matrix @ term.columns[k]
            for term, matrix in zip(design.terms, matrices, strict=True)
        )
        forms = levels.forms[levels.levels.index(hsb["sector"][i])]
        value = 0.0
        for (a, b), form in zip(levels.pairs, forms, strict=True):
            number = sum(w * matrices[t][p, q] for (t, p, q), w in form.items())
            one, other = (
                [
                    np.prod([hsb[piece.name][row] for piece in levels.effects[e].pieces])
                    for e in (a, b)
                ]
                for row in (i, k)
            )
            value += number * (one[0] * other[1] + (0 if a == b else one[1] * other[0]))
        assert value == pytest.approx(truth, rel=1e-12)


def test_the_four_models_differ_in_this():
    hsb = pylme.datasets.load("hsb")
    shown = {}
    for known in QUESTION[1:]:
        (levels,) = pylme.explain(whole(known.random), hsb).levels
        assert levels.levels == ("Public", "Catholic")
        assert [levels.label(*pair) for pair in levels.pairs] == [
            "var(Intercept)", "var(ses)", "cov(Intercept, ses)",
        ]  # fmt: skip
        shown[known.random] = [[linear_form(f, TEXT) for f in forms] for forms in levels.forms]
    assert shown["(ses:sector | sch.id)"] == [["τ₀₀", "τ₁₁", "τ₀₁"], ["τ₀₀", "τ₂₂", "τ₀₂"]]
    assert shown["(ses+sector | sch.id)"] == [
        ["τ₀₀", "τ₁₁", "τ₀₁"],
        ["τ₀₀ + 2 τ₀₂ + τ₂₂", "τ₁₁", "τ₀₁ + τ₁₂"],
    ]
    assert shown["(ses*sector | sch.id)"][1] == [
        "τ₀₀ + 2 τ₀₂ + τ₂₂",
        "τ₁₁ + 2 τ₁₃ + τ₃₃",
        "τ₀₁ + τ₀₃ + τ₁₂ + τ₂₃",
    ]
    assert shown[BLOCKS] == [["τ₀₀", "τ₁₁", "τ₀₁"], ["ω₀₀", "ω₁₁", "ω₀₁"]]


def test_a_model_that_takes_no_note_of_the_sector_has_no_such_table():
    assert pylme.explain(whole("(ses | sch.id)"), pylme.datasets.load("hsb")).levels == ()


def test_weights_of_contrasts_are_written():
    hsb = pylme.datasets.load("hsb")
    spec = pylme.design("math ~ 1 + (C(sector, contr.sum) | sch.id)", hsb)
    found = pylme.explain("math ~ 1 + (C(sector, contr.sum) | sch.id)", hsb)
    assert spec.cnms[0][1] == found.random[0].names
    (levels,) = found.levels
    texts = [linear_form(forms[0], TEXT) for forms in levels.forms]
    assert texts == ["τ₀₀ + 2 τ₀₁ + τ₁₁", "τ₀₀ - 2 τ₀₁ + τ₁₁"]
    assert linear_form({}, TEXT) == "0"
    assert by_level("g", "f", (), {}).forms == ()


@pytest.mark.parametrize("random", [*(k.random for k in QUESTION), "(1 | sch.id) + (1 | female)"])
def test_latex_is_balanced(random):
    text = pylme.explain(whole(random), pylme.datasets.load("hsb")).to_latex()
    assert text.startswith("\\begin{align*}\n")
    assert text.count("{") == text.count("}")
    opened, closed = (re.findall(rf"\\{word}\{{(\w+\*?)\}}", text) for word in ("begin", "end"))
    assert sorted(opened) == sorted(closed)
    assert text.count(r"\bigl(") == text.count(r"\bigr)")
    assert text.count(r"\left(") == text.count(r"\right)")
    assert r"\operatorname{Cov}(\text{math}_i, \text{math}_{i'})" in text


def test_latex_of_the_simplest_model():
    lines = pylme.explain("y ~ x + (x | g)").to_latex().splitlines()
    assert lines[1:5] == [
        r"\text{y}_i &= \beta_{0} + \beta_{1}\,\text{x}_{i} + b_{0,j[i]} "
        r"+ b_{1,j[i]}\,\text{x}_{i} + \varepsilon_i \\",
        r"\begin{pmatrix} b_{0,j} \\ b_{1,j} \end{pmatrix} &\sim N\left(\mathbf{0}, "
        r"\begin{pmatrix} \tau_{00} & \tau_{01} \\ \tau_{01} & \tau_{11} \end{pmatrix}\right) \\",
        r"\varepsilon_i &\sim N(0, \sigma^2) \\",
        r"\operatorname{Cov}(\text{y}_i, \text{y}_{i'}) &= [j[i] = j[i']]\,\bigl(\tau_{00} "
        r"+ \tau_{01}\,(\text{x}_{i} + \text{x}_{i'}) "
        r"+ \tau_{11}\,\text{x}_{i}\,\text{x}_{i'}\bigr) + [i = i']\,\sigma^2",
    ]


def test_names_are_escaped_and_long_models_shortened():
    wide = " + ".join(f"x_{i}" for i in range(12))
    text = pylme.explain(f"y ~ {wide} + ({wide} | `50%`)").to_latex()
    assert r"\mathbf{x}_i^\top \boldsymbol\beta" in text
    assert r"\mathrm{T}_{1}" in text
    assert r"50\%" in text
    assert r"\tau_{10,11}" in text
    assert partial(TEXT.tau, 0)(10, 11) == "τ₁₀,₁₁"
    assert LATEX.tau(5, 0, 1) == r"\tau^{(6)}_{01}"
