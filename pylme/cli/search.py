"""How lme4 searches, by options that are written as NAME=VALUE: its control, and the start."""

from dataclasses import fields
from typing import Any

from pylme.errors import OptionError
from pylme.lme4.control import OPTIMIZER_OPTIONS, GlmerControl, LmerControl

__all__ = ["control_of", "start_of"]


def control_of(texts: tuple[str, ...], *, generalized: bool) -> LmerControl | GlmerControl:
    """The control of a fit by lme4.

    Parameters
    ----------
    texts : tuple of str
        Each NAME=VALUE, where NAME is an argument of `pylme.LmerControl` or `pylme.GlmerControl`,
        or an option of the optimiser. Two optimisers are separated by a comma.
    generalized : bool
        Whether the model is a generalized one.

    Raises
    ------
    OptionError
        If a text has another form, there is no such argument or option, or a value is not allowed.
    """
    kind = GlmerControl if generalized else LmerControl
    names = [field.name for field in fields(kind) if field.name != "opt_ctrl"]
    of_optimizers = sorted(frozenset().union(*OPTIMIZER_OPTIONS.values()))
    given: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not (name and sign and value):
            raise OptionError(
                option="--control", value=text, allowed="NAME=VALUE, as optimizer=bobyqa"
            )
        if name in names:
            given[name] = _value(value)
        elif name in of_optimizers:
            options[name] = _value(value)
        else:
            raise OptionError(option="--control", value=name, allowed=[*names, *of_optimizers])
    return kind(**given, opt_ctrl=options)


def start_of(texts: tuple[str, ...]) -> list[float] | dict[str, list[float]]:
    """The start of a search.

    Parameters
    ----------
    texts : tuple of str
        The elements of theta, as 1,0,0.5; of a generalized model also the fixed effects, each with
        its name: theta=1 and fixef=-1.5,0.2.

    Raises
    ------
    OptionError
        If a text has another form.
    """
    found = dict(map(_start, texts))
    return found["theta"] if found.keys() == {"theta"} else found


def _start(text: str) -> tuple[str, list[float]]:
    name, sign, numbers = text.rpartition("=")
    try:
        values = [float(number) for number in numbers.split(",")]
    except ValueError:
        values = []
    if not values or (sign and name.strip() not in {"theta", "fixef"}):
        raise OptionError(
            option="--start",
            value=text,
            allowed="numbers, as 1,0,0.5 for the elements of theta, or theta=1 and fixef=-1.5,0.2 "
            "in two --start for a generalized model",
        )
    return (name.strip() if sign else "theta"), values


def _value(text: str) -> Any:
    """A truth value, a number, two names, or a name."""
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if "," in text:
        return tuple(_value(part.strip()) for part in text.split(","))
    try:
        return float(text)
    except ValueError:
        return text
