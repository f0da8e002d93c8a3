"""All exceptions and warnings of pylme, as one tree of each.

Each class is built from facts and writes its own message in three parts: what was attempted, what
was found, what to do. The facts are attributes of the exception. Pickling preserves everything, so
that an error in a worker process reaches the parent unchanged.
"""

from __future__ import annotations

import inspect
import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pylme.text import nearest, suggestion
from pylme.warning_scopes import taken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "CodeNotAllowedError",
    "ColumnTypeError",
    "ColumnValueError",
    "ConvergenceWarning",
    "CrossCheckWarning",
    "DamagedStoreWarning",
    "DataError",
    "DataTypeError",
    "DispersionWarning",
    "EmptyDataError",
    "FitTimeoutError",
    "FitWarning",
    "FormulaError",
    "FormulaSyntaxError",
    "FunctionNotAllowedError",
    "GroupingFactorError",
    "InfiniteValueError",
    "MissingPackageError",
    "MissingRowsWarning",
    "MissingValueError",
    "NoFiniteEstimateWarning",
    "NoFiniteOptimumWarning",
    "NoRandomEffectsError",
    "NonlinearModelError",
    "NotAvailableError",
    "NotFiniteWarning",
    "NotIdentifiedWarning",
    "NotOverdispersedWarning",
    "OptionError",
    "OutOfMemoryError",
    "PylmeError",
    "PylmeWarning",
    "RError",
    "RProcessError",
    "RUnavailableError",
    "RWarning",
    "RankDeficiencyWarning",
    "ResponseError",
    "RowCountError",
    "RowLabelError",
    "ScalingWarning",
    "SeparationWarning",
    "SingularFitWarning",
    "SortedLevelsWarning",
    "StackLimitError",
    "StoreError",
    "TooLargeError",
    "UnknownColumnError",
    "UnknownNameError",
    "UnsafeFunctionWarning",
    "WeightsError",
    "WorkerError",
    "ZeroEffectsError",
    "warn",
]

_R_CONSTANTS: Final = {"True": "TRUE", "False": "FALSE", "None": "NULL"}

#: Characters of a line that an error shows before and after the marked place.
_NEARBY: Final = 200

_PACKAGE: Final = str(Path(__file__).parent) + os.sep


def pointed_at(text: str, start: int, stop: int) -> str:
    """The line of `text` that holds `start`, with carets under what lies from start to stop."""
    line_start = text.rfind("\n", 0, start) + 1
    line_stop = text.find("\n", start)
    line_stop = line_stop if line_stop >= 0 else len(text)
    width = max(1, min(stop, line_stop) - start)
    # Of a long line, only the part near the mark is shown.
    first, last = max(line_start, start - _NEARBY), min(line_stop, start + width + _NEARBY)
    before = "… " if first > line_start else ""
    after = " …" if last < line_stop else ""
    margin = " " * (4 + len(before) + start - first)
    return f"    {before}{text[first:last]}{after}\n{margin}{'^' * width}"


def _restored(kind: type[BaseException], message: str, facts: dict[str, Any]) -> BaseException:
    # Not kind's own: MemoryError's refuses classes that derive from it. OSError insists on its own.
    base = OSError if issubclass(kind, OSError) else BaseException
    error = base.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(facts)
    return error


class _Message:
    """A message of three parts, and pickling that does not call the constructor again."""

    args: tuple[Any, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.args[0], dict(self.__dict__))


class PylmeError(_Message, Exception):
    """The root of all errors that pylme raises.

    Parameters
    ----------
    asked, found, remedy : str
        What was attempted, what was found, what to do.
    """

    def __init__(self, *, asked: str, found: str, remedy: str) -> None:
        super().__init__(f"{asked}: {found}\n{remedy}")
        # OSError.__init__ may leave `args` unset.
        self.args = (f"{asked}: {found}\n{remedy}",)
        self.asked = asked
        self.found = found
        self.remedy = remedy


# --- formulas ---------------------------------------------------------------------------------


class FormulaError(PylmeError, ValueError):
    """A formula that cannot be read, or that names something that does not exist."""


