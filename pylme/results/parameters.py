"""The names of a model's parameters: broom.mixed's, and those of lme4's profiles.

lme4 numbers the standard deviations and correlations of all terms, ``.sig01`` and so on, the lower
triangle of each term column by column, or the free parameters of its covariance structure; then
follow ``.sigma`` and the coefficients.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pylme.covariance.names import BROOM_RESIDUAL, block_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from pylme.covariance.structure import Structure

__all__ = ["Parameter", "labels_named", "parameters_of", "varcorr_values"]


class Parameter(NamedTuple):
    """What one number of a fit is.

    `effect` is "fixed", "ran_pars" (standard deviations and correlations), "theta" or "collected";
    `group` the grouping factor of a random effect, "Residual", or None.
    """

    effect: str
    group: str | None
    term: str

    @property
    def label(self) -> str:
        """One text for it: ``ses``, ``sd__ses | sch.id``, ``sigma``, ``theta1``."""
        if self.group == "Residual":
            return "sigma"
        return self.term if self.group is None else f"{self.term} | {self.group}"


def parameters_of(
    fixed: Sequence[str],
    terms: Sequence[tuple[str, Sequence[str], Structure]],
    n_thetas: int,
    *,
    residual: bool = True,
) -> tuple[Parameter, ...]:
    """The parameters of a mixed model in their order.

    Parameters
    ----------
    fixed : sequence of str
        R's coefficient names.
    terms : sequence of (str, sequence of str, Structure)
        The grouping factor, the effects and the structure of each random-effects term.
    n_thetas : int
    residual : bool
        Whether there is a residual standard deviation: not of a family without a dispersion.
    """
    found = [Parameter("fixed", None, name) for name in fixed]
    labels = block_labels(group for group, _, _ in terms)
    for label, (_, effects, structure) in zip(labels, terms, strict=True):
        names = structure.component_names(effects)
        found += [Parameter("ran_pars", label, name) for name in names]
    if residual:
        found.append(Parameter("ran_pars", "Residual", BROOM_RESIDUAL))
    found += [Parameter("theta", None, f"theta{i + 1}") for i in range(n_thetas)]
    return tuple(found)


def labels_named(name: str, labels: Iterable[str]) -> tuple[str, ...]:
    """The labels of the parameters that a text names, which need not be a label itself.

    The names of lme4's ``confint(fit, oldNames = FALSE)`` are understood: one underscore, no spaces
    at the bar, the later effect of a correlation first, and of several terms of a grouping factor
    no numbers.

    Parameters
    ----------
    name : str
    labels : iterable of str

    Examples
    --------
    >>> labels_named("sd_Days|Subject", ["Days", "sd__Days | Subject", "sigma"])
    ('sd__Days | Subject',)
    >>> labels_named("cor_Days.(Intercept)|Subject", ["cor__(Intercept).Days | Subject"])
    ('cor__(Intercept).Days | Subject',)
    """
    own = tuple(labels)
    if name in own:
        return (name,)
    asked = re.sub(r"\s*\|\s*", "|", name.strip())
    for numbered in (True, False):
        if found := tuple(one for one in own if asked in _other_names(one, numbered=numbered)):
            return found
    return ()


def _other_names(label: str, *, numbered: bool) -> Iterator[str]:
    term, bar, group = label.rpartition(" | ")
    kind, underscores, effects = term.partition("__")
    if not (bar and underscores):
        return
    place = group if numbered else re.sub(r"\.\d+$", "", group)
    written = [effects]
    if kind == "cor":
        dots = [at for at, sign in enumerate(effects) if sign == "."]
        # Effects have dots in their names, too: any of them may be the one in between.
        written += [f"{effects[at + 1 :]}.{effects[:at]}" for at in dots]
    for each in written:
        yield f"{kind}__{each}|{place}"
        yield f"{kind}_{each}|{place}"


def varcorr_values(
    terms: Sequence[tuple[NDArray[np.float64], NDArray[np.float64], Structure]],
) -> NDArray[np.float64]:
    """Standard deviations and correlations in the order of the parameters, shape (R, m).

    Parameters
    ----------
    terms : sequence of (ndarray, ndarray, Structure)
        Standard deviations (R, k), correlations (R, k, k) and the structure of each term.
    """
    return np.hstack([structure.component_values(sd, corr) for sd, corr, structure in terms])
