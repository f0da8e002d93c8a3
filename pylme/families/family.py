"""The families of generalized linear mixed models that lme4 fits: links, means and variances.

The variance of a response of mean μ, dispersion and weight left aside, is a power of the mean for
all families but two:

    gaussian 1      poisson μ      Gamma μ²      inverse.gaussian μ³
    binomial μ(1 - μ)              negative binomial μ + μ²/ϑ

References
----------
McCullagh & Nelder (1989), Generalized Linear Models, 2nd edition, table 2.1 and section 11.2.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from pylme.errors import OptionError
from pylme.families.link import link_of
from pylme.options import choice, is_number, optional_text

__all__ = [
    "LINKS",
    "POWERS",
    "Family",
    "FamilyName",
    "Variance",
    "confined",
    "family",
    "family_of_name",
    "has_dispersion",
    "means_of",
    "negative_binomial",
    "optional_family",
    "variance_of",
]

FamilyName = Literal["binomial", "poisson", "Gamma", "inverse.gaussian", "gaussian"]

#: Links by family, the default first: those of R's `family` objects.
LINKS: Final[dict[str, tuple[str, ...]]] = {
    "binomial": ("logit", "probit", "cauchit", "log", "cloglog"),
    "poisson": ("log", "identity", "sqrt"),
    "Gamma": ("inverse", "identity", "log"),
    "inverse.gaussian": ("1/mu^2", "inverse", "identity", "log"),
    "gaussian": ("log", "inverse"),
}
_NB: Final = "no family but call glmer_nb(formula, data), which estimates the dispersion too"
_ORDINAL: Final = (
    "a family of lme4's; ordinal and multinomial responses are fitted by other packages, such as "
    "clmm() of the R package ordinal"
)
_OF_GLMMTMB: Final = "a family of lme4's; glmmTMB, an R package, fits this one"
#: What else users ask for, without case and punctuation, and where it is found.
_ELSEWHERE: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            *("nb", "nb1", "nb2", "negbin", "negbinom", "nbinom", "nbinom1", "nbinom2"),
            *("negativebinomial", "negbinomial", "glmernb", "negativebinom"),
        ),
        _NB,
    ),
    **dict.fromkeys(
        ("ordinal", "cumulative", "clm", "clmm", "multinomial", "categorical", "ordered"), _ORDINAL
    ),
    **dict.fromkeys(
        (
            *("beta", "betabinomial", "tweedie", "zip", "zinb", "hurdle", "student", "studentt"),
            *("t", "tfamily", "lognormal", "genpois", "generalizedpoisson", "compois"),
            *("truncatedpoisson", "truncatednbinom1", "truncatednbinom2", "zeroinflatedpoisson"),
        ),
        _OF_GLMMTMB,
    ),
    **dict.fromkeys(
        ("bernoulli", "logistic", "logit", "probit"),
        "family='binomial', with link='probit' for a probit model",
    ),
    **dict.fromkeys(
        ("quasi", "quasipoisson", "quasibinomial"),
        "family='poisson' or 'binomial'; lme4 fits no quasi-likelihoods: for counts that vary more "
        "than Poisson's call glmer_nb(formula, data), or add a term (1 | row) of one level a row",
    ),
    "exponential": "family='Gamma', of which it is the case of shape 1",
    **dict.fromkeys(("normal", "identity"), "no family: lmer() is for a normal response"),
}
_NEGATIVE_BINOMIAL: Final = re.compile(r"Negative Binomial\((.+)\)")
#: Those of MASS's `negative.binomial`.
NEGATIVE_BINOMIAL_LINKS: Final = ("log", "identity", "sqrt")

#: The exponent of the mean, by family.
POWERS: Final = {"gaussian": 0, "poisson": 1, "Gamma": 2, "inverse.gaussian": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A conditional distribution of the response and a link.

    Attributes
    ----------
    name : str
        R's name of the family; "negative binomial" for that of `glmer_nb`.
    link : str
        R's name of the link.
    shape : float or None
        The ϑ of the negative binomial, whose variance is μ + μ²/ϑ; None for other families.
    """

    name: str
    link: str
    shape: float | None = None


