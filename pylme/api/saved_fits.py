"""`pylme.read_rds` and `pylme.from_r`: fits by lme4 that pylme did not make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylme.fit import Fit

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["from_r", "read_rds"]


def read_rds(path: str | PathLike[str], *, data: Any = None) -> Fit:
    """Read a fit by lme4 that R's ``saveRDS`` has written.

    An RDS file is code: a fit carries functions that later calls run. Read files of authors whom
    you trust.

    Parameters
    ----------
    path : str or path-like
        A file with one object of lme4's classes ``lmerMod`` and ``glmerMod`` or lmerTest's
        ``lmerModLmerTest``.
    data : DataFrame or mapping, optional
        The data that the model was fitted to. Needed only if the formula computes variables, and
        only for what uses new rows: the file holds ``log(x)``, and not ``x``.

    Returns
    -------
    Fit
        As if pylme had fitted the model by lme4: `Fit.cross_check` gives the verdict on it. Its
        rows are those that the fit used, with R's names of rows; with `data`, the rows of the data.

    Raises
    ------
    DataTypeError
        If the file does not exist, is not complete, or holds something else.
    NotAvailableError
        If the installed lme4 cannot read the fit, because another version saved it.
    DataError
        If `data` are not the data of the fit.
    FormulaError
        If the formula calls functions that `pylme.allow_function` has not allowed.
    RUnavailableError
        If R, rpy2 or lme4 is missing.

    Examples
    --------
    >>> import pylme, tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "fit.rds"
    >>> pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff")).to_rds(file)
    >>> fit = pylme.read_rds(file)
    >>> fit.cross_check().verdict
    <Verdict.AGREES: 'agrees'>
    """
    from pylme.lme4.saved import model_in_file

    return Fit(model_in_file(path, data))


def from_r(value: Any, *, data: Any = None) -> Fit:
    """The fit that an rpy2 object holds, such as that of a model of pymer4.

    Parameters
    ----------
    value : rpy2 object
        Of rpy2.rinterface or rpy2.robjects: a fit by lme4 or by lmerTest's ``lmer``.
    data : DataFrame or mapping, optional
        As for `read_rds`.

    Returns
    -------
    Fit
        The object itself is not changed.

    Raises
    ------
    DataTypeError, NotAvailableError, DataError, FormulaError, RUnavailableError
        As `read_rds`.

    Examples
    --------
    >>> import pylme
    >>> from rpy2.robjects import r  # doctest: +SKIP
    >>> model = r("lme4::lmer(Yield ~ 1 + (1 | Batch), lme4::Dyestuff)")  # doctest: +SKIP
    >>> pylme.from_r(model).cross_check().verdict  # doctest: +SKIP
    <Verdict.AGREES: 'agrees'>
    """
    from pylme.lme4.saved import model_of_object

    return Fit(model_of_object(value, data))
