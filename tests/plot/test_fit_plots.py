from __future__ import annotations

import pandas as pd

from pylme import plot
from pylme.plot import Pictures
from tests.plot.fits import sleepstudy

#: Of a study, and of many responses.
OTHERS = ("study", "volcano", "p_values")


def test_a_fit_has_every_picture_of_a_fit():
    pictures = sleepstudy().plot
    assert isinstance(pictures, Pictures)
    for name in plot.__all__:
        if name.islower() and not name.startswith(OTHERS):
            assert getattr(pictures, name).__doc__ == getattr(plot, name).__doc__


def test_they_are_the_same_pictures():
    fit = sleepstudy()
    pd.testing.assert_frame_equal(
        fit.plot.caterpillar_data(effect="Days"), plot.caterpillar_data(fit, effect="Days")
    )
    assert fit.plot.residuals("normal").get_xlabel() == "Standard normal quantile"
