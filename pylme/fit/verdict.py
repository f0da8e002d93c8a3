"""Whether a fit is right: its convergence, its cross-check, and a fit from another start."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from pylme.errors import OptionError
from pylme.fit.estimates import FitEstimates
from pylme.options import finite_numbers, is_number, quadrature_points, whole_number
from pylme.results.assessment import assess
from pylme.tolerances import SINGULAR

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pylme.crosscheck.report import CrossCheck
    from pylme.results.convergence import Convergence
    from pylme.results.optinfo import OptInfo

__all__ = ["FitVerdict"]


class FitVerdict(FitEstimates):
    """What is known of the optimum, and how it is examined."""

    @cached_property
    def optinfo(self) -> OptInfo:
        """The optimiser's record: lme4's ``@optinfo``."""
        record = self._model.optinfo()
        if record.trace is None:
            return record
        return replace(record, trace=replace(record.trace, library=self.library))

    @cached_property
    def convergence(self) -> Convergence:
        """Whether the fit has converged, judged from all the evidence."""
        return assess(self._estimates, self.optinfo, self.conditions, singular=self.is_singular())

    def is_singular(self, tol: float = SINGULAR) -> bool:
        """Whether some covariance matrix of the random effects does not have full rank.

        Parameters
        ----------
        tol : float
            A diagonal element of the relative Cholesky factor below `tol` counts as zero. The rule
            and the default are lme4's.

        Raises
        ------
        OptionError
            If `tol` is not a positive number.
        """
        if not (is_number(tol) and tol > 0):
            raise OptionError(option="tol", value=tol, allowed="a positive number")
        return self._model.is_singular(float(tol))

    def cross_check(
        self, *, starts: int | None = None, quadrature: int | None = None
    ) -> CrossCheck:
        """Whether the fit is right: the verdict of an independent implementation.

        For a fit by lme4, its matrices are compared with pylme's own, its numbers are recomputed
        from them, exact derivatives show whether its theta is an optimum, and an independent
        optimiser searches for a better one. For a fit by the NumPy engine, only the optimum is
        checked, without lme4.

        Parameters
        ----------
        starts : int, optional
            The number of starts of the search for the optimum: this fit's theta, the NumPy engine's
            own start, and others far from both. The default depends on the cost: six where the data
            leave no doubt, about a dozen at a singular fit, about 50 where other minima are likely,
            fewer for models with many random effects in several factors. If fewer are given than
            the data need, and no better optimum is found, the verdict is UNCHECKED.
        quadrature : int, optional
            Of a generalized model fitted by the Laplace approximation: also find the optimum of the
            integral itself by adaptive quadrature with so many points, 25 for instance, and say
            where the two differ. For one random-effects term of one effect, and families without a
            dispersion.

        Returns
        -------
        CrossCheck
            The result is kept: the same call returns the same object.

        Raises
        ------
        OptionError
            If `starts` is not a positive whole number, or `quadrature` not one from 2 to 100.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
        >>> fit.cross_check().verdict
        <Verdict.AGREES: 'agrees'>
        """
        from pylme.crosscheck.check import cross_check

        count = None if starts is None else whole_number("starts", starts, least=1)
        points = None if quadrature is None else quadrature_points("quadrature", quadrature)
        if (count, points) not in self._checks:
            check = cross_check(self._model, starts=count, quadrature=points)
            self._checks[count, points] = replace(check, library=self.library)
        return self._checks[count, points]

    def refit_from(self, theta: ArrayLike | CrossCheck, *, beta: ArrayLike | None = None) -> Self:
        """The same model fitted to the same rows again, by the same engine from another start.

        Parameters
        ----------
        theta : array_like of shape (m,), or CrossCheck
            Relative covariance parameters in lme4's order, such as ``fit.cross_check().theta``; or
            the cross-check itself, which of a generalized model also gives the fixed effects and
            the dispersion of a negative binomial.
        beta : array_like of shape (p,), optional
            Fixed effects of a generalized model. Those of a linear model follow from theta.

        Raises
        ------
        OptionError
            If the number of values is not that of the elements of theta, or a value is not finite,
            or `beta` is given for a linear model or with a cross-check.
        NotAvailableError
            If the fit came from JSON.

        Warns
        -----
        FitWarning
            As in the first fit.

        Notes
        -----
        With fixed effects given, ``glmer`` skips its first stage, which would leave the start
        behind, and its iterations have the tolerance 1e-10 (``tolPwrss``): at the default of 1e-7
        the errors of its criterion can lead the search away from an optimum.
        """
        from pylme.crosscheck.report import CrossCheck

        generalized = self._info.family is not None
        if beta is not None and (isinstance(theta, CrossCheck) or not generalized):
            raise OptionError(
                option="beta",
                value=beta,
                allowed="fixed effects of a generalized model, with theta as numbers",
            )
        shape: list[float] = []
        if isinstance(theta, CrossCheck):
            beta = theta.beta if generalized and len(theta.beta) else None
            shape = [] if theta.shape is None or beta is None else [float(np.log(theta.shape))]
            theta = theta.theta
        start = _numbers("theta", theta, len(self.theta))
        if beta is not None:
            start = np.concatenate([start, _numbers("beta", beta, len(self.fixef)), shape])
        model = self._model.refit_from(start)
        model.announce()
        return type(self)(model, self._request)


def _numbers(option: str, values: ArrayLike, wanted: int) -> NDArray[np.float64]:
    """So many finite numbers."""
    array = finite_numbers(option, values)
    if len(array) != wanted:
        raise OptionError(option=option, value=values, allowed=f"{wanted} finite numbers")
    return array
