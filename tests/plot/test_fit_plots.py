from __future__ import annotations

import pandas as pd

from pylme import plot
from pylme.plot import Pictures
from tests.plot.fits import sleepstudy


def test_a_fit_has_every_picture_but_that_of_a_study():
    pictures = sleepstudy().plot
    assert isinstance(pictures, Pictures)
    for name in plot.__all__:
        if name.islower() and not name.startswith("study"):
            assert getattr(pictures, name).__doc__ == getattr(plot, name).__doc__


def test_they_are_the_same_pictures():
    fit = sleepstudy()
    pd.testing.assert_frame_equal(
        fit.plot.caterpillar_data(effect="Days"), plot.caterpillar_data(fit, effect="Days")
    )
    assert fit.plot.residuals("normal").get_xlabel() == "Standard normal quantile"
