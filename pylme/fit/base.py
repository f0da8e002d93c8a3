"""A fitted model as its engine gives it: estimates, rows, convergence, and what is drawn from it.

What is computed after the fit is in the other files of this room. Records come from the engine
through the protocol `FittedModel`; they are kept, and get labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pylme.errors import NotAvailableError
from pylme.fit.rows import FitRows
from pylme.fit.verdict import FitVerdict
from pylme.options import text
from pylme.results import saving
from pylme.results.tables import tidying
from pylme.results.tables.overview import overview

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

    from pylme.draws.seeds import Seed
    from pylme.options import Engine, Rng
    from pylme.render import Document
    from pylme.results.tables.tidying import Names
    from pylme.simulation.bootstrap.bootstrap import Bootstrap
    from pylme.simulation.draw.simulator import Simulator

__all__ = ["EngineFit"]


class EngineFit(FitVerdict, FitRows):
    """The part of a `Fit` that its engine gives."""

    def getme(self, name: str) -> Any:
        """An item of lme4's ``getME``: "X", "Zt", "Lambdat", "L", "RX", "u", "devcomp", ...

        Parameters
        ----------
        name : str
            The item's name in lme4.

        Returns
        -------
        ndarray, scipy.sparse.csc_array, number, text, tuple or dict
            The value in R, without its names.

        Raises
        ------
        UnknownNameError
            If no such item exists.
        NotAvailableError
            If the fit came from JSON.
        """
        return self._model.getme(text("name", name))

    def glance(self, *, names: Names = "pylme") -> Any:
        """The fit in one row, with broom.mixed's columns, ``AICc`` and ``engine``.

        Parameters
        ----------
        names : {"pylme", "broom"}
            "broom" gives broom's own column names, with dots: ``df.residual``.

        Raises
        ------
        OptionError
            If `names` is neither.
        """
        row = tidying.glance_row(
            self._info, self._estimates, aic=self.aic, aicc=self.aicc, bic=self.bic,
            engine=self.engine,
        )  # fmt: skip
        return self._native(tidying.named(row, names))

    def bootstrap(
        self,
        n: int = 1000,
        *,
        seed: Seed = None,
        engine: Engine | None = None,
        n_jobs: int | None = None,
        statistic: Callable[[Self], Mapping[str, float]] | None = None,
        progress: bool = False,
    ) -> Bootstrap:
        """Parametric bootstrap: fit the model to responses drawn from it.

        Parameters
        ----------
        n : int
            Replicates.
        seed : int, SeedSequence or None
            As for `pylme.simulate`.
        engine : {"auto", "lme4", "numpy"}, optional
            The engine that fits the replicates; by default the one that fitted the model. lme4 uses
            the control and the start of the original fit; "numpy" fits all replicates of a linear
            model at once.
        n_jobs : int or None
            Workers, as for `pylme.study`.
        statistic : callable, optional
            Takes a `Fit` and returns further numbers by name. Each replicate is then fitted by
            itself.
        progress : bool
            Show a bar, in a terminal or a notebook.

        Returns
        -------
        Bootstrap
            The estimates of all replicates, with standard errors, biases and intervals. A fit that
            fails is a row with its error.

        Raises
        ------
        OptionError
            If an argument is not one of those allowed.
        NotAvailableError
            If the fit came from JSON.

        References
        ----------
        Davison & Hinkley (1997), Bootstrap Methods and their Application, chapters 4 and 5.

        Examples
        --------
        >>> import pylme
        >>> sleepstudy = pylme.datasets.load("sleepstudy")
        >>> fit = pylme.lmer(
        ...     "Reaction ~ Days + (Days | Subject)", sleepstudy, engine="numpy"
        ... )
        >>> boot = fit.bootstrap(500, seed=1)
        >>> bool(abs(boot.std_error["Days"] / fit.coef_table["std_error"]["Days"] - 1) < 0.15)
        True
        """
        from pylme.fit.refit_request import request_of
        from pylme.simulation.bootstrap.bootstrap import bootstrap
        from pylme.simulation.estimate.record import Collect

        request = request_of(self._model, self._request)
        return bootstrap(
            self._model, request, n, seed=seed, engine=engine, n_jobs=n_jobs, progress=progress,
            collect=None if statistic is None else Collect(own=statistic, wrap=type(self)),
            library=self.library,
        )  # fmt: skip

    def simulator(self, *, empirical: bool = False, rng: Rng = "numpy") -> Simulator:
        """The fitted model with its estimates as parameters, to draw data from.

        Parameters
        ----------
        empirical, rng
            As for `pylme.simulate`.

        Returns
        -------
        Simulator
            Its responses are in the rows of the data given; NaN where a row was left out.

        Raises
        ------
        NotAvailableError
            If the fit came from JSON.
        """
        from pylme.simulation.draw.specification import simulator_of

        return simulator_of(self._model, empirical=empirical, rng=rng, library=self.library)

    def to_json(self) -> str:
        """All numbers of the fit as JSON text, which `pylme.from_json` reads without R."""
        return saving.to_json(self._model)

    def to_rds(self, path: str | PathLike[str]) -> None:
        """Write a fit by lme4 as a file that R's ``readRDS`` reads.

        Parameters
        ----------
        path : str or path-like
            The file.

        Raises
        ------
        NotAvailableError
            If the fit is by the NumPy engine, or came from JSON: there is no R object.
        DataTypeError
            If the file cannot be written.
        """
        handle = getattr(self._model, "handle", None)
        if handle is None:
            raise NotAvailableError(
                asked="Writing a fit as an R object",
                found="this fit is by the NumPy engine, or came from JSON, and R does not hold it",
                remedy='Fit the model with engine="lme4", or pass on fit.to_json().',
            )
        from pylme.lme4.saved import write_model

        write_model(handle, path)

    def describe(self) -> Document:
        """The short summary that a fit prints: the model, its criterion and status, the effects."""
        return overview(
            self._info, self._estimates, self.varcorr, self._coefficients, self.convergence,
            engine=self.engine,
        )  # fmt: skip

    def __repr__(self) -> str:
        return str(self)