class FormulaSyntaxError(FormulaError):
    """The text is not a formula; `start` and `stop` mark the offending position in `text`."""

    def __init__(
        self,
        *,
        text: str,
        start: int,
        stop: int,
        expected: str,
        found: str,
        remedy: str = "Correct the formula at the marked position.",
    ) -> None:
        super().__init__(
            asked="Reading the formula",
            found=f"found {found} where {expected} was expected\n{pointed_at(text, start, stop)}",
            remedy=remedy,
        )
        self.text = text
        self.start = start
        self.stop = stop
        self.expected = expected


class FunctionNotAllowedError(FormulaError):
    """The formula calls a function that pylme does not allow R to evaluate."""

    def __init__(self, *, name: str, text: str, start: int, stop: int, remedy: str = "") -> None:
        super().__init__(
            asked="Checking the formula before R evaluates it",
            found=f"{name!r} is not on the list of functions that a formula may call\n"
            f"{pointed_at(text, start, stop)}",
            remedy=remedy
            or "Compute the column in Python and name it in the formula; or, if R has a function "
            f"of that name that you trust, call pylme.allow_function({name!r}) first.",
        )
        self.name = name
        self.text = text
        self.start = start
        self.stop = stop


class NonlinearModelError(FormulaError):
    """A nonlinear mixed model, which neither engine fits."""

    def __init__(self, *, found: str) -> None:
        super().__init__(
            asked="Reading the formula",
            found=f"{found}: this is a nonlinear mixed model",
            remedy="pylme fits linear and generalized linear mixed models. Fit it in R by "
            "lme4::nlmer or nlme::nlme, or approximate the curve with ns(x, df = 4).",
        )


class CodeNotAllowedError(FunctionNotAllowedError):
    """The formula contains R code that cannot be allowed: `::`, `$`, `{`, `function`, …."""

    def __init__(self, *, name: str, text: str, start: int, stop: int, remedy: str = "") -> None:
        FormulaError.__init__(
            self,
            asked="Checking the formula before R evaluates it",
            found=f"{name!r} is not allowed in a formula\n{pointed_at(text, start, stop)}",
            remedy=remedy or "Compute the column in Python and name it in the formula.",
        )
        self.name = name
        self.text = text
        self.start = start
        self.stop = stop


class NoRandomEffectsError(FormulaError):
    """The formula of a mixed model has no random-effects term."""

    def __init__(self, *, formula: str) -> None:
        super().__init__(
            asked=f"Fitting a mixed model to {formula}",
            found="no random-effects terms specified in the formula",
            remedy="Add one in parentheses, such as (1 | g) for a column g of groups; a model "
            "without random effects is for lm or glm.",
        )
        self.formula = formula


class UnknownColumnError(FormulaError):
    """A formula or an argument names a column that the data frame does not have."""

    def __init__(self, *, name: str, available: Sequence[str], where: str = "the formula") -> None:
        super().__init__(
            asked=f"Looking up {name!r}, which {where} names, in the data",
            found="the data have no such column",
            remedy=f"R writes {_R_CONSTANTS[name]} for Python's {name}."
            if name in _R_CONSTANTS
            else suggestion(name, available),
        )
        self.name = name
        self.available = tuple(available)


# --- data -------------------------------------------------------------------------------------


class DataError(PylmeError, ValueError):
    """The requested mixed model cannot be fitted to these data."""


class DataTypeError(DataError, TypeError):
    """Data that are not a table with one name for each column."""

    def __init__(self, *, found: str, remedy: str) -> None:
        super().__init__(asked="Reading the data", found=found, remedy=remedy)


class ColumnTypeError(DataError, TypeError):
    """A column of a type that cannot be converted to R."""

    def __init__(self, *, column: str, dtype: str, found: str, remedy: str) -> None:
        super().__init__(
            asked=f"Reading column {column!r} of type {dtype}", found=found, remedy=remedy
        )
        self.column = column
        self.dtype = dtype


class ColumnValueError(DataError):
    """A column of a valid type that contains a value that R cannot represent exactly."""

    def __init__(self, *, column: str, found: str, remedy: str) -> None:
        super().__init__(asked=f"Reading column {column!r}", found=found, remedy=remedy)
        self.column = column


