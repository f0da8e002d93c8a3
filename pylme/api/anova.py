"""`pylme.anova`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylme.errors import OptionError
from pylme.options import true_or_false, whole_number

if TYPE_CHECKING:
    from pylme.draws.seeds import Seed
    from pylme.fit import Fit
    from pylme.inference.likelihood_ratio_tests.comparison import ModelComparison

__all__ = ["anova"]


def anova(*fits: Fit, refit: bool = True, bootstrap: int = 0, seed: Seed = None) -> ModelComparison:
    """Compare nested models by likelihood ratio tests.

    Parameters
    ----------
    *fits : Fit
        Two or more fits to the same rows and response, in any order: each is tested against the
        next smaller one, which it has to contain.
    refit : bool
        Fit the models again by ML where fits by REML have different fixed effects. Fits by REML
        with the same fixed effects are compared as they are.
    bootstrap : int
        Replicates of a parametric bootstrap of each test; 0 for none. Linear models only.
    seed : int, SeedSequence or None
        Of the bootstrap.

    Returns
    -------
    ModelComparison
        Its `to_frame` gives a row for each model. Where a variance is tested, the null hypothesis
        lies on the boundary of the parameter space: ``p_value`` by χ² is then too large, and
        ``p_boundary`` is that of the mixture of χ² distributions.

    Raises
    ------
    OptionError
        If the fits are fewer than two, of different rows, responses, weights or families, or not
        nested.
    NotAvailableError
        If a fit came from JSON.

    References
    ----------
    Self & Liang (1987), JASA 82; Stram & Lee (1994), Biometrics 50; Pinheiro & Bates (2000),
    Mixed-Effects Models in S and S-PLUS, section 2.4.

    Examples
    --------
    >>> import pylme
    >>> sleepstudy = pylme.datasets.load("sleepstudy")
    >>> intercepts = pylme.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)
    >>> slopes = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> table = pylme.anova(intercepts, slopes).to_frame()
    >>> table[["model", "statistic", "df", "p_boundary"]].round(3)
      model  statistic   df  p_boundary
    0  fit1        NaN  NaN         NaN
    1  fit2     42.837  2.0         0.0
    """
    from pylme.fit import Fit
    from pylme.inference.likelihood_ratio_tests.comparison import compare

    refit = true_or_false("refit", refit)
    bootstrap = whole_number("bootstrap", bootstrap, least=0)
    if len(fits) < 2 or not all(isinstance(fit, Fit) for fit in fits):
        raise OptionError(option="fits", value=fits, allowed="two fits or more")
    for fit in fits:
        fit._require_rows("Comparing the matrices of models row by row")  # noqa: SLF001
    return compare(
        [fit._compared(f"fit{number}") for number, fit in enumerate(fits, 1)],  # noqa: SLF001
        refit=refit,
        bootstrap=bootstrap,
        seed=seed,
        library=fits[0].library,
    )
