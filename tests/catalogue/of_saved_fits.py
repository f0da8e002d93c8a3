"""Messages about fits that R made: files, R objects, and the data of such fits."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pylme

from .case import DATA, Case

__all__ = ["CASES"]

_FORMULA = "log(y + 100) ~ x + (1 | g)"
_GIVEN = DATA.assign(y=DATA["y"].abs())


@cache
def _file(kind: str) -> Path:
    """A file that R has written: a fit without its data, what is no fit, or a part of a fit."""
    from rpy2.rinterface import evalr

    file = Path(tempfile.mkdtemp()) / f"{kind}.rds"
    if kind == "other":
        evalr(f"saveRDS(1:3, '{file}')")
        return file
    pylme.lmer(_FORMULA, _GIVEN, engine="lme4").to_rds(file)
    if kind == "broken":
        evalr(f"local({{ f <- readRDS('{file}'); attr(f, 'resp') <- NULL; saveRDS(f, '{file}') }})")
    if kind == "alone":
        evalr(
            f"local({{ f <- readRDS('{file}'); rm('data', envir = environment(stats::formula(f))); "
            f"saveRDS(f, '{file}') }})"
        )
    return file


def _read(kind: str, **options: object) -> Any:
    return pylme.read_rds(_file(kind), **options)


def _new_rows(fit: Any) -> object:
    from pylme.model_matrix.recipe import on_new_rows

    design = fit._model.design
    return on_new_rows(design.recipe, design.terms, _GIVEN, offset=None, na_action="omit")


def _of_r(value: object) -> object:
    pylme.lmer("y ~ x + (1 | g)", DATA, engine="lme4")
    return pylme.from_r(value)


def _case(kind: str, said: str, trigger: Any, remedy: Any = None) -> Case:
    return Case(trigger=trigger, kind=kind, said=said, remedy=remedy, needs_r=True)


def _files(*paths: Path) -> object:
    from pylme.cli.saved_fits import files_of

    return files_of(paths)


CASES: dict[str, Case] = {
    "an empty folder": _case(
        "OptionError", "files that end in .rds", lambda: _files(Path(tempfile.mkdtemp())),
    ),
    "no files": _case("OptionError", "at least one file", _files),
    "no file": _case(
        "DataTypeError", "does not exist", lambda: pylme.read_rds("nothing.rds"),
        lambda: _read("alone"),
    ),
    "no path": _case("DataTypeError", "is not a path", lambda: pylme.read_rds(3)),
    "no RDS": _case("DataTypeError", "R cannot read", lambda: pylme.read_rds(__file__)),
    "no fit": _case("DataTypeError", "and not a mixed model", lambda: _read("other")),
    "another version": _case(
        "NotAvailableError", "another version of lme4", lambda: _read("broken")
    ),
    "no R object": _case("DataTypeError", "is not an R object", lambda: _of_r(3)),
    "no folder": _case(
        "DataTypeError", "no file can be written", lambda: _read("alone").to_rds("no/such/folder")
    ),
    "no R fit": _case(
        "NotAvailableError", "R does not hold it",
        lambda: pylme.lmer("y ~ x + (1 | g)", DATA, engine="numpy").to_rds("fit.rds"),
    ),
    "variables": _case(
        "NotAvailableError", "not the variables y", lambda: _new_rows(_read("alone")),
        lambda: _new_rows(_read("alone", data=_GIVEN)),
    ),
    "rows of other data": _case(
        "DataError", "complete rows", lambda: _read("alone", data=_GIVEN[:40]),
        lambda: _read("alone", data=_GIVEN),
    ),
    "a column of other data": _case(
        "DataError", "the column x differs", lambda: _read("alone", data=_GIVEN.assign(x=1.0)),
        lambda: _read("alone", data=_GIVEN),
    ),
    "an expression of other data": _case(
        "DataError", "log(y + 100) differs", lambda: _read("alone", data=_GIVEN.assign(y=1.0)),
        lambda: _read("alone", data=_GIVEN),
    ),
}  # fmt: skip
