"""The allow-list: nothing that is not on it reaches R."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pylme.errors import (
    CodeNotAllowedError,
    FormulaError,
    FunctionNotAllowedError,
    OptionError,
    UnsafeFunctionWarning,
)
from pylme.formula import (
    FUNCTIONS,
    STRUCTURES,
    allow,
    allow_function,
    allowed_functions,
    check_functions,
    parse_formula,
)
from tests.formula.rscript import ask_r

if TYPE_CHECKING:
    from pathlib import Path

LISTED = [name for names in FUNCTIONS.values() for name in names]


@pytest.fixture(autouse=True)
def _unchanged_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allow, "_allowed", set(allowed_functions()))


def _check(term: str) -> None:
    check_functions(parse_formula(f"y ~ {term} + (1 | g)"))


@pytest.mark.parametrize(
    "term",
    [
        "log(x) + I(x^2) + poly(x, 2) + scale(x) + factor(g) + offset(x) + ns(x, 3) + bs(x)",
        'dummy(f, "a") + cut(x, breaks = c(0, 1, seq(2, 10, 2)), labels = FALSE)',
        "I(x > 3) + I(a == 'b') + I(!a & (b <= 2)) + ifelse(is.na(x), -1, x %% 2) + a %in% b",
        "C(f, contr.sum) + C(f, 'contr.helmert', 2) + C(f, contr = contr.treatment, base = 2)",
        "C(f, contr.poly(3, scores = c(1, 2, 4))) + C(f, cbind(c(-1, 0, 1), c(1, -2, 1)/3))",
        "C(contr = 'contr.SAS', object = relevel(f, ref = 'b')) + C(f)",
        "x + ar1(0 + t | g) + us(x | h)",
        "cut(x, breaks = system)",
    ],
)
def test_what_analysts_need_is_allowed(term: str) -> None:
    _check(term)


@pytest.mark.parametrize(
    ("term", "name"),
    [
        ('system("touch x")', "system"),
        ('I(log(x + system("touch x")))', "system"),
        ("(0 + eval(x) | g)", "eval"),
        ("(1 | get(x))", "get"),
        ("sapply(x, system)", "sapply"),
        ("do.call('system', x)", "do.call"),
        ("Reduce(x, y)", "Reduce"),
        ("outer(x, y, FUN = 'system')", "outer"),
        ("ave(x, g, FUN = system)", "FUN = system"),
        ("ave(x, FU = system)", "FU = system"),
        ("match.fun('system')", "match.fun"),
        ("x %o% y", "%o%"),
        ("quit()", "quit"),
        ("file.remove('x')", "file.remove"),
        ("library(x)", "library"),
        ("as.formula('y ~ x')", "as.formula"),
        ("reorder(f, x, FUN = system)", "reorder"),
        ("base.system('x')", "base.system"),
        ("LOG(x)", "LOG"),
    ],
)
def test_other_calls_are_refused_by_name(term: str, name: str) -> None:
    with pytest.raises(FunctionNotAllowedError) as caught:
        _check(term)
    error = caught.value
    assert error.name == name
    assert error.text[error.start : error.stop] == name
    assert repr(name) in str(error)


@pytest.mark.parametrize(("name", "told"), [("logit", True), ("system", False), ("eval", False)])
def test_how_to_allow_is_told_for_what_only_computes(name: str, told: bool) -> None:
    with pytest.raises(FunctionNotAllowedError) as caught:
        _check(f"{name}(x)")
    assert (f"pylme.allow_function({name!r})" in str(caught.value)) is told


def test_calls_in_the_response_are_checked() -> None:
    with pytest.raises(FunctionNotAllowedError, match="system"):
        check_functions(parse_formula("system(y) ~ x + (1 | g)"))


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ('f, "system"', '"system"'),
        ("f, system", "system"),
        ("f, contr = 'system'", "'system'"),
        ("f, con = 'system'", "con = 'system'"),
        ("'system', object = f", "'system'"),
        ("ob = f, 'system'", "ob = f"),
        ("f, c('system')", "'system'"),
        ("f, rep(c('contr.sum', 'q'), 1)", "'q'"),
        ("f, paste0('sys', 'tem')", "paste0('sys', 'tem')"),
        ("f, as.character(x)", "as.character(x)"),
        ("f, ('system')", "'system'"),
        ("f, x", "x"),
        ("f, how.many = 2, 'system'", "'system'"),
        ("f, contr.sum, FUN = 'system'", "FUN = 'system'"),
        ("C(f, 'system')", "'system'"),
    ],
)
def test_contrasts_are_contrast_functions_or_numbers(arguments: str, place: str) -> None:
    with pytest.raises(CodeNotAllowedError, match="or a matrix of numbers") as caught:
        _check(f"C({arguments})")
    error = caught.value
    assert error.text[error.start : error.stop] == place


def test_r_would_call_the_contrast_that_a_text_names(tmp_path: Path) -> None:
    """The reason for checking C(): R calls a function by the text in its second argument."""
    body = 'C(factor(c("a", "b", "c")), line, 1)'
    (answer,) = ask_r(body, ["stop"], tmp_path)
    # With the number of levels, or since R 4.5 with the levels.
    assert answer in (["error: 3"], ["error: abc"])


@pytest.mark.parametrize("name", ["logit", ".my.fun", "%o%", "größe"])
def test_the_list_can_be_extended(name: str) -> None:
    term = f"x {name} z" if name.startswith("%") else f"{name}(x)"
    with pytest.raises(FunctionNotAllowedError):
        _check(term)
    allow_function(name)
    _check(term)
    assert name in allowed_functions()


@pytest.mark.parametrize(
    "name",
    ["", "::", "base::system", "f(x)", "function", "if", "a b", "`f`", "[", "%o", "1f", None],
)
def test_only_names_of_functions_can_be_allowed(name: str) -> None:
    with pytest.raises(OptionError, match="plain name"):
        allow_function(name)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("np.log", r"log\(\) is what"), ("numpy.arcsin", r"asin\(\)"), ("np.fft.fft", "compute the")],
)
def test_functions_of_python_cannot_be_allowed(name: str, remedy: str) -> None:
    with pytest.raises(OptionError, match=remedy):
        allow_function(name)


@pytest.mark.parametrize(
    "name",
    ["system", "system2", "eval", "parse", "source", "library", "file.remove", "unlink", "get"],
)
def test_allowing_what_runs_code_warns(name: str) -> None:
    with pytest.warns(UnsafeFunctionWarning, match=name) as caught:
        allow_function(name)
    assert caught[0].message.name == name
    assert caught[0].filename == __file__


def test_nothing_makes_code_allowed() -> None:
    for name in ("system", "eval"):
        with pytest.warns(UnsafeFunctionWarning):
            allow_function(name)
    for text in ("y ~ base::system('x')", "y ~ `system`('x')", "y ~ I({x})", "y ~ eval(a$b)"):
        with pytest.raises(FormulaError):
            check_functions(parse_formula(text))


def test_the_listed_functions_are_rs_and_apply_no_function_of_the_callers(tmp_path: Path) -> None:
    """Their code in R takes no function as an argument, and evaluates no text, by these means."""
    body = """
      methods <- list(get(line, mode = "function"), getS3method(line, "default", optional = TRUE))
      methods <- Filter(function(m) is.function(m) && !is.primitive(m), methods)
      risky <- c("match.fun", "eval", "evalq", "get", "get0", "mget", "parse", "str2lang",
                 "str2expression", "source", "Recall", "system")
      c("found", unlist(lapply(methods, function(m) c(
        intersect(all.names(body(m)), risky), intersect(names(formals(m)), c("FUN", "fun"))))))
    """
    names = [*sorted(set(LISTED) - STRUCTURES), "diag"]
    answers = ask_r(f"library(splines); {body}", names, tmp_path, package="lme4")
    assert {n: a[1:] for n, a in zip(names, answers, strict=True) if a != ["found"]} == {
        "C": ["get"],
        "ave": ["FUN"],
    }


def test_no_function_is_listed_twice() -> None:
    assert len(set(LISTED)) == len(LISTED)
