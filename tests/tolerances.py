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
