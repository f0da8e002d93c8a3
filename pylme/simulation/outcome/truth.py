"""The true values of a study's parameters, where they are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pylme.covariance.correlation import correlation
from pylme.errors import OptionError, UnknownNameError
from pylme.families.family import has_dispersion
from pylme.options import is_number, mapping, text
from pylme.results.parameters import parameters_of, varcorr_values
from pylme.simulation.draw.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylme.simulation.draw.sources import Source

__all__ = ["Truth", "truth_of"]

#: By model and label of the parameter.
Truth = Mapping[str, Mapping[str, float]]


def truth_of(source: Source, models: Iterable[str], given: Mapping[str, Any] | None) -> Truth:
    """The true values by model: those of the simulator, replaced by those that the user gives.

    Parameters
    ----------
    source : Source
        A simulator whose parameters are the same in all rows knows the truth of every model that
        has a parameter of the same name.
    models : iterable of str
    given : mapping or None
        Labels of parameters to numbers; or names of models to such mappings.

    Raises
    ------
    UnknownNameError
        If no model has that name.
    OptionError
        If a value is not a number.
    """
    names = tuple(models)
    known = _of_simulator(source)
    own: dict[str, dict[str, float]] = {name: dict(known) for name in names}
    if given is not None:
        mapping("truth", given, allowed="a mapping from labels of parameters to numbers")
    for name, value in (given or {}).items():
        text("a name in truth", name)
        if not isinstance(value, Mapping):
            for by_label in own.values():
                by_label[name] = _number(name, value)
        elif name not in names:
            raise UnknownNameError(what="model", name=str(name), known=names)
        else:
            own[name].update({label: _number(label, number) for label, number in value.items()})
    return own


def _number(label: str, value: Any) -> float:
    if not is_number(value):
        raise OptionError(option=f"truth[{label!r}]", value=value, allowed="a number")
    return float(value)


def _of_simulator(source: Source) -> dict[str, float]:
    if not isinstance(source, Simulator) or len(source.parts) > 1:
        return {}
    (part,) = source.parts
    terms = [(term.group, term.names, term.structure) for term in part.design.terms]
    values = varcorr_values(
        [
            (np.sqrt(np.diag(c))[None], correlation(c)[None], term.structure)
            for c, term in zip(part.covariances, part.design.terms, strict=True)
        ]
    )[0]
    residual = part.family is None or has_dispersion(part.family)
    numbers = [*part.beta.tolist(), *values.tolist(), *([part.sigma] if residual else [])]
    named = parameters_of(part.design.x_names, terms, 0, residual=residual)
    return dict(zip([parameter.label for parameter in named], numbers, strict=True))
