from __future__ import annotations

import numpy as np
import pytest

from pylme import plot
from pylme.errors import OptionError, UnknownNameError
from tests.native import native
from tests.plot.fits import hsb, sleepstudy

IN_R = """
fm <- lmer(Reaction ~ Days + (Days | Subject), sleepstudy)
frame <- subset(as.data.frame(ranef(fm, condVar = TRUE)), term == "{effect}")
frame <- frame[order(frame$condval), ]
list(grp = as.character(frame$grp), condval = frame$condval, condsd = frame$condsd)
"""


@pytest.mark.needs_r
@pytest.mark.parametrize("engine", ["lme4", "numpy"])
@pytest.mark.parametrize("effect", ["(Intercept)", "Days"])
def test_modes_and_their_standard_deviations_are_lme4s(engine, effect):
    theirs = native(IN_R.format(effect=effect))
    ours = plot.caterpillar_data(sleepstudy(engine), "Subject", effect)
    assert tuple(ours["level"]) == theirs["grp"]
    for name, its in {"estimate": "condval", "std_error": "condsd"}.items():
        # Each at its own optimum.
        np.testing.assert_allclose(ours[name], theirs[its], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("level", "reach"), [(0.95, 1.959963984540054), (0.5, 0.6744897501960817)])
def test_intervals_reach_as_far_as_the_normal_distribution_says(level, reach):
    data = plot.caterpillar_data(sleepstudy(), conf_level=level)
    np.testing.assert_allclose(data["conf_high"] - data["estimate"], reach * data["std_error"])
    np.testing.assert_allclose(data["estimate"] - data["conf_low"], reach * data["std_error"])


def test_the_first_group_and_effect_are_drawn_where_none_is_named():
    data = plot.caterpillar_data(sleepstudy())
    assert set(data["group"]) == {"Subject"}
    assert set(data["term"]) == {"(Intercept)"}
    assert data["estimate"].is_monotonic_increasing


def test_the_names_of_few_levels_are_written_and_of_many_only_their_number():
    few, many = plot.caterpillar(sleepstudy()), plot.caterpillar(hsb())
    written = [label.get_text() for label in few.get_yticklabels()]
    assert written == list(plot.caterpillar_data(sleepstudy())["level"])
    assert few.get_title() == "Modes of Subject with 95 % intervals"
    assert len(many.get_yticks()) == 0
    assert many.get_ylabel() == "160 levels in ascending order"


def test_intervals_without_zero_stand_out():
    data = plot.caterpillar_data(sleepstudy())
    lines = plot.caterpillar(sleepstudy()).collections[0]
    clear = (data["conf_low"] > 0) | (data["conf_high"] < 0)
    colours = [tuple(colour) for colour in lines.get_colors()]
    assert len({colour for colour, apart in zip(colours, clear, strict=True) if apart}) == 1
    assert len(set(colours)) == 2


def test_unknown_names_and_levels_are_refused():
    with pytest.raises(UnknownNameError, match="Subject"):
        plot.caterpillar_data(sleepstudy(), "subject")
    with pytest.raises(UnknownNameError, match="Days"):
        plot.caterpillar_data(sleepstudy(), "Subject", "days")
    with pytest.raises(OptionError, match="between 0 and 1"):
        plot.caterpillar_data(sleepstudy(), conf_level=95)
