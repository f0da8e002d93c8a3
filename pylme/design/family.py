"""The families of generalized linear mixed models that lme4 fits, and their links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pylme.errors import OptionError
from pylme.options import choice

__all__ = ["Family", "FamilyName", "family"]

FamilyName = Literal["binomial", "poisson", "Gamma", "inverse.gaussian", "gaussian"]

#: Links by family, the default first: those of R's `family` objects.
LINKS: Final[dict[str, tuple[str, ...]]] = {
    "binomial": ("logit", "probit", "cauchit", "log", "cloglog"),
    "poisson": ("log", "identity", "sqrt"),
    "Gamma": ("inverse", "identity", "log"),
    "inverse.gaussian": ("1/mu^2", "inverse", "identity", "log"),
    "gaussian": ("log", "inverse"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A conditional distribution of the response and a link."""

    name: str
    link: str


def family(name: str, link: str | None = None) -> Family:
    """The family of that name with the link asked for, or its usual one.

    Raises
    ------
    OptionError
        If lme4 fits no such family, or the family has no such link.
    """
    if name == "gaussian" and link in (None, "identity"):
        raise OptionError(
            option="family",
            value=name,
            allowed="lmer() for a normal response with the identity link; "
            "glmer takes the gaussian family with link='log' or 'inverse'",
        )
    choice("family", name, FamilyName)
    links = LINKS[name]
    if link is not None and link not in links:
        raise OptionError(option=f"link of the {name} family", value=link, allowed=links)
    return Family(name=name, link=link or links[0])
