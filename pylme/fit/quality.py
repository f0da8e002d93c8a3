"""R², influence, residuals by simulation, refits of a fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pylme.crosscheck.fitting import fit_model
from pylme.fit.base import EngineFit
from pylme.results.coefficients import coefficients_by_level
from pylme.results.engine import choose
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Quality"]


class Quality(EngineFit):
    """R², influence, residuals by simulation, refits of a fitted model."""

    # --- coefficients by group ----------------------------------------------------------------

    @property
    def coef(self) -> dict[str, Any]:
        """Coefficients by grouping factor: fixed effects plus conditional modes, as R's ``coef``.

        Levels as index, coefficients as columns. The fixed effects alone are ``fit.fixef``.
        """
        return {
            group: self._native(coefficients_by_level(self._estimates, effects))
            for group, effects in self._random_effects.items()
        }

    def re_pca(self) -> dict[str, Any]:
        """Principal components of the random effects, by grouping factor.

        Returns
        -------
        dict of str to DataFrame
            A row for each component: ``sd`` (relative to the residual's, as in lme4's ``rePCA``),
            ``proportion`` and ``cumulative`` of the variance, and the loadings of the effects. A
            component without variance says that the model has more covariance parameters than the
            data support. Components depend on the units of the variables.

        References
        ----------
        Bates, Kliegl, Vasishth & Baayen (2015), Parsimonious mixed models, arXiv:1506.04967.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
        >>> fit.re_pca()["Subject"]["proportion"].round(3).tolist()
        [0.946, 0.054]
        """
        from pylme.inference.quality.principal_components import principal_components

        found = principal_components(self.varcorr, self.theta)
        return {group: self._native(table) for group, table in found.items()}

    # --- the same model again -----------------------------------------------------------------

    def refit(self, y: ArrayLike | None = None, *, reml: bool | None = None) -> Self:
        """The same model fitted by the same engine to another response, or by another criterion.

        Parameters
        ----------
        y : array_like, shape (rows,), optional
            The new response, with a value for each row of the data or for each row used, by
            position; by default that of this fit. It replaces the left side of the formula. A
            binomial model also takes an array (rows, 2) of successes and failures.
        reml : bool, optional
            False for maximum likelihood; by default as this fit.

        Returns
        -------
        Fit

        Raises
        ------
        OptionError
            If `y` has not one finite number for each row used, or a generalized model is asked for
            REML.
        NotAvailableError
            If the fit came from JSON.

        Examples
        --------
        >>> import pylme
        >>> fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
        >>> round(fit.refit(reml=False).criterion, 3)
        327.327
        >>> round(float(fit.refit(2 * fit.data["Yield"]).sigma / fit.sigma), 4)
        2.0
        """
        from pylme.fit.refit import request_of, request_with_response

        request = request_of(self._model, self._request)
        request = request_with_response(request, self._rows, y, reml=reml)
        with silenced():
            # The first fit warned of rows and columns left out.
            model = fit_model(self.engine, request)
        model.announce()
        return type(self)(model, request)

    def update(self, formula: str | None = None, data: Any = None, **changes: Any) -> Self:
        """The model fitted again with another formula, other data, or other arguments.

        Parameters
        ----------
        formula : str, optional
            Changes to the formula, with dots for what it has now, as in R's ``update``:
            ``". ~ . - x"``, ``"log(.) ~ . + z"``, ``"~ . - (x | g) + (1 | g)"``. Fixed terms are
            written out; removing a term that the formula does not have is an error.
        data : DataFrame, Table or mapping of arrays, optional
            By default the rows that this fit used, with the columns that it used, so that models
            can be compared. A new variable needs the data.
        **changes
            Further arguments of the function that fitted the model, such as ``reml=False``,
            ``weights="w"``, ``engine="numpy"``. What is not given stays.

        Returns
        -------
        Fit

        Raises
        ------
        FormulaError
            If the formula cannot be read, removes a term that is not there, or names a column that
            the fit does not have.
        UnknownNameError
            If an argument is none of the fitting function.
        DataError, OptionError, NotAvailableError
            As in a first fit; or if the fit came from JSON.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
        >>> fit.update(". ~ . - (Days | Subject) + (1 | Subject)").formula
        'Reaction ~ Days + (1 | Subject)'
        """
        from pylme.fit.refit import changed_request, request_of

        engine = changes.pop("engine", None)
        request = changed_request(
            request_of(self._model, self._request), change=formula, data=data, changes=changes
        )
        chosen = choose(
            self.engine if engine is None else engine,
            request.function,
            control=request.control,
            formula=request.spec.formula,
        )
        model = fit_model(chosen, request)
        model.announce()
        return type(self)(model, request)