def family(name: str, link: str | None = None) -> Family:
    """The family of that name with the requested link, or its usual one.

    Raises
    ------
    OptionError
        If lme4 fits no such family, or the family has no such link.
    """
    optional_text("link", link)
    if isinstance(name, str) and name.lower() == "gaussian" and link in (None, "identity"):
        raise OptionError(
            option="family",
            value=name,
            allowed="lmer() for a normal response with the identity link; "
            "glmer takes the gaussian family with link='log' or 'inverse'",
        )
    if isinstance(name, str) and (pointer := _ELSEWHERE.get(re.sub(r"[\W_]", "", name).lower())):
        raise OptionError(option="family", value=name, allowed=pointer)
    choice("family", name, FamilyName)
    links = LINKS[name]
    if link is not None and link not in links:
        raise OptionError(option=f"link of the {name} family", value=link, allowed=links)
    return Family(name=name, link=link or links[0])


def family_of_name(name: str | None, link: str | None) -> Family:
    """The family that R names so, as of a fit; the gaussian one of a linear model for None.

    R writes the dispersion of a negative binomial into the name, in a few digits.

    Parameters
    ----------
    name, link : str or None
    """
    if name is None:
        return Family(name="gaussian", link=link or "identity")
    if found := _NEGATIVE_BINOMIAL.fullmatch(name):
        return Family(name="negative binomial", link=link or "log", shape=float(found[1]))
    return Family(name=name, link=link or LINKS[name][0])


def optional_family(name: str | None, link: str | None) -> Family | None:
    """The family of a generalized model; None, for a linear one, where neither is given.

    Parameters
    ----------
    name : str or None
        The binomial family where there is a link alone.
    link : str or None

    Raises
    ------
    OptionError
        As `family`.
    """
    if name is None and link is None:
        return None
    return family("binomial" if name is None else name, link)


def negative_binomial(shape: float, link: str = "log") -> Family:
    """The negative binomial family of the given shape.

    Parameters
    ----------
    shape : float
        ϑ > 0; the variance is μ + μ²/ϑ.
    link : {"log", "identity", "sqrt"}, optional

    Raises
    ------
    OptionError
        If the shape is not positive and finite, or the family has no such link.
    """
    if not is_number(shape) or not 0.0 < shape < float("inf"):
        raise OptionError(option="shape", value=shape, allowed="a positive finite number")
    if link not in NEGATIVE_BINOMIAL_LINKS:
        raise OptionError(
            option="link of the negative binomial family",
            value=link,
            allowed=NEGATIVE_BINOMIAL_LINKS,
        )
    return Family(name="negative binomial", link=link, shape=float(shape))


def means_of(family: Family) -> tuple[float, float]:
    """The open interval of the means that a family and its link allow."""
    if family.name == "binomial":
        return 0.0, 1.0
    if family.name == "gaussian" and family.link != "log":
        return -math.inf, math.inf
    return 0.0, math.inf


def confined(family: Family) -> bool:
    """Whether every value of the linear predictor gives a mean that the family has."""
    if family.name == "binomial":
        return family.link != "log"
    return family.name == "gaussian" or not link_of(family.link).positive


def has_dispersion(family: Family | None) -> bool:
    """Whether the variance of a row has a separate parameter, sigma²; None is a linear model."""
    return family is None or family.name in ("Gamma", "inverse.gaussian", "gaussian")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Variance:
    """A variance function and its first two derivatives by the mean, element by element."""

    value: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]


def variance_of(family: Family, mean: NDArray[np.float64]) -> Variance:
    """The variance function of a family at given means.

    Parameters
    ----------
    family : Family
    mean : ndarray
        Of any shape, within the range of the family's means.
    """
    if family.name == "binomial":
        return Variance(
            value=mean * (1.0 - mean), first=1.0 - 2.0 * mean, second=np.full_like(mean, -2.0)
        )
    if family.shape is not None:
        return Variance(
            value=mean * (1.0 + mean / family.shape),
            first=1.0 + 2.0 * mean / family.shape,
            second=np.full_like(mean, 2.0 / family.shape),
        )
    p = POWERS[family.name]
    return Variance(
        value=mean**p,
        first=p * mean ** max(p - 1, 0),
        second=p * (p - 1) * mean ** max(p - 2, 0),
    )
