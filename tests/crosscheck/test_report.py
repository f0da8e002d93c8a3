"""A cross-check as it is printed, tabulated, explained and saved."""

from __future__ import annotations

import json
import pickle
import warnings

import pytest

import pylme
from pylme import Verdict
from pylme.results.saving import SCHEMA
from tests.crosscheck.study import study

pytestmark = pytest.mark.needs_r

FITS = {
    Verdict.AGREES: ("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
    Verdict.SINGULAR_CERTIFIED: ("math ~ ses*sector + (ses | sch.id)", "hsb"),
    Verdict.STOPPED_SHORT: ("Reaction ~ I(Days + 2000) + (I(Days + 2000) | Subject)", "sleepstudy"),
    Verdict.NOT_IDENTIFIED: ("Y ~ ses*sector + (ses:sector | sch.id)", None),
}


@pytest.fixture(scope="module", params=FITS, ids=lambda verdict: verdict.name)
def check(request):
    formula, name = FITS[request.param]
    data = study(2) if name is None else pylme.datasets.load(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pylme.errors.FitWarning)
        check = pylme.lmer(formula, data).cross_check()
    assert check.verdict is request.param
    return check


def test_it_prints_as_a_report(check):
    lines = str(check).splitlines()
    assert lines[0] == f"Cross-check of {check.formula}"
    assert lines[1] == f"Verdict: {check.verdict.name}"
    for tier in check.tiers:
        assert f"{tier.number}. {tier.title}" in lines
    rows = [line for line in lines if line.rstrip().endswith((" ok", " NO", " -"))]
    assert len(rows) == sum(len(tier.comparisons) for tier in check.tiers)
    reasons = " ".join(str(check).split())
    for tier in check.tiers:
        for comparison in tier.comparisons:
            assert comparison.tolerance.reason in reasons


def test_it_has_the_other_forms(check):
    html = check.to_html()
    assert html == check._repr_html_()
    assert check.verdict.name in html
    assert html.count("<table") == len(check.tiers)
    assert check.verdict.name.replace("_", r"\_") in check.to_latex()
    assert "| criterion" in check.to_markdown()
    assert repr(check).startswith(f"<pylme.CrossCheck {check.verdict.name}: ")


def test_it_explains_itself(check):
    said = check.explain()
    for heading in ("What to do:", "Checked:"):
        assert heading in said.splitlines()
    assert f"{check.best:.4f}" in said
    if check.alarms:
        assert check.alarms[0][:40] in said
    if check.verdict is Verdict.STOPPED_SHORT:
        assert "fit.refit_from(check)" in said
    assert max(map(len, said.splitlines())) <= 88


def test_every_comparison_is_a_row(check):
    frame = check.to_frame()
    assert list(frame) == [
        "tier", "quantity", "fit", "independent", "difference", "tolerance", "ok", "decides",
        "reason",
    ]  # fmt: skip
    assert set(frame["tier"]) == {1, 2, 3, 4}
    assert (frame["ok"] == (frame["difference"] <= frame["tolerance"])).all()
    assert frame.loc[frame["tier"] <= 2, "ok"].all()
    criterion = frame.query("tier == 4 and quantity == 'criterion'").iloc[0]
    assert criterion["fit"] - criterion["independent"] == pytest.approx(check.excess)


def test_json(check):
    read = json.loads(check.to_json())
    assert (read["schema"], read["pylme"]) == (SCHEMA, pylme.__version__)
    assert read["verdict"] == check.verdict.name
    assert read["ok"] is check.ok
    assert read["theta"] == check.theta.tolist()
    assert read["excess"] == check.excess
    assert [len(tier["comparisons"]) for tier in read["tiers"]] == [
        len(tier.comparisons) for tier in check.tiers
    ]
    assert [d["names"] for d in read["directions"]] == [list(d.names) for d in check.directions]


def test_it_travels(check):
    assert str(pickle.loads(pickle.dumps(check))) == str(check)
