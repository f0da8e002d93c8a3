"""A model fitted by lme4: the object stays in R, and its parts are fetched on first access."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.arrays import read_only
from pylme.errors import RError, UnknownNameError
from pylme.families.family import family_of_name, has_dispersion
from pylme.formula import Call, deparse, walk
from pylme.lme4.conditions import raise_as_warnings
from pylme.lme4.failures import explained
from pylme.lme4.isolation.choice import session_for_fits, session_of
from pylme.lme4.isolation.isolated_session import RemoteHandle
from pylme.lme4.linear_problem import generalized_problem_of, linear_problem_of, terms_of
from pylme.lme4.records import estimates_of, optinfo_of, system_of, texts, varcorr_of, vector
from pylme.lme4.session import Handle
from pylme.model_matrix.build import build
from pylme.model_matrix.response import outcomes
from pylme.results.certificate import SUSPECT, SUSPECT_OF_ITERATIONS
from pylme.results.estimates import ModelInfo
from pylme.results.findings import findings, unreliable_by_lme4
from pylme.results.fitted_model import FitRecord
from pylme.results.ranef import RandomEffects
from pylme.versions import has
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from pylme.frame import Rows
    from pylme.lme4.isolation.choice import AnyHandle
    from pylme.lme4.records import System
    from pylme.model_matrix.matrices import ModelMatrices
    from pylme.model_matrix.spec import ModelSpec
    from pylme.results.estimates import Estimates
    from pylme.results.fitted_model import Condition, ResidualType
    from pylme.results.generalized_problem import GeneralizedProblem
    from pylme.results.linear_problem import LinearProblem
    from pylme.results.optinfo import OptInfo
    from pylme.results.varcorr import VarCorr

__all__ = ["RModel"]

#: Parts of the call that a summary shows, with the headings that lme4 gives them.
_CALL_PARTS: Final = ("data", "weights", "offset", "control", "subset")

#: Items of getME that are one value; any other of length 1 is a vector that happens to be short.
_SINGLE: Final = frozenset(
    [
        "sigma",
        "REML",
        "is_REML",
        "n_rtrms",
        "n_rfacs",
        "npar",
        "N",
        "n",
        "p",
        "q",
        "k",
        "m",
        "glmer.nb.theta",
    ]
)


class RModel:
    """A fitted merMod object in R, with the interface of both engines.

    It is pickled by R's own serialization, and can be restored in another process.

    Attributes
    ----------
    spec : ModelSpec
        The model that was specified.
    rows : Rows
        The rows that were used: without those for which a transformation gave no value.
    """

    engine: Final = "lme4"
    has_rows: Final = True

    def __init__(
        self,
        handle: AnyHandle,
        conditions: tuple[Condition, ...],
        spec: ModelSpec,
        rows: Rows | None = None,
    ) -> None:
        self._handle = handle
        self.conditions = conditions
        self.spec = spec
        self.rows = spec.frame.rows if rows is None else rows

    @property
    def handle(self) -> AnyHandle:
        """The object in R."""
        return self._handle

    def __reduce__(self) -> tuple[Any, ...]:
        carried = session_of(self._handle).call("model_serialize", self._handle)
        return _revived, (carried, self.conditions, self.spec, self.rows)

    def examined(self) -> RModel:
        """The same fit, with pylme's own findings added to R's messages."""
        family = self.spec.family
        if family is None:
            return self
        problem = self.generalized_problem()
        assert problem is not None  # noqa: S101  (the family is that of a generalized model)
        seen = findings(self.spec, problem, mu=self.fitted())
        if has_dispersion(family):
            unreliable = unreliable_by_lme4(family, session_of(self._handle).versions["lme4"])
            seen = seen if unreliable is None else (*seen, unreliable)
        return self.with_conditions(seen) if seen else self

    @cached_property
    def _numbers(self) -> Mapping[str, Any]:
        """The most common results of a fit, by one call into R, because each call takes time."""
        numbers: dict[str, Any] = self._ask("model_numbers")
        return numbers

    def announce(self) -> None:
        """Give R's messages as Python warnings."""
        nodes = chain.from_iterable(map(walk, self.spec.terms.variables.values()))
        calls = {deparse(node) for node in nodes if isinstance(node, Call)}
        raise_as_warnings(self.conditions, calls=calls)

    def _ask(self, function: str, *arguments: Any) -> Any:
        return session_of(self._handle).call(function, self._handle, *arguments)

    def record(self) -> FitRecord:
        """The numbers that a study keeps of a fit, by one call into R."""
        parts = self._ask("model_record")
        return FitRecord(
            estimates=estimates_of(parts["estimates"]),
            std_error=vector(parts["std_error"]),
            varcorr=varcorr_of(parts["varcorr"]),
            optinfo=optinfo_of(parts["optinfo"]),
            singular=bool(parts["singular"]),
        )

    def info(self) -> ModelInfo:
        """The model and the data that were fitted."""
        parts = self._ask("model_info")
        formula = parts["formula"]
        lines = (formula,) if isinstance(formula, str) else formula
        call = [("formula", "\n".join(lines))]
        call += [(part, parts[part]) for part in _CALL_PARTS if parts[part] is not None]
        groups = parts["ngrps"]
        return ModelInfo(
            formula=" ".join(line.strip() for line in lines),
            call=tuple(call),
            title=parts["title"],
            object_class=parts["object_class"],
            family=parts["family"],
            link=parts["link"],
            reml=parts["reml"],
            use_scale=parts["use_scale"],
            nobs=int(parts["nobs"]),
            ngrps={name: int(n) for name, n in groups.items()},
            deviance_label=parts["deviance_label"],
            fit_messages=texts(parts["fit_messages"]),
            versions=parts["versions"],
            outcomes=outcomes(self.spec),
        )

    def estimates(self) -> Estimates:
        """The numbers that define the fit."""
        return estimates_of(self._numbers["estimates"])

    def vcov(self) -> NDArray[np.float64]:
        """Covariance matrix of the fixed effects, shape (p, p)."""
        return read_only(self._ask("model_vcov"))

    def varcorr(self) -> VarCorr:
        """Variances and correlations of the random effects."""
        return varcorr_of(self._numbers["varcorr"])

    def variance_errors(self) -> None:
        """None: lme4 gives no standard errors of variance components."""

    def optinfo(self) -> OptInfo:
        """The optimiser's record."""
        return optinfo_of(self._numbers["optinfo"])

    def is_singular(self, tol: float) -> bool:
        """Whether lme4's isSingular says so at the tolerance `tol`."""
        return bool(self._ask("model_is_singular", tol))

    def ranef(self) -> tuple[RandomEffects, ...]:
        """Conditional modes, a record for each grouping factor."""
        return tuple(
            RandomEffects(
                group=part["group"],
                names=texts(part["names"]),
                levels=texts(part["levels"]),
                modes=read_only(np.atleast_2d(part["modes"])),
            )
            for part in self._ask("model_ranef")
        )

    def ranef_var(self, group: str) -> NDArray[np.float64]:
        """Conditional variances of one grouping factor, shape (levels, k, k)."""
        return read_only(np.moveaxis(self._ask("model_ranef_var", group), -1, 0))

    def fitted(self) -> NDArray[np.float64]:
        """Fitted values on the scale of the response, shape (nobs,)."""
        return read_only(self._ask("model_fitted"))

    def residuals(self, kind: ResidualType) -> NDArray[np.float64]:
        """Residuals of one kind, shape (nobs,)."""
        return read_only(self._ask("model_residuals", kind))

    def getme(self, name: str) -> Any:
        """One of the items of lme4's ``getME``; "devfun" is a function of theta (and beta).

        Raises
        ------
        UnknownNameError
            If the installed lme4 has no item of that name.
        """
        known = texts(session_of(self._handle).call("getme_names"))
        if name not in known:
            raise UnknownNameError(what="getME item", name=name, known=known)
        item = self._ask("model_getme", name)
        if name == "cnms":
            return {group: texts(names) for group, names in item.items()}
        if name != "devfun":
            one = isinstance(item, int | float) and name not in _SINGLE
            return np.atleast_1d(item) if one else item
        function = item if isinstance(item, RemoteHandle) else Handle(item)

        def devfun(theta: ArrayLike) -> float:
            value = session_of(function).call("evaluate", function, np.asarray(theta, dtype=float))
            return float(value)

        return devfun

    def refit_from(self, theta: NDArray[np.float64]) -> RModel:
        """The same call again, with the search starting at `theta`.

        Of a generalized model β may follow θ, and ln ϑ of a negative binomial β: lme4 then fits the
        model of that ϑ.
        """
        estimates = self.estimates()
        m, p = len(estimates.theta), len(estimates.beta)
        beta = theta[m : m + p] if len(theta) >= m + p and p else None
        shape = float(np.exp(theta[-1])) if len(theta) > m + p else None
        theta = theta[:m]
        begin = theta
        terms = terms_of(self.system())
        if any(term.structure.kind != "us" for term in terms):
            # lme4 2 starts from the free parameters.
            begin = np.concatenate([t.structure.free_of(theta[t.thetas]) for t in terms])
        try:
            handle, conditions = session_of(self._handle).hold(
                "model_refit_from", self._handle, begin, beta, shape
            )
        except RError as error:
            raise explained(error, self.spec) from None
        start = theta if beta is None else {"theta": theta, "fixef": beta}
        spec = replace(self.spec, start=start)
        return RModel(handle, conditions, spec, self.rows).examined()

    def system(self) -> System:
        """The matrices that lme4 built, and its results."""
        return system_of(self._ask("model_system"))

    def tight_criterion(self) -> tuple[float, float, float]:
        """The criterion of a generalized model by lme4's own function at the fit's parameters.

        With the tolerance of its iterations for the mode that it took (1e-14 if they end with it),
        and that of the fit. NaN where they end with none.
        """
        parts = self._ask("model_tight_criterion")
        return tuple(float(parts[k]) for k in ("value", "tolerance", "own_tolerance"))  # type: ignore[return-value]

    def linear_problem(self) -> LinearProblem | None:
        """The linear mixed model by lme4's own matrices; None for a generalized model."""
        if self.spec.family is not None or not (system := self.system()).linear:
            return None
        return linear_problem_of(system, terms_of(system))

    def generalized_problem(self) -> GeneralizedProblem | None:
        """The generalized model by lme4's own matrices; None for a linear one."""
        if self.spec.family is None:
            return None
        system, info = self.system(), self.info()
        family = family_of_name(info.family, info.link)
        return generalized_problem_of(system, terms_of(system), family)

    @cached_property
    def design(self) -> ModelMatrices:
        """The matrices that pylme makes of the specification; lme4 made its own."""
        with silenced():
            # There were warnings of dropped columns and rows when the model was fitted.
            return build(self.spec)

    def leaves_little(self) -> bool:
        """Whether the residuals are almost zero, or an estimate is NaN.

        Then the fit may have no optimum, and an examination is worth its time. Without noise the
        iterations of lme4 2.1, which weigh by the dispersion, leave residuals of any size.
        """
        family = self.spec.family
        if family is not None and has_dispersion(family) and has("dispersion"):
            return True
        share = float(self._numbers["remainder"])
        return not share > (SUSPECT if self.spec.family is None else SUSPECT_OF_ITERATIONS)

    def with_conditions(self, more: tuple[Condition, ...]) -> RModel:
        """The same fit with further conditions."""
        return RModel(self._handle, (*self.conditions, *more), self.spec, self.rows)

    def with_rows(self, rows: Rows) -> RModel:
        """The same fit, with the rows of the data that it used."""
        return RModel(self._handle, self.conditions, self.spec, rows)

    def columns(self) -> Mapping[str, Any]:
        """The columns of the model frame, by R's names for them."""
        columns: dict[str, Any] = self._ask("model_columns")
        return columns

    def row_quantities(self) -> Mapping[str, NDArray[np.float64]]:
        """The columns that broom.mixed's augment adds to the model frame."""
        parts = self._ask("model_row_quantities")
        return {name: vector(part) for name, part in parts.items()}

    def lost_rows(self) -> NDArray[np.intp]:
        """Positions of rows that a transformation in the formula made missing, from 0."""
        lost = self._ask("model_lost_rows")
        return np.atleast_1d(np.asarray(lost, dtype=np.intp)) - 1


def _revived(data: bytes, conditions: tuple[Condition, ...], spec: ModelSpec, rows: Rows) -> RModel:
    handle, _ = session_for_fits().hold("model_unserialize", data)
    return RModel(handle, conditions, spec, rows)