class InfiniteValueError(DataError):
    """Inf or -Inf in a column that the model uses, or in the result of a call.

    Parameters
    ----------
    column : str
        The column, or the text of the call.
    count : int
        How many rows have an infinite value.
    row : object
        The label of the first such row.
    sources : mapping, optional
        For a call: by column, the value in that row, and whether all these rows have this value.
    """

    def __init__(
        self,
        *,
        column: str,
        count: int,
        row: object,
        sources: Mapping[str, tuple[float, bool]] | None = None,
    ) -> None:
        where = (
            "".join(f", where {name!r} is {value:g}" for name, (value, _) in sources.items())
            if sources
            else ""
        )
        super().__init__(
            asked=f"Evaluating {column!r}" if sources else f"Reading column {column!r}",
            found=f"{count} infinite value{'s' if count > 1 else ''}, the first in row {row!r}"
            + where,
            remedy=_without_infinite(sources or {}),
        )
        self.column = column
        self.count = count
        self.row = row
        self.sources = dict(sources or {})


def _without_infinite(sources: Mapping[str, tuple[float, bool]]) -> str:
    if len(sources) == 1:
        ((name, (value, all_alike)),) = sources.items()
        if all_alike:
            return (
                f"Leave these rows out, with subset=data[{name!r}] != {value:g}, or choose a "
                "transformation that is finite there."
            )
    if sources:
        return (
            "Compute the column in Python, replace its infinite values by NaN to leave these rows "
            "out, and name it in the formula."
        )
    return "Replace them, or turn them into missing values to leave those rows out."


class MissingValueError(DataError):
    """Missing values where `na_action="fail"` forbids them."""

    def __init__(self, *, counts: Mapping[str, int]) -> None:
        super().__init__(
            asked='Reading the data with na_action="fail"',
            found="missing values in " + ", ".join(f"{k!r} ({n})" for k, n in counts.items()),
            remedy='Fill them in, or pass na_action="omit" to leave those rows out.',
        )
        self.counts = dict(counts)


class EmptyDataError(DataError):
    """No row is left to fit a model to."""

    def __init__(self, *, given: int, reason: str) -> None:
        super().__init__(
            asked="Reading the data",
            found=f"no row is left of {given}: {reason}",
            remedy="Pass a data frame with complete rows in the columns that the formula names.",
        )
        self.given = given


class RowCountError(DataError):
    """A column or an argument whose length is not that of the data."""

    def __init__(self, *, name: str, length: int, rows: int) -> None:
        super().__init__(
            asked=f"Matching {name!r} to the rows of the data",
            found=f"{length} values for {rows} rows",
            remedy="Pass one value for each row of the data frame, in its order.",
        )
        self.name = name


class RowLabelError(DataError):
    """A column or an argument whose pandas index is not that of the data."""

    def __init__(self, *, name: str) -> None:
        super().__init__(
            asked=f"Matching {name!r} to the rows of the data",
            found="its index is not the index of the data, and pylme does not align silently",
            remedy="To match by label pass .reindex(data.index) of it, to match by position "
            "its .to_numpy().",
        )
        self.name = name


class ResponseError(DataError):
    """A response to which no model can be fitted."""

    def __init__(self, *, response: str, found: str, remedy: str) -> None:
        super().__init__(asked=f"Using {response!r} as the response", found=found, remedy=remedy)
        self.response = response


class GroupingFactorError(DataError):
    """A grouping factor with too few or too many levels for its term."""

    def __init__(self, *, term: str, found: str, remedy: str) -> None:
        super().__init__(asked=f"Using the random-effects term {term}", found=found, remedy=remedy)
        self.term = term


class ZeroEffectsError(DataError):
    """Random effects whose covariates are zero in every row, so that they have no effect."""

    def __init__(self, *, terms: tuple[str, ...], rows: int) -> None:
        several = len(terms) > 1
        super().__init__(
            asked=f"Using the random-effects term{'s' if several else ''} {' + '.join(terms)}",
            found=f"every covariate on the left of the bar is 0 in all {rows} rows that are used",
            remedy="Check these columns, and which rows were left out; or take the "
            "term out of the formula, or give it an intercept, as in (1 | g).",
        )
        self.terms = terms


