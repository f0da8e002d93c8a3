"""The class of fitted models that users work with.

No numbers are computed in this room. Each access makes new frames and Series, so that a change to
one of them does not change the fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylme.fit.intervals import Intervals
from pylme.fit.other_words import missing_attribute
from pylme.fit.predictions import Predictions
from pylme.fit.quality import Quality
from pylme.fit.simulated_checks import SimulatedChecks
from pylme.results import saving

if TYPE_CHECKING:
    from pylme.plot.fit_plots import Pictures

__all__ = ["Fit", "from_json"]


class Fit(Quality, SimulatedChecks, Intervals, Predictions):
    """A fitted mixed-effects model.

    Returned by `pylme.lmer`, `pylme.glmer`, `pylme.glmer_nb` and `pylme.from_json`. Prints as a
    short summary, which notebooks show as tables; `summary` gives all of it. Each property is
    computed, or fetched from R, on first access, and kept.

    Frames, and Series with a value for each row, are returned in the library of the data: pandas,
    polars or pyarrow. This includes the frames of `varcorr`, `optinfo`, `summary`, `cross_check`,
    `simulator`, `bootstrap`, `design` and `plot`. Only pandas has row labels; in the other
    libraries they are the first column. `to_pandas` returns the same fit with pandas frames. What
    is read by its labels is always pandas: `fixef`; ``sd``, ``cov`` and ``corr`` of
    ``varcorr[group]``; ``estimates``, ``std_error`` and ``bias`` of a bootstrap.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> round(fit.criterion, 4)
    1743.6283
    >>> fit.fixef.round(3).to_dict()
    {'(Intercept)': 251.405, 'Days': 10.467}
    """

    if not TYPE_CHECKING:  # a type checker knows which attributes there are

        def __getattr__(self, name: str) -> Any:
            """Name pylme's word for what other packages call so."""
            raise AttributeError(missing_attribute(name, dir(type(self))), name=name, obj=self)

    @property
    def plot(self) -> Pictures:
        """Plots: ``fit.plot.caterpillar()`` is ``pylme.plot.caterpillar(fit)``, and so on."""
        from pylme.plot.fit_plots import Pictures

        return Pictures(self)


def from_json(text: str) -> Fit:
    """Read a fit that `Fit.to_json` has written.

    Parameters
    ----------
    text : str

    Returns
    -------
    Fit
        It has all numbers, and needs no R. Methods that need the data or the engine raise an error.

    Raises
    ------
    NotAvailableError
        If the text does not hold a fit.

    Examples
    --------
    >>> import pylme
    >>> fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"))
    >>> pylme.from_json(fit.to_json()).theta == fit.theta
    array([ True])
    """
    return Fit(saving.from_json(text))
