"""Linear hypotheses Lβ = c from text, from the name of a term, or from a matrix.

In text each hypothesis is an equation of linear expressions in the coefficients, and commas divide
several: ``"armB - armC = 0"``, ``"week = 0, week:armB = 0"``, ``"2*x1 = x2 + 1"``. Without an
equals sign the expression is zero. The names of coefficients are found as they are, whatever
characters they contain, the longest name first; between backticks everything is a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from pylme.errors import OptionError, UnknownNameError
from pylme.options import number_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Hypothesis", "hypothesis_of"]

_NUMBER: Final = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_WORD: Final = re.compile(r"[^\W\d][\w.:]*(?:\([^()]*\)[\w.:]*)*|\.[\w.:]*")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hypothesis:
    """Lβ = c.

    Attributes
    ----------
    L : ndarray, shape (q, p)
    rhs : ndarray, shape (q,)
        c.
    labels : tuple of str, length q
        Each equation in words.
    term : str or None
        The term whose coefficients are tested.
    """

    L: NDArray[np.float64]
    rhs: NDArray[np.float64]
    labels: tuple[str, ...]
    term: str | None = None


def hypothesis_of(
    hypothesis: object, names: Sequence[str], terms: Mapping[str, Sequence[int]] | None = None
) -> Hypothesis:
    """The hypothesis that a user wrote.

    Parameters
    ----------
    hypothesis : str, sequence of str, or array_like of shape (q, p) or (p,)
    names : sequence of str, length p
        The coefficients.
    terms : mapping of str to sequence of int, optional
        The coefficients of each term of the fixed effects.

    Raises
    ------
    UnknownNameError
        If a text names a coefficient that does not exist.
    OptionError
        If a text is no linear equation, or a matrix does not have a finite number for each
        coefficient.
    """
    if isinstance(hypothesis, str):
        return _of_text(hypothesis, names, terms or {})
    if isinstance(hypothesis, list | tuple) and hypothesis and isinstance(hypothesis[0], str):
        if not all(isinstance(text, str) for text in hypothesis):
            _refuse(hypothesis, names)
        parts = [_of_text(text, names, terms or {}) for text in hypothesis]
        return Hypothesis(
            L=np.concatenate([part.L for part in parts]),
            rhs=np.concatenate([part.rhs for part in parts]),
            labels=tuple(label for part in parts for label in part.labels),
        )
    matrix = number_array(hypothesis)
    if matrix is not None and matrix.ndim in (1, 2):
        matrix = np.atleast_2d(matrix)
        if len(matrix) and matrix.shape[1] == len(names) and np.isfinite(matrix).all():
            labels = tuple(f"{expression(row, names)} = 0" for row in matrix)
            return Hypothesis(L=matrix, rhs=np.zeros(len(matrix)), labels=labels)
    return _refuse(hypothesis, names)


def _refuse(hypothesis: object, names: Sequence[str]) -> NoReturn:
    raise OptionError(
        option="hypothesis",
        value=hypothesis,
        allowed="the name of a coefficient or of a term, linear equations such as "
        f"'{names[-1]} = 0' divided by commas, a list of such texts, or a matrix with "
        f"{len(names)} columns, one for each coefficient",
    )


def _of_text(text: str, names: Sequence[str], terms: Mapping[str, Sequence[int]]) -> Hypothesis:
    asked = text.strip()
    if asked in terms and asked not in names:
        L = np.eye(len(names))[list(terms[asked])]
        labels = tuple(f"{names[i]} = 0" for i in terms[asked])
        return Hypothesis(L=L, rhs=np.zeros(len(L)), labels=labels, term=asked)
    rows = _Parser(text, names, terms).equations()
    L = np.array([row for row, _ in rows])
    # Zero without a sign.
    rhs = np.array([constant for _, constant in rows]) + 0.0
    labels = tuple(
        f"{expression(row, names)} = {constant:g}" for row, constant in zip(L, rhs, strict=True)
    )
    return Hypothesis(L=L, rhs=rhs, labels=labels)


def expression(row: NDArray[np.float64], names: Sequence[str]) -> str:
    """A linear combination of coefficients in words.

    Examples
    --------
    >>> expression(np.array([0.0, 1.0, -2.0]), ["a", "b", "c"])
    'b - 2*c'
    """
    words: list[str] = []
    for weight, name in zip(row.tolist(), names, strict=True):
        if weight == 0:
            continue
        sign = "-" if weight < 0 else "+" if words else ""
        size = "" if abs(weight) == 1 else f"{abs(weight):.6g}*"
        words.append(f"{sign} {size}{name}" if words else f"{sign}{size}{name}")
    return " ".join(words) or "0"


#: A linear expression: weights of the coefficients, and a constant.
_Linear = tuple[NDArray[np.float64], float]


class _Parser:
    """A recursive descent through sums, products and parentheses."""

    def __init__(self, text: str, names: Sequence[str], terms: Iterable[str]) -> None:
        self.text = text
        self.names = names
        self.terms = terms
        self.place = {name: i for i, name in enumerate(names)}
        self.parts = {frozenset(name.split(":")): name for name in names if ":" in name}
        self.longest = sorted(names, key=len, reverse=True)
        self.at = 0

    def equations(self) -> list[_Linear]:
        """Each equation as weights and the constant on its right."""
        made = [self.equation()]
        while self.taken(","):
            made.append(self.equation())
        if self.rest():
            self.refuse()
        return made

    def equation(self) -> _Linear:
        weights, constant = self.sum()
        if self.taken("==", "="):
            other, more = self.sum()
            weights, constant = weights - other, constant - more
        if not weights.any():
            self.refuse()
        return weights, -constant

    def sum(self) -> _Linear:
        weights, constant = self.product()
        while sign := self.taken("+", "-", "−"):
            other, more = self.product()
            factor = 1.0 if sign == "+" else -1.0
            weights, constant = weights + factor * other, constant + factor * more
        return weights, constant

    def product(self) -> _Linear:
        weights, constant = self.signed()
        while sign := self.taken("*", "/"):
            other, more = self.signed()
            if sign == "/":
                if other.any() or more == 0:
                    self.refuse()
                weights, constant = weights / more, constant / more
            elif not other.any():
                weights, constant = weights * more, constant * more
            elif not weights.any():
                weights, constant = other * constant, more * constant
            else:
                self.refuse()
        return weights, constant

    def signed(self) -> _Linear:
        if sign := self.taken("+", "-", "−"):
            weights, constant = self.signed()
            return (weights, constant) if sign == "+" else (-weights, -constant)
        return self.atom()

    def atom(self) -> _Linear:
        rest = self.rest()
        for name in self.longest:
            if rest.startswith(name) and not self.continues(name, rest):
                self.at += len(name)
                return self.coefficient(name)
        if rest.startswith("`"):
            end = rest.find("`", 1)
            if end < 0:
                self.refuse()
            self.at += end + 1
            return self.coefficient(rest[1:end])
        if number := _NUMBER.match(rest):
            self.at += number.end()
            return np.zeros(len(self.place)), float(number[0])
        if self.taken("("):
            inner = self.sum()
            if not self.taken(")"):
                self.refuse()
            return inner
        if word := _WORD.match(rest):
            self.at += word.end()
            return self.coefficient(word[0])
        return self.refuse()

    @staticmethod
    def continues(name: str, rest: str) -> bool:
        """Whether the text goes on with a longer word than the name."""
        after = rest[len(name) : len(name) + 1]
        return after == ":" or bool(re.match(r"[\w.]", name[-1]) and re.match(r"[\w.(]", after))

    def coefficient(self, name: str) -> _Linear:
        # As R names it, whatever order the parts of an interaction are written in.
        name = name if name in self.place else self.parts.get(frozenset(name.split(":")), name)
        if name not in self.place:
            # A term is a hypothesis of its own, and no part of an equation.
            alone = name == self.text.strip()
            known = [*self.names, *self.terms] if alone else self.names
            raise UnknownNameError(what="coefficient", name=name, known=known)
        weights = np.zeros(len(self.place))
        weights[self.place[name]] = 1.0
        return weights, 0.0

    def rest(self) -> str:
        """What is not read yet."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at :]

    def taken(self, *signs: str) -> str:
        """The sign that comes next, if it is one of these."""
        rest = self.rest()
        found = next((sign for sign in signs if rest.startswith(sign)), "")
        self.at += len(found)
        return found

    def refuse(self) -> NoReturn:
        _refuse(self.text, self.names)