class WeightsError(DataError):
    """Prior weights that are not positive."""

    def __init__(self, *, found: str) -> None:
        super().__init__(
            asked="Using the prior weights",
            found=found,
            remedy="Weights must be positive; leave a row of weight zero out with `subset`.",
        )


# --- options and names ------------------------------------------------------------------------


class OptionError(PylmeError, ValueError):
    """An argument whose value is not one of those allowed."""

    def __init__(self, *, option: str, value: object, allowed: Sequence[object] | str) -> None:
        if isinstance(allowed, str):
            remedy = f"Pass {allowed}."
        else:
            near = nearest(value, [str(a) for a in allowed])
            remedy = f"Allowed: {', '.join(repr(a) for a in allowed)}." + (
                f" Did you mean {near[0]!r}?" if near else ""
            )
        # Most options are arguments; the others say in several words what they are.
        named = f"{option[0].upper()}{option[1:]}" if _IN_WORDS.match(option) else None
        super().__init__(
            asked=named or f"Argument {option}",
            found=f"{_shortly(value)} is not allowed",
            remedy=remedy,
        )
        self.option = option
        self.value = value


#: Two words with a space between, outside the brackets and quotes of an argument's element.
_IN_WORDS: Final = re.compile(r"[a-z]+ ")
#: A data frame or a list passed by mistake must not push the remedy off the screen.
_MOST_SHOWN: Final = 400


