"""The model of a fit again: fitted to another response or by another formula, and drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from pylme.crosscheck.fitting import fit_model
from pylme.fit.hypothesis_tests import Tests
from pylme.options import number_array, whole_number
from pylme.results.coefficients import coefficients_by_level
from pylme.results.engine import choose
from pylme.results.methods_report import methods_report
from pylme.results.ranef import EffectsByGroup
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from pylme.draws.seeds import Seed
    from pylme.inference.prediction.random_part import Random
    from pylme.results.methods_report import MethodsReport

__all__ = ["Refits"]


class Refits(Tests):
    """The model of a fit again, and what a paper says of it."""

    def refit(self, y: ArrayLike | None = None, *, reml: bool | None = None) -> Self:
        """The same model fitted by the same engine to another response, or by another criterion.

        Parameters
        ----------
        y : array_like, shape (rows,), optional
            The new response, with a value for each row of the data or for each row used, by
            position; by default that of this fit. A frame of one column will do, as of `simulate`.
            It replaces the left side of the formula. Of a binomial model it may be an array
            (rows, 2) of successes and failures, or where that is the response of this fit, the
            successes.
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
        from pylme.fit.refit_request import request_of, request_with_response

        request = request_of(self._model, self._request)
        values = None if y is None else number_array(y)
        if values is not None and values.ndim == 2 and values.shape[1] == 1:
            y = values = values[:, 0]
        if values is not None and values.ndim == 1 and self._counts:
            y = self._with_failures(values)
        request = request_with_response(request, self._rows, y, reml=reml)
        with silenced():
            # The first fit warned of rows and columns left out.
            model = fit_model(self.engine, request)
        model.announce()
        return type(self)(model, request)

    @property
    def _counts(self) -> bool:
        """Whether the response is of successes and failures."""
        return self._info.family == "binomial" and self._model.design.y.ndim > 1

    def _with_failures(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Successes and failures, of as many trials as there were."""
        trials = self._model.design.y.sum(axis=1)
        if len(values) == self._rows.n_given:
            trials = self._rows.place(trials).to_numpy()
        if values.shape != trials.shape:
            return values
        return np.column_stack([values, trials - values])

    def simulate(self, n: int = 1, *, seed: Seed = None, random: Random = "none") -> Any:
        """Responses drawn from the fitted model.

        Parameters
        ----------
        n : int
            How many.
        seed : int, SeedSequence or None
            As for `pylme.simulate`.
        random : {"none", "all"}, list of str, or str
            The random effects that are held at their modes, as for `predict`: none, all, those of
            some grouping factors, or terms as in the formula. All others are drawn anew, from their
            own covariance matrix, also where the formula holds a part of a term: with
            ``random="(1 | g)"`` in a model with ``(x | g)`` intercepts are held and slopes drawn.

        Returns
        -------
        DataFrame
            Columns ``sim_1``, …, ``sim_n``, each a response that `refit` takes, in the rows of the
            data given; NaN where a row was left out. The residual standard deviation of a row is
            sigma/√weight. Of successes and failures, the successes; of other binomial responses,
            the proportion, or 0 and 1.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed.
        NotAvailableError
            If the fit came from JSON.

        Examples
        --------
        >>> import pylme
        >>> fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
        >>> fit.simulate(3, seed=1).shape
        (30, 3)
        """
        from pylme.draws.from_model import draw_from_model
        from pylme.draws.seeds import seeds_of
        from pylme.inference.quality.response_model import response_model

        n = whole_number("n", n, least=1)
        seeds = seeds_of(seed, rng="numpy", n=n)
        model = response_model(self._model, random)
        drawn = draw_from_model(model, [seeds.generator(i) for i in range(n)])
        return self._of_given({f"sim_{i + 1}": y for i, y in enumerate(drawn)})

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
        from pylme.fit.refit_request import changed_request, request_of

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

    # --- for papers and other packages --------------------------------------------------------

    @property
    def coef(self) -> dict[str, Any]:
        """Coefficients by grouping factor: fixed effects plus conditional modes, as R's ``coef``.

        Levels as index, coefficients as columns. The fixed effects alone are ``fit.fixef``.
        """
        frames = {
            group: coefficients_by_level(self._estimates, effects)
            for group, effects in self._random_effects.items()
        }
        return EffectsByGroup(frames, self._native)

    def report(self) -> MethodsReport:
        """The sentences for a paper's methods section, and what to cite.

        Model, family, criterion, engine with the versions of the software, rows used and left out,
        levels of each grouping factor, convergence. A fit from JSON gives it too.

        Returns
        -------
        MethodsReport
            ``text``, ``facts`` and ``citations``; prints, and renders to HTML, LaTeX and Markdown.

        Examples
        --------
        >>> import pylme
        >>> fit = pylme.lmer(
        ...     "Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"), engine="numpy"
        ... )
        >>> fit.report().facts["rows_used"]
        30
        """
        return methods_report(
            self._info, self._estimates, self._rows, self.convergence, engine=self.engine
        )

    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        """Fixed effects as the package maketables reads them."""
        tests = self.coef_test()
        return pd.DataFrame(
            {
                "b": tests.estimate, "se": tests.std_error, "t": tests.statistic,
                "p": tests.p_value, "ci95l": tests.conf_low, "ci95u": tests.conf_high,
            },
            index=pd.Index(list(tests.terms), name="Coefficient"),
        )  # fmt: skip

    def __maketables_stat__(self, key: str) -> float | str | None:
        """A measure of fit by maketables' name of it; None where it is not one of a mixed model."""
        known: dict[str, float | str] = {
            "N": self.nobs, "aic": self.aic, "bic": self.bic, "ll": self.loglik,
            "df_resid": self.df_resid, "sigma": self.sigma, "se_type": "model-based",
        }  # fmt: skip
        known |= {f"N_{group}": n for group, n in self.ngrps.items()}
        return known.get(key)

    @property
    def __maketables_depvar__(self) -> str:
        """The response, for maketables."""
        return self.formula.partition("~")[0].strip()

    def _of_given(self, columns: Mapping[str, NDArray[np.float64]]) -> Any:
        """A frame with a line for each row of the data given; NaN where a row was left out."""
        placed = {name: self._rows.place(values, name=name) for name, values in columns.items()}
        table = pd.DataFrame(placed)
        labelled = self.library == "pandas" or self._rows.index is not None
        return self._native(table if labelled else table.reset_index(drop=True))
