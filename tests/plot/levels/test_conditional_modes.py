from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

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


def test_the_first_group_and_all_effects_are_drawn_where_none_is_named():
    data = plot.caterpillar_data(sleepstudy())
    assert set(data["group"]) == {"Subject"}
    assert list(dict.fromkeys(data["term"])) == ["(Intercept)", "Days"]
    for effect, own in data.groupby("term"):
        assert own["estimate"].is_monotonic_increasing
        pd.testing.assert_frame_equal(
            own.reset_index(drop=True), plot.caterpillar_data(sleepstudy(), effect=effect)
        )


def test_panels_of_few_levels_have_one_order():
    left, right = plot.caterpillar(sleepstudy())
    order = list(plot.caterpillar_data(sleepstudy(), effect="(Intercept)")["level"])
    assert [label.get_text() for label in left.get_yticklabels()] == order
    modes = sleepstudy().ranef["Subject"]
    for panel, effect in ((left, "(Intercept)"), (right, "Days")):
        points = panel.collections[1].get_offsets()
        np.testing.assert_array_equal(points[:, 0], modes.loc[order, effect])
    assert right.get_xlabel() == "Mode of Days [Reaction / Days]"


def test_panels_of_many_levels_have_each_its_own_order():
    for panel in plot.caterpillar(hsb()):
        assert (np.diff(panel.collections[1].get_offsets()[:, 0]) >= 0).all()


def test_one_axes_has_the_first_effect_and_several_all():
    grid = Figure().subplots(1, 2)
    assert list(plot.caterpillar(sleepstudy(), ax=grid)) == list(grid)
    single = Figure().subplots()
    assert plot.caterpillar(sleepstudy(), ax=single) is single
    assert single.get_xlabel() == "Mode of (Intercept) [Reaction]"


def test_the_names_of_few_levels_are_written_and_of_many_only_their_number():
    few = plot.caterpillar(sleepstudy(), effect="(Intercept)")
    many = plot.caterpillar(hsb(), effect="(Intercept)")
    written = [label.get_text() for label in few.get_yticklabels()]
    assert written == list(plot.caterpillar_data(sleepstudy(), effect="(Intercept)")["level"])
    assert few.get_title() == "Modes of Subject with 95 % intervals"
    assert len(many.get_yticks()) == 0
    assert many.get_ylabel() == "160 levels in ascending order"


def test_intervals_without_zero_stand_out():
    data = plot.caterpillar_data(sleepstudy(), effect="Days")
    lines = plot.caterpillar(sleepstudy(), effect="Days").collections[0]
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
