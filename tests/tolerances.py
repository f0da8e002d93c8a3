"""How near is near enough, in tiers, each with its reason."""

from __future__ import annotations

#: The same numbers, carried over: nothing may be lost on the way.
CARRIED = 0.0
#: The same formula evaluated twice in double precision.
SAME_THETA = 1e-10
#: The criterion at lme4's own optimum against a value published to nine or ten digits: the
#: optimiser stops within about this of the minimum, on any machine.
OWN_OPTIMUM = 1e-6
#: Theta at lme4's own optimum, where the optimiser's tolerance is 1e-4 to 1e-5 and values were
#: published to five to seven digits.
OWN_THETA = 1e-3
#: Derivatives against differences: their step trades the curvature against rounding errors.
FINITE_DIFFERENCES = 1e-3
#: The same quantity by two algorithms at the same theta: rounding errors, times the condition
#: number of the covariance matrices.
TWO_WAYS = 1e-8
#: By how much the reference's criterion may lie above lme4's: not more than lme4's own stopping
#: error.
NOT_ABOVE = 1e-6
#: By how much lme4's criterion lies above its minimum where it calls a fit converged, by the
#: quadratic model.
STOPPING_ERROR = 1e-4
#: Fixed effects, in their standard errors, and conditional modes, in their standard deviations, at
#: two thetas that differ by lme4's stopping error.
IN_ERRORS = 1e-3
#: The optimum of the same model written otherwise: the search stops at an expected fall of 1e-10.
SAME_OPTIMUM = 1e-8
#: A criterion published to ten to twelve digits, at an optimum that is exact to rounding.
PUBLISHED_DIGITS = 1e-10
#: Variances against a closed form: the search stops where the criterion would fall by 1e-10, which
#: is at a relative distance of 1e-5 or less in few groups.
CLOSED_FORM = 1e-4
#: Seconds after which a process that a test starts counts as hanging: many times what it takes
#: where nothing else runs, as machines are shared.
HANGS = 900
