"""Messages of the command line: what it reads, where it writes, and options that contradict."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pylme.cli.commands.anova import anova
from pylme.cli.commands.explain import explain
from pylme.cli.commands.fit import fit
from pylme.cli.commands.means import means
from pylme.cli.commands.plot import plot
from pylme.cli.commands.simulate import simulate
from pylme.cli.drawing import Parameters, drawn_model
from pylme.cli.model import Model
from pylme.cli.output import Output
from pylme.cli.reading import AS_USUAL, Reading

from .case import Case

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]

MODEL = "Yield ~ 1 + (1 | Batch)"
CAKE = "angle ~ recipe + (1 | recipe:replicate)"
NUMPY = Model(engine="numpy")


def _in_a_folder(work: Callable[[Path], object]) -> Callable[..., object]:
    def worked(*groups: str) -> object:
        with tempfile.TemporaryDirectory() as folder:
            return work(Path(folder), *groups)

    return worked


def _file(name: str, text: str, coded: str = "utf-8", **options: object) -> Callable[..., object]:
    def read(folder: Path, ending: str = "") -> object:
        path = (folder / name).with_suffix(ending) if ending else folder / name
        path.write_text(text, encoding=coded)
        return Reading(**options).table(str(path))

    return _in_a_folder(read)


def _reading(said: str, good: dict[str, object], kind: str = "OptionError", **bad: object) -> Case:
    """Options of reading without a meaning, and with one."""
    return Case(
        trigger=lambda: Reading(**bad).rows("dyestuff"),
        kind=kind,
        said=said,
        remedy=lambda: Reading(**good).rows("dyestuff"),
    )


def _model(said: str, good: dict[str, object], **bad: object) -> Case:
    """Options of the model that do not go together, and that do."""
    return Case(
        trigger=lambda: Model(**bad).require_consistency(),
        kind="OptionError",
        said=said,
        remedy=lambda: Model(**good).require_consistency(),
    )


def _drawn(said: str, good: dict[str, object], **bad: object) -> Case:
    """Parameters to draw from that are none, and that are some."""

    def draw(given: dict[str, object]) -> object:
        data = AS_USUAL.table("dyestuff")
        return Parameters(**({"sigma": 1.0} | given)).simulator(NUMPY, MODEL, data)

    return Case(trigger=lambda: draw(bad), kind="OptionError", said=said, remedy=lambda: draw(good))


def _empty_input() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", None)
        return AS_USUAL.table("-")


def _written(output: Output, folder: Path | None = None) -> object:
    place = output if folder is None else replace(output, output=folder / "made.html")
    return fit("dyestuff", MODEL, model=NUMPY, output=place)


CASES = {
    "no such file": Case(
        trigger=lambda: AS_USUAL.table("sleepstudi"),
        kind="DataTypeError",
        said="no file",
        remedy=AS_USUAL.table,
        parsed=r"or a data set: '(\w+)'",
    ),
    "an ending": Case(
        trigger=_file("data.txt", "a,b\n1,2\n"),
        kind="OptionError",
        said="--sep ','",
        remedy=_file("data.txt", "a,b\n1,2\n"),
        parsed=r"ends in (\.\w+)",
    ),
    "a file of nothing": Case(
        trigger=_file("data.csv", ""),
        kind="DataTypeError",
        said="a header",
        remedy=_file("data.csv", "a,b\n1,2\n"),
    ),
    "an empty input": Case(trigger=_empty_input, kind="DataTypeError", said="is empty"),
    "lines of different lengths": Case(
        trigger=_file("data.csv", "a,b\n1,2\n1,2,3,4\n"),
        kind="DataTypeError",
        said="as many values as the header",
        remedy=_file("data.csv", "a,b\n1,2\n3,4\n"),
    ),
    "lines that end in a separator": Case(
        trigger=_file("data.csv", "a,b\n1,2,\n3,4,\n"),
        kind="DataTypeError",
        said="Remove the separator",
        remedy=_file("data.csv", "a,b\n1,2\n3,4\n"),
    ),
    "another separator": Case(
        trigger=_file("data.csv", "a;b\n1;2\n"),
        kind="DataTypeError",
        said="--sep ';'",
        remedy=_file("data.csv", "a;b\n1;2\n", sep=";"),
    ),
    "decimal commas": Case(
        trigger=_file("data.csv", "a;b\n1,5;2\n", sep=";"),
        kind="DataTypeError",
        said="--decimal ','",
        remedy=_file("data.csv", "a;b\n1,5;2\n", sep=";", decimal=","),
    ),
    "another encoding": Case(
        trigger=_file("data.csv", "a,b\né,2\n", "latin-1"),
        kind="DataTypeError",
        said="--encoding latin-1",
        remedy=_file("data.csv", "a,b\né,2\n", "latin-1", encoding="latin-1"),
    ),
    "no encoding": _reading("an encoding", {"encoding": "cp1252"}, encoding="utf-9"),
    "no decimal sign": _reading("'.', ','", {"decimal": "."}, decimal="*"),
    "two separators": _reading("one character", {"sep": "tab"}, sep=";;"),
    "a decimal sign that separates": _reading(
        "other than that of --sep", {"sep": ";", "decimal": ","}, sep=",", decimal=","
    ),
    "no condition": _reading(
        "Write a comparison", {"subset": "Yield > 1500"}, kind="FormulaError", subset="Yield"
    ),
    "a condition that no row meets": _reading(
        "in none of 30 rows", {"subset": "Yield > 1500"}, kind="FormulaError", subset="Yield > 9e9"
    ),
    "a file of another kind": Case(
        trigger=lambda: _written(Output(output=Path("a.xls"))),
        kind="OptionError",
        said=".csv, .parquet, .json, .html, .md or .tex",
        remedy=_in_a_folder(lambda folder: _written(Output(), folder)),
    ),
    "a page in no folder": Case(
        trigger=lambda: _written(Output(output=Path("none/a.html"))),
        kind="OptionError",
        said="a folder that exists",
        remedy=_in_a_folder(lambda folder: _written(Output(), folder)),
    ),
    "JSON to a file": Case(
        trigger=lambda: _written(Output(output=Path("a.html"), json=True)),
        kind="OptionError",
        said="without --output",
        remedy=lambda: _written(Output(json=True)),
    ),
    "two ways to print": Case(
        trigger=lambda: explain(MODEL, latex=True, output=Output(json=True)),
        kind="OptionError",
        said="without --json",
        remedy=lambda: explain(MODEL, latex=True),
    ),
    "neither a formula nor data and a formula": Case(
        trigger=lambda: explain("dyestuff", MODEL, "more"),
        kind="OptionError",
        said="a formula, or data and a formula",
        remedy=lambda: explain(MODEL),
    ),
    "a formula before the data": Case(
        trigger=lambda: AS_USUAL.table(MODEL),
        kind="OptionError",
        said="Pass the data first",
        remedy=lambda: AS_USUAL.table("dyestuff"),
    ),
    "a coding of no factor": _model(
        "COLUMN=CODING", {"contrasts": ("recipe=sum",)}, contrasts=("recipe",)
    ),
    "a link of a linear model": _model(
        "with a --family", {"family": "binomial", "link": "probit"}, link="log"
    ),
    "ML of a generalized model": _model("it without --family", {}, family="poisson", reml=False),
    "an adjustment of no contrasts": Case(
        trigger=lambda: means("cake", CAKE, "recipe", adjust="holm"),
        kind="OptionError",
        said="it with --contrast",
        remedy=lambda: means("cake", CAKE, "recipe", adjust="holm", contrast="eff", model=NUMPY),
    ),
    "slopes on the scale of the response": Case(
        trigger=lambda: means("cake", CAKE, slope="temp", kind="response"),
        kind="OptionError",
        said="it without --slope",
    ),
    "random effects of several models": Case(
        trigger=lambda: anova("cake", CAKE, CAKE, random=True),
        kind="OptionError",
        said="with one formula",
        remedy=lambda: anova("cake", CAKE, random=True, model=NUMPY),
    ),
    "LaTeX of several formulas": Case(
        trigger=lambda: explain(MODEL, MODEL, latex=True),
        kind="OptionError",
        said="with one formula",
        remedy=lambda: explain(MODEL, latex=True),
    ),
    "a plot without the option": Case(
        trigger=lambda: plot("cake", CAKE, "residuals", x="temp"),
        kind="OptionError",
        said="it without residuals",
        remedy=lambda: plot("cake", CAKE, "residuals", model=NUMPY),
    ),
    "effects held beside parameters": Case(
        trigger=lambda: simulate("dyestuff", MODEL, random="all", parameters=Parameters(sigma=1)),
        kind="OptionError",
        said="without parameters that are given",
        remedy=lambda: simulate("dyestuff", MODEL, random="all", model=NUMPY),
    ),
    "a fixed effect without a number": _drawn("as Days=10", {"sigma": 1}, beta=("Days",)),
    "standard deviations that are none": _drawn("as Subject=24,6", {"sd": ("3",)}, sd=("a",)),
    "a correlation without standard deviations": _drawn("it with --sd", {}, corr=("0.3",)),
    "a correlation of other effects": _drawn(
        "that an --sd has too", {"sd": ("3",)}, sd=("3",), corr=("Batch=0.3",)
    ),
    "two correlations": _drawn(
        "one number for all pairs", {"sd": ("3",)}, sd=("3",), corr=("0.1,0.2",)
    ),
    "a setting without a value": _model(
        "NAME=VALUE", {"control": ("optimizer=bobyqa",)}, control=("bobyqa",)
    ),
    "a setting that lme4 does not have": _model(
        "Did you mean 'optimizer'?",
        {"control": ("optimizer=bobyqa",)},
        control=("optimiser=bobyqa",),
    ),
    "a start that is no numbers": _model("as 1,0,0.5", {"start": ("1,0,0.5",)}, start=("one",)),
    "replicates by another approximation": Case(
        trigger=lambda: drawn_model(Model(family="binomial", laplace="observed"), CAKE),
        kind="OptionError",
        said="with commands that fit one model",
        remedy=lambda: drawn_model(Model(family="binomial"), CAKE),
    ),
    "a bootstrap of F tests": Case(
        trigger=lambda: anova("cake", CAKE, bootstrap=10),
        kind="OptionError",
        said="--random or several formulas",
        remedy=lambda: anova("cake", CAKE, random=True, bootstrap=10, seed=1, model=NUMPY),
    ),
}
