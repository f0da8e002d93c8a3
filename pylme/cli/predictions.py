"""The commands `pylme predict` and `pylme means`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from pylme.cli.model import Family, fitted, require_method
from pylme.errors import OptionError
from pylme.options import Engine

if TYPE_CHECKING:
    import pandas as pd


__all__ = ["means", "predict"]

Ddf = Literal["kenward-roger", "satterthwaite", "normal"]
Names = Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")]


def predict(
    data: str,
    formula: str,
    /,
    *,
    newdata: str | None = None,
    random: str = "all",
    new_levels: Literal["error", "population"] = "error",
    interval: Literal["confidence", "prediction"] | None = None,
    kind: Literal["response", "link"] = "response",
    conf_level: float = 0.95,
    ddf: Ddf | None = None,
    ml: Annotated[bool, Parameter(negative="")] = False,
    weights: str | None = None,
    family: Family | None = None,
    link: str | None = None,
    engine: Engine = "auto",
    output: Path | None = None,
) -> None:
    """Fit a model and predict: the rows of the data, or those of another file.

    Parameters
    ----------
    data
        A CSV, TSV or Parquet file, or the name of a data set that is included.
    formula
        In lme4's language, in quotes: "math ~ ses*sector + (ses | sch.id)".
    newdata
        A file of the rows to predict, with the columns that are used. They are printed with the
        predictions beside them.
    random
        The random effects that are included: "all", "none" for the mean over all groups, the name
        of a grouping factor, or terms such as "(1 | school)".
    new_levels
        Whether a group that the data do not have is an error, or has effects of zero on average.
    interval
        Add intervals for the mean, or for a new observation.
    kind
        The scale of a generalized model's predictions.
    conf_level
        The level of the intervals.
    ddf
        The method of the degrees of freedom of intervals.
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
        What fits the model: "numpy" needs no R. "auto" is "lme4" where R is there, else "numpy".
    output
        Write the table to this file, .csv or .parquet, instead of printing it as CSV.
    """
    import pandas as pd

    from pylme.cli.report import warnings_on_stderr
    from pylme.cli.table import read_table

    require_method(family, ml=ml, link=link)
    _require_writable(output)
    table = read_table(data)
    rows = None if newdata is None else read_table(newdata)
    with warnings_on_stderr():
        fit = fitted(
            table, formula, ml=ml, weights=weights, family=family, link=link, engine=engine
        )
        found: Any = fit.predict(
            rows, random=random, new_levels=new_levels, interval=interval, kind=kind,
            conf_level=conf_level, ddf=ddf,
        )  # fmt: skip
        frame = found.to_frame() if isinstance(found, pd.Series) else found
        beside = table if rows is None else rows
        taken = frame.columns.intersection(beside.columns)
        frame = frame.rename(columns={name: f"{name}." for name in taken})
        _write(pd.concat([beside, frame], axis=1), output)


def means(
    data: str,
    formula: str,
    /,
    *specs: str,
    by: Names = None,
    contrast: Literal["pairwise", "trt.vs.ctrl", "poly", "eff", "del.eff", "consec"] | None = None,
    adjust: Literal[
        "tukey", "sidak", "bonferroni", "holm", "bh", "scheffe", "mvt", "dunnettx", "none"
    ]
    | None = None,
    weights_of: Literal["equal", "proportional", "outer", "cells", "flat"] = "equal",
    slope: str | None = None,
    kind: Literal["link", "response"] = "link",
    conf_level: float = 0.95,
    ddf: Ddf | None = None,
    ml: Annotated[bool, Parameter(negative="")] = False,
    weights: str | None = None,
    family: Family | None = None,
    link: str | None = None,
    engine: Engine = "auto",
    output: Path | None = None,
) -> None:
    """Fit a model and print marginal means, or slopes, and contrasts of them.

    Parameters
    ----------
    data
        A CSV, TSV or Parquet file, or the name of a data set that is included.
    formula
        In lme4's language, in quotes: "angle ~ recipe*temperature + (1 | recipe:replicate)".
    specs
        The predictors whose combinations have a mean.
    by
        Predictors within whose levels means are compared.
    contrast
        Print these contrasts instead of the means.
    adjust
        How p-values and intervals are adjusted for the number of contrasts.
    weights_of
        The weights of the combinations that a mean is an average over.
    slope
        Slopes of this numeric predictor in place of means.
    kind
        The scale: of the linear predictor, or of the response.
    conf_level
        The level of the intervals.
    ddf
        The method of the degrees of freedom: "kenward-roger" for linear models if none is named.
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
        What fits the model: "numpy" needs no R. "auto" is "lme4" where R is there, else "numpy".
    output
        Write the table to this file, .csv or .parquet, instead of printing it.
    """
    from pylme.cli.report import warnings_on_stderr
    from pylme.cli.table import read_table

    require_method(family, ml=ml, link=link)
    _require_writable(output)
    if adjust is not None and contrast is None:
        raise OptionError(option="--adjust", value=adjust, allowed="it with --contrast")
    if slope is not None and kind == "response":
        raise OptionError(option="--kind", value=kind, allowed="it without --slope")
    table = read_table(data)
    with warnings_on_stderr():
        fit = fitted(
            table, formula, ml=ml, weights=weights, family=family, link=link, engine=engine
        )
        common: dict[str, Any] = {
            "by": by, "weights": weights_of, "conf_level": conf_level, "ddf": ddf,
        }  # fmt: skip
        found: Any = (
            fit.emmeans(list(specs), kind=kind, **common)
            if slope is None
            else fit.emtrends(slope, list(specs), **common)
        )
        if contrast is not None:
            found = found.contrast(contrast, adjust=adjust)
        if output is None:
            print(found)
        else:
            _write(found.to_frame(), output)


def _require_writable(output: Path | None) -> None:
    if output is None:
        return
    if output.suffix.lower() not in (".csv", ".parquet") or not output.parent.is_dir():
        raise OptionError(
            option="--output",
            value=str(output),
            allowed="a file that ends in .csv or .parquet, in a folder that exists",
        )


def _write(frame: "pd.DataFrame", output: Path | None) -> None:
    if output is None:
        frame.to_csv(sys.stdout, index=False)
    elif output.suffix.lower() == ".csv":
        frame.to_csv(output, index=False)
    else:
        frame.to_parquet(output, index=False)