def _shortly(value: object) -> str:
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001  (a foreign __repr__, and Python's for a number too long)
        return f"a value of type {type(value).__name__}"
    if len(shown) <= _MOST_SHOWN:
        return shown
    return f"{shown[:_MOST_SHOWN]}... (of type {type(value).__name__})"


class UnknownNameError(PylmeError, LookupError):
    """A data set, grouping factor, or item that does not exist under the name given."""

    def __init__(self, *, what: str, name: str, known: Sequence[str]) -> None:
        super().__init__(
            asked=f"Looking up the {what} {name!r}",
            found="no such name exists",
            remedy=suggestion(name, known),
        )
        self.name = name
        self.known = tuple(known)


class NotAvailableError(PylmeError, RuntimeError):
    """A result that is not available for this fit, with the reason."""


class MissingPackageError(PylmeError, ImportError):
    """An optional dependency that is not installed; the extra `extra` of pylme includes it."""

    def __init__(self, *, package: str, extra: str, asked: str) -> None:
        super().__init__(
            asked=asked,
            found=f"{package} is not installed (it is the extra [{extra}] of pylme)",
            remedy=f"Install it with: pip install {package}",
        )
        self.package = package
        self.extra = extra


class StoreError(PylmeError, RuntimeError):
    """The folder that keeps a study's results cannot be used."""


class WorkerError(PylmeError, RuntimeError):
    """A replicate of a study or bootstrap ended its worker process, twice."""

    def __init__(self, *, replicate: int, exit_code: str | None) -> None:
        super().__init__(
            asked=f"Fitting replicate {replicate} in a worker process",
            found="the process ended without a result, both alone and alongside other processes"
            + (f" (exit code {exit_code})" if exit_code else ""),
            remedy="Look in your own function for something that ends a process: os._exit, a crash "
            "in compiled code, or more memory than is available.",
        )
        self.replicate = replicate
        self.exit_code = exit_code


class OutOfMemoryError(PylmeError, MemoryError):
    """The memory of the process was used up while a model was fitted."""

    def __init__(self, *, asked: str, needed: int | None = None) -> None:
        wanted = _in_units(needed) if needed else "more"
        super().__init__(
            asked=asked,
            found=f"the memory of this process is used up: {wanted} could not be allocated",
            remedy="Release other data and fits, use fewer rows or columns, raise the limit that "
            "is set for this process, or use a machine with more memory.",
        )
        self.needed = needed


class TooLargeError(PylmeError, MemoryError):
    """A model that the memory cannot hold; `needed` and `available` are bytes."""

    def __init__(self, *, asked: str, needed: int, available: int) -> None:
        super().__init__(
            asked=asked,
            found=f"it needs at least {_in_units(needed)} of memory, and "
            f"{_in_units(available)} are available",
            remedy="Use a coarser grouping factor or fewer rows, leave out a term, or fit it on a "
            "machine with more memory.",
        )
        self.needed = needed
        self.available = available


def _in_units(size: int) -> str:
    rounded = f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
    return f"{size:,} bytes ({rounded})"


# --- R ----------------------------------------------------------------------------------------


class RUnavailableError(PylmeError, ImportError):
    """R, rpy2 or lme4 is missing or does not fit together."""


class RError(PylmeError, RuntimeError):
    """R stopped with an error.

    Attributes
    ----------
    message, call : str
        R's own message, and the call that gave it as R shows it (or None).
    reason : str
        Why R stopped, as far as pylme can tell from the model and the data; otherwise empty.
    """

    def __init__(
        self, *, message: str, call: str | None, asked: str, remedy: str, reason: str = ""
    ) -> None:
        name = _CALLED.match(call or "")
        where = f" in {name.group(1)}()" if name and name.group(1) not in _NAMELESS else ""
        said = f"R stopped{where} with: {message}"
        super().__init__(
            asked=asked, found=f"{reason}\n({said})" if reason else said, remedy=remedy
        )
        self.message = message
        self.call = call
        self.reason = reason


#: The name of the function that R called. The rest of the call is R code, which explains nothing
#: to a reader and may be the source of a whole function.
_CALLED: Final = re.compile(r"([A-Za-z.][\w.]*(?::::?[A-Za-z.][\w.]*)?)\(")
_NAMELESS: Final = ("function", "eval", "stopifnot", "do.call", "tryCatch", "withCallingHandlers")


class RProcessError(PylmeError, RuntimeError):
    """The process of its own in which R ran has ended.

    Attributes
    ----------
    ended : str
        How, such as "signal SIGSEGV".
    """

    def __init__(self, *, ended: str, before: bool) -> None:
        when = (
            "it has ended before, and the fits in it with it" if before else "it ended in this call"
        )
        super().__init__(
            asked="Calling R in a process of its own",
            found=f"{when} ({ended})",
            remedy="This session goes on, and the next isolated fit starts a new process: fit the "
            "model again. If that ends too, look at the memory that is available, or fit the model "
            'with engine="numpy"; report a crash of R with the output of pylme.show_versions().',
        )
        self.ended = ended


class FitTimeoutError(PylmeError, TimeoutError):
    """A fit that took longer than its `timeout`, in seconds; `engine` names the engine."""

    def __init__(self, *, timeout: float, engine: str) -> None:
        super().__init__(
            asked=f"Fitting the model with engine={engine!r}",
            found=f"it was not finished within timeout={timeout:g} seconds, and was stopped",
            remedy="Allow more time, or simplify the random part of the model.",
        )
        self.timeout = timeout
        self.engine = engine


class StackLimitError(RError):
    """R stopped, or was not called, because the stack of the thread is too small for the formula.

    `message` and `call` are R's own; `stack` is the size of the thread's stack in bytes, or None.
    """

    def __init__(self, *, message: str, call: str | None, asked: str, stack: int | None) -> None:
        size = f" of {_in_units(stack)}" if stack else ""
        PylmeError.__init__(
            self,
            asked=asked,
            found=f"the formula is too long, or nested too deeply, for this thread's stack{size}: "
            "lme4 processes a formula by nested calls",
            remedy="Write fewer terms, or compute sums of columns in Python; fit a linear model "
            'with engine="numpy"; or fit in a thread with a larger stack: call '
            "threading.stack_size(2**29) before you start that thread.",
        )
        self.message = message
        self.call = call
        self.reason = self.found
        self.stack = stack


# --- warnings ---------------------------------------------------------------------------------


class PylmeWarning(_Message, UserWarning):
    """The root of all warnings that pylme gives."""


class EngineWarning(PylmeWarning):
    """``engine="auto"`` uses an engine other than lme4.

    Given once for each reason in a process. `engine` is the engine used; `reason` says why.
    """

    def __init__(self, *, engine: str, reason: str) -> None:
        super().__init__(
            f"{reason}. Models are fitted by engine={engine!r}. Pass it, or set the environment "
            f"variable PYLME_ENGINE={engine}, to fit without this notice."
        )
        self.engine = engine
        self.reason = reason


class UnsafeFunctionWarning(PylmeWarning):
    """`allow_function` allows formulas to call a function that runs code or accesses files."""

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"Formulas may now call {name}(), which runs code, commands or reads and writes "
            "files with whatever a formula passes to it. Never read a formula from somebody "
            "whom you do not trust in this process."
        )
        self.name = name


