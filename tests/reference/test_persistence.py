"""Fits by the reference that travel: pickles, copies, JSON."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import pylme
from tests.lme4.test_persistence import same

pytestmark = pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")

FITS = {
    "one factor": ("sleepstudy", "Reaction ~ Days + (Days | Subject)", {"weights": "Days_1"}),
    "crossed": ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", {"reml": False}),
    "singular": ("dyestuff2", "Yield ~ 1 + (1 | Batch)", {}),
    "transformed": ("cake", "angle ~ poly(temp, 2) + (scale(temp) | recipe:replicate)", {}),
}


@pytest.fixture(scope="module", params=FITS)
def fit(request):
    data, formula, arguments = FITS[request.param]
    table = pylme.datasets.load(data)
    if "Days" in table:
        table = table.assign(Days_1=table["Days"] + 1.0)
    return pylme.lmer(formula, table, engine="numpy", **arguments)


@pytest.mark.parametrize(
    "travel", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))]
)
def test_copies_are_alive(fit, travel):
    other = travel(fit)
    same(fit, other)
    assert other.optinfo.certificate == fit.optinfo.certificate
    np.testing.assert_array_equal(other.getme("u"), fit.getme("u"))
    assert other.getme("devfun")(fit.theta) == fit.getme("devfun")(fit.theta)
    pd.testing.assert_frame_equal(other.augment(), fit.augment())


def test_a_pickle_is_alive_in_another_process_without_r(fit, tmp_path):
    path = tmp_path / "fit.pickle"
    path.write_bytes(pickle.dumps(fit))
    code = (
        "import sys; sys.modules['rpy2'] = None; import pickle;"
        "fit = pickle.load(open(sys.argv[1], 'rb'));"
        "print(repr(fit.criterion), float(fit.getme('u').sum()).hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    criterion, total = done.stdout.split()
    assert criterion == repr(fit.criterion)
    assert float.fromhex(total) == float(fit.getme("u").sum())


def test_json_carries_all_numbers(fit):
    saved = pylme.from_json(fit.to_json())
    same(fit, saved)
    assert saved.optinfo.certificate == fit.optinfo.certificate
    pd.testing.assert_frame_equal(saved.optinfo.trace.to_frame(), fit.optinfo.trace.to_frame())
    pd.testing.assert_frame_equal(saved.varcorr_table, fit.varcorr_table)
    assert saved.to_json() == fit.to_json()
