"""Which verdict is given where several hold."""

from __future__ import annotations

import pytest

from pylme import Verdict
from pylme.crosscheck.verdict import Findings, decide

GOOD = {
    "impossible": False,
    "endless": False,
    "contradicted": False,
    "unidentified": False,
    "excess": 1e-9,
    "negligible": 1e-4,
    "proved": True,
    "searched": True,
    "singular": False,
    "alarmed": False,
}


@pytest.mark.parametrize(
    ("found", "verdict", "false_alarm"),
    [
        ({}, Verdict.AGREES, False),
        ({"alarmed": True}, Verdict.FALSE_ALARM, True),
        ({"singular": True}, Verdict.SINGULAR_CERTIFIED, False),
        ({"singular": True, "alarmed": True}, Verdict.SINGULAR_CERTIFIED, True),
        ({"proved": False}, Verdict.UNCHECKED, False),
        ({"proved": False, "alarmed": True}, Verdict.UNCHECKED, False),
        ({"searched": False}, Verdict.UNCHECKED, False),
        ({"searched": False, "singular": True, "alarmed": True}, Verdict.UNCHECKED, False),
        ({"searched": False, "excess": 1.0}, Verdict.STOPPED_SHORT, False),
        ({"excess": 1.0}, Verdict.STOPPED_SHORT, False),
        ({"excess": 1.0, "proved": False}, Verdict.STOPPED_SHORT, False),
        ({"excess": 1.0, "singular": True, "alarmed": True}, Verdict.STOPPED_SHORT, False),
        ({"unidentified": True}, Verdict.NOT_IDENTIFIED, False),
        ({"unidentified": True, "excess": 1.0}, Verdict.NOT_IDENTIFIED, False),
        ({"unidentified": True, "alarmed": True}, Verdict.NOT_IDENTIFIED, False),
        ({"contradicted": True}, Verdict.DISAGREES, False),
        ({"contradicted": True, "singular": True, "proved": False}, Verdict.DISAGREES, False),
        ({"contradicted": True, "unidentified": True}, Verdict.NOT_IDENTIFIED, False),
        ({"contradicted": True, "excess": 1.0}, Verdict.STOPPED_SHORT, False),
        (
            {"impossible": True, "contradicted": True, "unidentified": True},
            Verdict.UNCHECKED,
            False,
        ),
        ({"endless": True, "excess": float("nan")}, Verdict.NO_FINITE_ESTIMATE, False),
        ({"endless": True, "alarmed": True}, Verdict.NO_FINITE_ESTIMATE, False),
        ({"endless": True, "contradicted": True}, Verdict.NO_FINITE_ESTIMATE, False),
        ({"endless": True, "impossible": True}, Verdict.UNCHECKED, False),
        ({"contradicted": True, "excess": float("nan")}, Verdict.DISAGREES, False),
        ({"contradicted": True, "alarmed": True}, Verdict.DISAGREES, False),
        ({"impossible": True, "excess": float("nan"), "proved": False}, Verdict.UNCHECKED, False),
    ],
)
def test_the_first_that_holds(found, verdict, false_alarm):
    findings = Findings(**(GOOD | found))
    assert decide(findings) is verdict
    assert findings.false_alarm is false_alarm


def test_which_verdicts_are_good():
    good = {verdict for verdict in Verdict if verdict.good}
    assert good == {Verdict.AGREES, Verdict.FALSE_ALARM, Verdict.SINGULAR_CERTIFIED}
