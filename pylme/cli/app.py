"""The commands and their arguments. Each imports what it needs when it runs: help is instant."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from pylme._version import __version__
from pylme.cli.model import Family, fitted, require_method
from pylme.cli.predictions import means, predict
from pylme.cli.studies import study
from pylme.errors import OptionError, PylmeError
from pylme.options import Engine

__all__ = ["run"]

#: Exit statuses; 0 says that all is well.
ERROR, USAGE, NOT_GOOD = 1, 2, 3

app = App(
    name="pylme",
    help="Fit mixed-effects models with R's lme4, and know whether the answer is right.",
    version=__version__,
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)


app.command(study)
app.command(predict)
app.command(means)


def run(arguments: list[str]) -> int:
    """Carry out a command line and give its exit status.

    Parameters
    ----------
    arguments : list of str

    Returns
    -------
    int
        0 where all is well, 1 after an error, 2 where the command line itself is wrong (an unknown
        option, a value that is not allowed), and 3 where a fit was checked and its verdict is not
        a good one.
    """
    try:
        status = app(arguments, exit_on_error=False)
    except CycloptsError:
        # Already printed, with the help that fits.
        return USAGE
    except PylmeError as error:
        print(error, file=sys.stderr)
        return USAGE if isinstance(error, OptionError) else ERROR
    return status if isinstance(status, int) else 0


@app.command
def fit(
    data: str,
    formula: str,
    /,
    *,
    ml: Annotated[bool, Parameter(negative="")] = False,
    weights: str | None = None,
    family: Family | None = None,
    link: str | None = None,
    engine: Engine = "auto",
    json: Annotated[bool, Parameter(negative="")] = False,
    html: Path | None = None,
) -> None:
    """Fit a model; print its summary and whether it has converged.

    Parameters
    ----------
    data
        A CSV, TSV or Parquet file, or the name of a data set that is included.
    formula
        In lme4's language, in quotes: "math ~ ses*sector + (ses | sch.id)".
    ml
        By maximum likelihood instead of REML.
    weights
        The column of prior weights.
    family
        Fit a generalized linear mixed model of this family. "nb" is the negative binomial, whose
        dispersion is estimated too.
    link
        The link of the family, if not its usual one: "probit", "cloglog", "log", ...
    engine
        What fits the model: "numpy" needs no R. "auto" is "lme4" where R is there, else
        "numpy".
    json
        Print all numbers of the fit as JSON instead.
    html
        Also write the summary and the explanation to this file, as a page for a browser.
    """
    from pylme.cli.report import fit_page, fit_report, warnings_on_stderr
    from pylme.cli.table import read_table

    require_method(family, ml=ml, link=link)
    _require_folder(html)
    table = read_table(data)
    with warnings_on_stderr():
        made = fitted(
            table, formula, ml=ml, weights=weights, family=family, link=link, engine=engine
        )
        print(made.to_json() if json else fit_report(made))
        if html is not None:
            html.write_text(fit_page(made), encoding="utf-8")


@app.command
def check(
    data: str,
    formula: str,
    /,
    *,
    ml: Annotated[bool, Parameter(negative="")] = False,
    weights: str | None = None,
    family: Family | None = None,
    link: str | None = None,
    engine: Engine = "auto",
    json: Annotated[bool, Parameter(negative="")] = False,
    html: Path | None = None,
) -> int:
    """Fit a mixed model, linear or generalized, and check it by an independent implementation.

    The exit status is 0 where the answer is right (AGREES, FALSE_ALARM, SINGULAR_CERTIFIED), and 3
    where it is not, or where nothing is known (STOPPED_SHORT, NOT_IDENTIFIED, NO_FINITE_ESTIMATE,
    DISAGREES, UNCHECKED).

    Parameters
    ----------
    data
        A CSV, TSV or Parquet file, or the name of a data set that is included.
    formula
        In lme4's language, in quotes: "math ~ ses*sector + (ses | sch.id)".
    ml
        By maximum likelihood instead of REML.
    weights
        The column of prior weights.
    family
        Fit a generalized linear mixed model of this family. "nb" is the negative binomial, whose
        dispersion is estimated too.
    link
        The link of the family, if not its usual one: "probit", "cloglog", "log", ...
    engine
        What fits the model: "lme4" is R's, "numpy" is pylme's own and needs no R. "auto" is "lme4"
        where R is there, else "numpy".
    json
        Print the verdict and every comparison as JSON instead.
    html
        Also write the report to this file, as a page for a browser.
    """
    from pylme.cli.report import check_page, check_report, warnings_on_stderr
    from pylme.cli.table import read_table
    from pylme.crosscheck.alarms import collected_warnings, warn_of_others

    require_method(family, ml=ml, link=link)
    _require_folder(html)
    table = read_table(data)
    with warnings_on_stderr():
        with collected_warnings() as caught:
            made = fitted(
                table, formula, ml=ml, weights=weights, family=family, link=link, engine=engine
            )
            checked = made.cross_check()
        warn_of_others(caught, checked)
        print(checked.to_json() if json else check_report(checked))
        if html is not None:
            html.write_text(check_page(checked), encoding="utf-8")
    return 0 if checked.ok else NOT_GOOD


@app.command(usage="Usage: pylme audit FILE... [OPTIONS]")
def audit(
    *files: Annotated[Path, Parameter(name="FILE")],
    csv: Path | None = None,
    html: Path | None = None,
) -> int:
    """Give the verdict on fits that R saved with saveRDS(): files, or whole folders.

    An RDS file is code: a saved fit carries functions that R runs. Audit only files of authors whom
    you trust.

    Prints a table with a row for each fit. The exit status is that of the worst: 0 where all
    answers are right, 3 where one is not or could not be checked, 1 where a file could not be read.

    Parameters
    ----------
    files
        Files with one fit each by lme4 or by lmer() of lmerTest, and folders, of which all files
        that end in .rds are read.
    csv
        Also write the table to this file, as comma-separated values.
    html
        Also write the table to this file, as a page for a browser.
    """
    from pylme.cli.audit import audit as audited
    from pylme.cli.audit import files_of, to_csv, to_document
    from pylme.cli.report import page
    from pylme.render import to_html, to_text

    _require_folder(html)
    _require_folder(csv, option="--csv")
    found = tuple(audited(files_of(files)))
    document = to_document(found)
    # A row for each fit, however long its formula.
    print(to_text(document, width=sys.maxsize))
    if csv is not None:
        csv.write_text(to_csv(found), encoding="utf-8")
    if html is not None:
        html.write_text(page("Audit of saved fits", to_html(document)), encoding="utf-8")
    if not all(each.read for each in found):
        return ERROR
    return 0 if all(each.ok for each in found) else NOT_GOOD


@app.command(usage="Usage: pylme explain [OPTIONS] [DATA] FORMULA")
def explain(
    *data_and_formula: Annotated[str, Parameter(name="DATA FORMULA")],
    json: Annotated[bool, Parameter(negative="")] = False,
    latex: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Say what a formula specifies, and with data what they can show of it; nothing is fitted.

    Parameters
    ----------
    data_and_formula
        The data, which may be left out, as a CSV, TSV or Parquet file or the name of a data set
        that is included; then the formula, in quotes: "math ~ ses*sector + (ses | sch.id)".
    json
        Print it as JSON instead.
    latex
        Print the model and the covariance that it implies as LaTeX instead.
    """
    from pylme.cli.table import read_table
    from pylme.explanation.explain import explain as explained
    from pylme.results.saving import json_text

    if json and latex:
        raise OptionError(option="--latex", value=True, allowed="it without --json")
    if not 1 <= len(data_and_formula) <= 2:
        raise OptionError(
            option="the arguments of pylme explain",
            value=data_and_formula,
            allowed="a formula, or data and a formula",
        )
    *data, formula = data_and_formula
    explanation = explained(formula, read_table(data[0]) if data else None)
    if json:
        print(json_text(explanation.to_dict(), indent=2))
    else:
        print(explanation.to_latex() if latex else explanation)


@app.command
def demo() -> None:
    """Fit a model to the High School & Beyond data and show all that pylme says about it."""
    from pylme.cli.report import demo_report, warnings_on_stderr

    with warnings_on_stderr():
        print(demo_report())


@app.command
def datasets(name: str | None = None, /) -> None:
    """List the data sets that ship with pylme, or describe one.

    Parameters
    ----------
    name
        The data set to describe.
    """
    from pylme.datasets import describe, names

    if name is not None:
        print(describe(name))
        return
    width = max(len(known) for known in names())
    for known in names():
        description = describe(known)
        print(f"{known.ljust(width)}  {description.rows:>6} rows  {description.title}")


@app.command
def doctor() -> int:
    """Say what is installed, what is wrong, and which command corrects it."""
    from pylme.lme4.installation.doctor import doctor as diagnose

    diagnosis = diagnose()
    print(diagnosis)
    return 0 if diagnosis.ok else ERROR


def _require_folder(file: Path | None, *, option: str = "--html") -> None:
    if file is not None and (file.is_dir() or not file.parent.is_dir()):
        raise OptionError(option=option, value=str(file), allowed="a file in a folder that exists")
