"""JSON of this version and of version 0.1."""

import json
from pathlib import Path

import numpy as np
import pytest

import pylme

FIXTURES = Path(__file__).with_name("fixtures")
MODEL = "Yield ~ 1 + (1 | Batch)"


def read(name):
    return pylme.from_json((FIXTURES / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "engine"), [("lmer-0.1.json", "lme4"), ("lmer-by-numpy-0.1.json", "numpy")]
)
def test_a_linear_fit_of_version_0_1_is_read(name, engine):
    saved = read(name)
    again = pylme.lmer(MODEL, pylme.datasets.load("dyestuff"), engine="numpy")
    assert saved.engine == engine
    assert saved.formula == MODEL
    assert saved.criterion == pytest.approx(again.criterion, abs=1e-6)
    np.testing.assert_allclose(saved.ranef["Batch"], again.ranef["Batch"], rtol=1e-4)
    np.testing.assert_allclose(saved.fitted, again.fitted, rtol=1e-6)
    assert saved.residuals.index.equals(again.residuals.index)
    assert "1764" in str(saved.summary())


def test_a_generalized_fit_of_version_0_1_is_read():
    """The estimates are those of lme4's own documentation, ?cbpp."""
    saved = read("glmer-0.1.json")
    np.testing.assert_allclose(saved.fixef, [-1.3983, -0.9919, -1.1282, -1.5797], atol=5e-5)
    assert saved.varcorr["herd"].sd.to_dict() == pytest.approx({"(Intercept)": 0.6421}, abs=5e-5)


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("*.json")))
def test_what_version_0_1_wrote_is_written_in_todays_schema(name):
    saved = read(name)
    text = saved.to_json()
    assert json.loads(text)["schema"] == 2
    assert pylme.from_json(text).to_json() == text
    assert pylme.from_json(text).fixef.equals(saved.fixef)


@pytest.mark.parametrize("schema", [0, 3, "2", None])
def test_another_schema_is_refused_with_a_remedy(schema):
    content = json.loads(read("lmer-0.1.json").to_json())
    with pytest.raises(pylme.errors.NotAvailableError, match="this version reads 1 to 2") as caught:
        pylme.from_json(json.dumps({**content, "schema": schema}))
    assert "fit.to_json()" in caught.value.remedy
