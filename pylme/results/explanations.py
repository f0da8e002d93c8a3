"""The explanations of every convergence status and of every known message."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["MESSAGES", "NO_OPTIMUM", "PROVED", "STATUSES", "UNBOUNDED"]

#: Status name → title and meaning, where lme4 fitted and checked.
STATUSES: Final[dict[str, tuple[str, str]]] = {
    "CONVERGED": (
        "Converged.",
        "The optimiser finished, and lme4's checks found nothing against the optimum.",
    ),
    "SINGULAR": (
        "Singular: the fit lies on the boundary of the parameter space.",
        "Some random effects have a variance of zero or a correlation of plus or minus one. That\n"
        "can be the right answer (the data show no more), or the place where the optimiser got\n"
        "stuck: lme4 looks at neither gradient nor Hessian there. Think about a simpler random\n"
        "part, and refit from other starting values before you rely on it.",
    ),
    "NOT_CONVERGED": (
        "Not converged, as far as lme4 can tell.",
        "Either the optimiser stopped before it was done, or the gradient where it stopped is\n"
        "larger than lme4 allows. Refit with another optimiser or from the estimates reached,\n"
        "centre and scale the covariates, and compare the criterion.",
    ),
    "UNCHECKED": (
        "Unchecked.",
        "The optimiser says that it finished, but gradient and Hessian were not looked at, so\n"
        "nothing confirms that it stands at an optimum.",
    ),
    "DEGENERATE": (
        "Degenerate: no single optimum.",
        "An estimate is not finite, the criterion has no finite optimum, or it does not curve\n"
        "upwards in every direction: some parameters are not determined by the data. The messages\n"
        "below say which. Simplify the random part, or look at the response.",
    ),
}

#: Title and meaning where the likelihood rises without end, whoever fitted.
UNBOUNDED: Final = (
    "Degenerate: not every parameter has a finite estimate.",
    "The likelihood rises without end as some parameters grow, so that no optimum exists for the\n"
    "optimiser to find. The numbers given for them, and their standard errors, say only where it\n"
    "stopped. What else was estimated may be sound.",
)

#: Title and meaning where the criterion of a linear model has no minimum.
NO_OPTIMUM: Final = (
    "Degenerate: there is no finite optimum.",
    "The fixed and random effects together explain the response without any residual. The\n"
    "criterion falls without bound as the residual standard deviation goes to zero, and the\n"
    "numbers say only where the search stopped.",
)

#: The same where the engine "numpy" did, whose derivatives are exact.
PROVED: Final[dict[str, tuple[str, str]]] = STATUSES | {
    "CONVERGED": (
        "Converged.",
        "The search finished, and the exact derivatives prove a minimum: the gradient is zero and\n"
        "the criterion curves upwards in every direction.",
    ),
    "SINGULAR": (
        "Singular: the optimum lies on the boundary of the parameter space.",
        "Some random effects have a variance of zero or a correlation of plus or minus one, and\n"
        "the derivatives confirm it: variance added in any direction makes the criterion rise.\n"
        "The data show no more. A simpler random part fits as well.",
    ),
    "NOT_CONVERGED": (
        "Not converged.",
        "The search stopped where the criterion can still fall. Refit from the estimates reached\n"
        "(start=fit.theta) or from others, and look for extreme values in the data.",
    ),
}

#: Pattern of a message → its meaning; the first that matches is said.
MESSAGES: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (
            r"separate the response",
            "Some combination of the covariates tells the outcome without error, so that its "
            "coefficient grows without end. Neither its size nor its z test means anything.",
        ),
        (
            r"all rows of a level have the same outcome",
            "The groups differ without measure: the standard deviation says where the search "
            "stopped, and so do fixed effects and standard errors on its scale.",
        ),
        (
            r"counts are not overdispersed",
            "A Poisson model says all that the negative binomial could say of these counts.",
        ),
        (
            r"boundary \(singular\)",
            "A standard deviation is estimated as zero, or a correlation as plus or minus one.",
        ),
        (
            r"no finite optimum",
            "There is no residual variance to compare the random effects with: no estimate of a "
            "standard deviation or standard error means anything. See whether the response is "
            "computed from the other columns, or does not vary within groups.",
        ),
        (
            r"data do not determine",
            "The criterion is the same whatever the value: the estimate is arbitrary, and so are "
            "standard errors that depend on it. Leave it out of the formula.",
        ),
        (
            r"criterion still falls|false optimum",
            "Lower values of the criterion are near: this is not the answer.",
        ),
        (
            r"this is a saddle",
            "The gradient is zero and there is no minimum here: lower values are near.",
        ),
        (
            r"criterion is flat",
            "Some combination of the covariance parameters leaves the criterion as it is, so that "
            "their estimates are arbitrary. Simplify the random part.",
        ),
        (
            r"max\|relative grad\|",
            "The gradient, relative to the parameters, is above the tolerance asked for.",
        ),
        (
            r"max\|grad\|",
            "The scaled gradient is above lme4's tolerance: the criterion may still fall. Often a "
            "false alarm with large data; refit from here to see whether the criterion improves.",
        ),
        (
            r"scaled gradient",
            "The Hessian could not be inverted, so the size of the gradient could not be judged.",
        ),
        (
            r"degenerate.*Hessian",
            "The criterion curves downwards or not at all in some direction: a saddle, or a "
            "parameter that the data do not determine.",
        ),
        (
            r"numerically singular",
            "The criterion is flat in some direction: the data do not determine all parameters.",
        ),
        (
            r"Hessian check|contains NAs",
            "The derivatives are not finite at the estimates: the fit has broken down.",
        ),
        (
            r"very large eigenvalue|large eigenvalue ratio",
            "The parameters have very different scales, mostly because the covariates do. The "
            "gradient was fine. Rescale the covariates and see whether this goes away.",
        ),
        (
            r"MAXEVAL|evaluation limit|maximum number of function",
            "The optimiser used up its evaluations. Raise the limit (maxeval or maxfun).",
        ),
        (
            r"STOPVAL|went below allowed minimum|absolute function convergence",
            "The optimiser stopped at a value of the criterion at which an option tells it to "
            "stop. Remove that option.",
        ),
        (
            r"ROUNDOFF",
            "The optimiser could get no nearer for rounding errors, mostly because its tolerances "
            "are too small. If gradient and Hessian are fine, the answer is too.",
        ),
        (
            r"trust region step failed",
            "bobyqa lost its way, mostly where the criterion is flat or badly scaled.",
        ),
        (
            r"maxfun < 10|'control' component|unused control arguments",
            "About the optimiser's options, not about the answer.",
        ),
        (
            r"non-integer",
            "The response holds values that the family gives no probability to.",
        ),
        (r"MAXTIME", "The optimiser used up its time. Raise maxtime."),
        (r"iteration limit", "The optimiser used up its iterations. Raise iter.max."),
        (
            r"false convergence|singular convergence",
            "The optimiser could not make progress before its own test was met.",
        ),
        (
            r"convergence code|failure to converge|failed to converge in",
            "The optimiser reports that it did not finish. Try another optimiser.",
        ),
    )
)
