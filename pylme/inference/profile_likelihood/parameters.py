"""Which parameters of a linear mixed model have a profile, and where each of them stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pylme.errors import OptionError, UnknownNameError
from pylme.results.parameters import Parameter, labels_named, parameters_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylme.covariance.structure import Structure

__all__ = ["ProfiledParameter", "chosen", "profiled_parameters"]

Kind = Literal["fixed", "sd", "correlation", "sigma"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfiledParameter:
    """A parameter that has a profile.

    Attributes
    ----------
    name : Parameter
        broom.mixed's names of it; ``name.label`` is one text.
    lme4 : str
        Its name in lme4's profiles: ``.sig01``, ``.sigma``, or that of the coefficient.
    kind : {"fixed", "sd", "correlation", "sigma"}
    term : int or None
        The position of the random-effects term.
    places : tuple of int
        The coefficient; or the effects of the term, one for a standard deviation.
    """

    name: Parameter
    lme4: str
    kind: Kind
    term: int | None = None
    places: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """One text for it: ``Days``, ``sd__Days | Subject``, ``sigma``."""
        return self.name.label


def profiled_parameters(
    fixed: Sequence[str],
    terms: Sequence[tuple[str, Sequence[str], Structure]],
    *,
    scale: bool = True,
) -> tuple[ProfiledParameter, ...]:
    """All parameters: coefficients, standard deviations and correlations, sigma.

    Parameters
    ----------
    fixed : sequence of str
        R's coefficient names.
    terms : sequence of (str, sequence of str, Structure)
        The grouping factor, the effects and the structure of each random-effects term.
    scale : bool
        Whether there is a residual standard deviation.
    """
    names = iter(parameters_of(fixed, terms, 0))
    found = [
        ProfiledParameter(name=next(names), lme4=name, kind="fixed", places=(j,))
        for j, name in enumerate(fixed)
    ]
    count = sum(structure.n_free for _, _, structure in terms)
    # lme4 pads the numbers with zeros to two digits, or to as many as the last one has.
    digits = max(2, len(str(count)))
    number = 0
    for position, (_, _, structure) in enumerate(terms):
        for i, j in structure.components:
            number += 1
            found.append(
                ProfiledParameter(
                    name=next(names),
                    lme4=f".sig{number:0{digits}d}",
                    kind="sd" if i == j else "correlation",
                    term=position,
                    places=(i,) if i == j else (j, i),
                )
            )
    if scale:
        found.append(ProfiledParameter(name=next(names), lme4=".sigma", kind="sigma"))
    return tuple(found)


def chosen(
    parameters: Sequence[ProfiledParameter], wanted: str | Sequence[str] | None
) -> tuple[ProfiledParameter, ...]:
    """The parameters of some names, in their own order.

    Parameters
    ----------
    parameters : sequence of ProfiledParameter
    wanted : str, sequence of str, or None
        Labels, lme4's names of either kind (``.sig01``, ``sd_Days|Subject``), or ``"fixed"`` and
        ``"ran_pars"`` for all of a kind; None for all.

    Raises
    ------
    UnknownNameError
        If there is no such parameter.
    OptionError
        If it is no text or sequence of texts.
    """
    if wanted is None:
        return tuple(parameters)
    several: object = (wanted,) if isinstance(wanted, str) else wanted
    texts = tuple(several) if isinstance(several, Iterable) else ()
    if not texts or not all(isinstance(name, str) for name in texts):
        raise OptionError(
            option="parameters", value=wanted, allowed="names of parameters, a string or several"
        )
    found: set[ProfiledParameter] = set()
    for name in texts:
        labels = labels_named(name, (parameter.label for parameter in parameters))
        own = {
            parameter
            for parameter in parameters
            if parameter.label in labels or name in {parameter.lme4, parameter.name.effect}
        }
        if not own:
            raise UnknownNameError(
                what="parameter", name=str(name), known=[one.label for one in parameters]
            )
        found |= own
    return tuple(parameter for parameter in parameters if parameter in found)
