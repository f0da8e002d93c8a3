"""What other packages call the parts of a fit, and pylme's words for them.

Attributes of statsmodels' and pymer4's results, and R's functions, that users type from habit. None
of them is defined, so that each thing has one name; the error gives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pylme.text import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["OTHER_WORDS", "missing_attribute"]

_TESTS: Final = "fit.coef_test().to_frame()"
#: The word of another package → what to write.
OTHER_WORDS: Final[dict[str, str]] = {
    # statsmodels
    "params": "fit.fixef",
    "fe_params": "fit.fixef",
    "bse": 'fit.coef_table["std_error"]',
    "bse_fe": 'fit.coef_table["std_error"]',
    "bse_re": "fit.varcorr_table",
    "tvalues": 'fit.coef_table["statistic"]',
    "zvalues": 'fit.coef_table["statistic"]',
    "pvalues": f'{_TESTS}["p_value"]',
    "conf_int": "fit.confint(), or the columns conf_low and conf_high of fit.coef_test()",
    "t_test": "fit.test()",
    "f_test": "fit.test()",
    "wald_test": "fit.test()",
    "compare_lr_test": "pylme.anova(smaller, larger)",
    "resid": "fit.residuals",
    "resid_pearson": 'fit.residuals_of("pearson")',
    "fittedvalues": "fit.fitted",
    "llf": "fit.loglik",
    "cov_params": "fit.vcov",
    "cov_re": "fit.varcorr[group].cov",
    "re_params": "fit.theta",
    "random_effects": "fit.ranef",
    "random_effects_cov": "fit.ranef_var",
    "vcomp": "fit.varcorr",
    "scale": "fit.sigma**2",
    "converged": "fit.convergence",
    "df_residual": "fit.df_resid",
    "df_modelwc": "len(fit.fixef)",
    "rsquared": "fit.r2()",
    "get_influence": "fit.influence()",
    "model": "fit.design",
    "exog": "fit.design.X",
    "endog": "fit.design.y",
    "remove_data": "fit.to_json()",
    "save": "fit.to_json()",
    # pymer4
    "coefs": f"fit.coef_table, or with p-values {_TESTS}",
    "result_fit": _TESTS,
    "result_fit_stats": "fit.glance()",
    "fits": "fit.fitted",
    "grps": "fit.ngrps",
    "logLike": "fit.loglik",
    "AIC": "fit.aic",
    "BIC": "fit.bic",
    "warnings": "fit.conditions",
    "fixef_var": "fit.vcov",
    "post_hoc": "fit.emmeans(...).contrast(...)",
    "estimate": "fit.coef_test()",
    "fit": "pylme.lmer(formula, data), which gives a fitted model",
    "design_matrix": "fit.design.X",
    "plot_summary": "fit.plot.coefficients()",
    # R
    "VarCorr": "fit.varcorr",
    "logLik": "fit.loglik",
    "REMLcrit": "fit.criterion",
    "deviance": "fit.criterion",
    "getME": "fit.getme(name)",
    "isSingular": "fit.is_singular()",
    "rePCA": "fit.re_pca()",
    "model_matrix": "fit.design.X",
    "coefficients": "fit.fixef, or by group fit.coef",
    "hatvalues": 'fit.influence()["hat"]',
    "cooks_distance": 'fit.influence()["cooks_distance"], or fit.influence(by=group)',
    "fixed_effects": "fit.fixef",
    "confidence_intervals": "fit.confint()",
    "rmse": "float((fit.residuals**2).mean() ** 0.5)",
}


def missing_attribute(name: str, known: Iterable[str]) -> str:
    """The message for an attribute that a fit does not have."""
    if name in OTHER_WORDS:
        return f"a Fit has no attribute {name!r}: in pylme it is {OTHER_WORDS[name]}"
    near = nearest(name, known)
    hint = f". Did you mean {' or '.join(repr(each) for each in near)}?" if near else ""
    return f"a Fit has no attribute {name!r}{hint}"