class FitWarning(PylmeWarning):
    """A warning about a model or its fit, from either engine."""


class RWarning(FitWarning):
    """A warning or message from R for which pylme has no specific class."""


class ConvergenceWarning(FitWarning):
    """The engine or its optimiser reports that the fit has not converged."""


class NotIdentifiedWarning(ConvergenceWarning):
    """The data do not determine all covariance parameters: their estimates are arbitrary."""


class NoFiniteOptimumWarning(ConvergenceWarning):
    """The criterion falls without bound as the residual standard deviation goes to zero."""


class NotFiniteWarning(ConvergenceWarning):
    """Estimates of a fit are NaN or infinite."""


class SingularFitWarning(FitWarning):
    """The estimated covariance of some random effects is singular."""


class RankDeficiencyWarning(FitWarning):
    """Columns of the fixed-effects model matrix were dropped as linearly dependent."""


class ScalingWarning(FitWarning):
    """lme4 finds predictors or eigenvalues of very different scale."""


class NoFiniteEstimateWarning(FitWarning):
    """The likelihood has no maximum at finite values of all parameters."""


class SeparationWarning(NoFiniteEstimateWarning):
    """Fixed effects separate the response, so that some of them have no finite estimate."""


class NotOverdispersedWarning(NoFiniteEstimateWarning):
    """Counts without overdispersion, whose negative binomial dispersion has no finite estimate."""


class DispersionWarning(FitWarning):
    """The installed lme4 estimates the random effects of a family with a dispersion wrongly."""


class CrossCheckWarning(FitWarning):
    """The verdict of a cross-check on a fit that was checked with ``check=True``.

    `verdict` is the verdict's name. The verdict may also be that another warning is a false alarm.
    """

    def __init__(self, *, verdict: str, said: str) -> None:
        super().__init__(said)
        self.verdict = verdict


class MissingRowsWarning(PylmeWarning):
    """Rows were left out because of missing values; `counts` gives their number by column."""

    def __init__(self, *, dropped: int, given: int, counts: Mapping[str, int]) -> None:
        super().__init__(
            f"{dropped} of {given} rows left out for missing values: "
            + ", ".join(f"{name!r} ({count})" for name, count in counts.items())
            + '. Pass na_action="fail" to make this an error.'
        )
        self.dropped = dropped
        self.given = given
        self.counts = dict(counts)


class SortedLevelsWarning(PylmeWarning):
    """The levels of a polars Categorical are sorted, because it does not define an order."""

    def __init__(self, *, column: str) -> None:
        super().__init__(
            f"The levels of the column {column!r}, a polars Categorical, are sorted by code point, "
            "because a Categorical does not define an order. Cast the column to pl.Enum(levels) "
            "to choose the order, or to pl.String to sort them without this warning."
        )
        self.column = column


class DamagedStoreWarning(PylmeWarning):
    """Files of a study's store are damaged, and are computed again.

    `damaged` maps the name of each file to the reason; `folder` is the folder that contains them.
    """

    def __init__(self, *, folder: str, damaged: Mapping[str, str]) -> None:
        name, reason = next(iter(damaged.items()))
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        super().__init__(
            f"{name}{more} in {folder} cannot be used: {reason}. The replicates are fitted again."
        )
        self.folder = folder
        self.damaged = dict(damaged)


def warn(warning: Warning) -> None:
    """Give a warning that points at the nearest caller outside pylme.

    The warning is not given inside a scope of `pylme.warning_scopes` that collects it.
    """
    if taken(warning):
        return
    level = 1
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level += 1
        frame = frame.f_back
    warnings.warn(warning, stacklevel=level)
