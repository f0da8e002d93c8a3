"""What a fit shows of itself: the model, its criterion and status, and both kinds of effects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pylme.render import Document, Facts
from pylme.render.coefmat import coefficient_table
from pylme.text import counted, listed

if TYPE_CHECKING:
    import pandas as pd

    from pylme.options import EngineName
    from pylme.render import Block, Table
    from pylme.results.convergence import Convergence
    from pylme.results.estimates import Estimates, ModelInfo
    from pylme.results.varcorr import VarCorr

__all__ = ["overview"]

#: Fixed effects that are shown.
MOST: Final = 20
DIGITS: Final = 4


def overview(
    info: ModelInfo,
    estimates: Estimates,
    varcorr: VarCorr,
    coefficients: pd.DataFrame,
    convergence: Convergence,
    *,
    engine: EngineName,
) -> Document:
    """The short summary of a fit.

    Parameters
    ----------
    info : ModelInfo
    estimates : Estimates
    varcorr : VarCorr
    coefficients : DataFrame
        ``estimate`` and ``std_error`` by name.
    convergence : Convergence
    engine : {"lme4", "numpy"}
    """
    groups = listed([f"{counted(n, 'level')} of {name}" for name, n in info.ngrps.items()])
    facts = [("Formula", info.formula)]
    if info.family is not None:
        facts.append(("Family", f"{info.family}, link {info.link}"))
    if info.outcomes is not None:
        failure, success = info.outcomes
        facts.append(("Response", f"success is {success!r} and failure {failure!r}"))
    facts += [
        ("Engine", engine),
        ("REML criterion" if info.reml else "-2 log L", f"{estimates.criterion:.4f}"),
        ("Rows", f"{info.nobs:,}; {groups}"),
        ("Status", _status(convergence)),
    ]
    blocks: list[Block] = [
        Facts(tuple(facts)),
        varcorr.table(digits=DIGITS, caption="Random effects:"),
    ]
    if estimates.names:
        blocks.append(_fixed_effects(estimates, coefficients))
    return Document(title=info.title, blocks=tuple(blocks))


def _status(convergence: Convergence) -> str:
    said = convergence.messages
    text = convergence.status.value + (f": {' '.join(said[0].split())}" if said else "")
    return text + (f" (and {len(said) - 1} more)" if len(said) > 1 else "")


def _fixed_effects(estimates: Estimates, coefficients: pd.DataFrame) -> Table:
    shown = coefficients[["estimate", "std_error"]].iloc[:MOST]
    left = len(coefficients) - len(shown)
    return coefficient_table(
        shown.to_numpy().tolist(),
        columns=("Estimate", "Std. Error"),
        row_names=estimates.names[:MOST],
        digits=DIGITS,
        test_columns=(),
        caption="Fixed effects:" + (f" the first {MOST}, and {left:,} more" if left else ""),
    )
