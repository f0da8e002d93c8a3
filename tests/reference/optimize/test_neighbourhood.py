"""Searches that end where they have come into the neighbourhood of a known minimum."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.reference.optimize.neighbourhood import Neighbourhood
from pylme.reference.optimize.newton import minimise
from pylme.reference.problem.starting import first_starts, further_starts
from tests.reference.models import prepared
from tests.reference.several_minima import CASES


def searched(problem, known=None):
    """All starts, each to its own end or to that of a known minimum."""
    layout = problem.layout
    starts = np.concatenate([first_starts(layout), further_starts(layout)])
    where = np.zeros(len(starts), dtype=np.intp)
    criterion = problem.searched().subset(where)
    return minimise(criterion, layout, starts, 200, 1e-7, known=known and known.subset(where))


def beside(problem, found, which):
    """The neighbourhood of one of the ends."""
    evaluation = problem.searched().evaluate(problem.layout.matrices(found.theta[which][None]))
    return Neighbourhood.of(problem.layout, found.theta[which][None], evaluation)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("highest", [False, True])
def test_each_search_finds_the_minimum_that_it_finds_by_itself(name, highest):
    """Whichever of several minima is the known one, searches towards others are not stopped."""
    case = CASES[name]
    _, _, problem = prepared(case.formula, case.data, reml=case.reml, weights=case.weights)
    alone = searched(problem)
    values = np.where(alone.converged, alone.evaluation.criterion, np.nan)
    known = beside(problem, alone, np.nanargmax(values) if highest else np.nanargmin(values))
    found = searched(problem, known)
    assert found.evaluation.criterion[alone.converged] == pytest.approx(
        values[alone.converged], abs=1e-5
    )
    assert found.evaluations.sum() <= alone.evaluations.sum()


def test_last_steps_are_left_out_and_the_end_is_the_minimum_itself():
    _, _, problem = prepared(
        "Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy")
    )
    alone = searched(problem)
    first = minimise(problem.criterion, problem.layout, problem.start())
    known = Neighbourhood.of(problem.layout, first.theta, first.evaluation)
    found = searched(problem, known)
    assert (found.theta == first.theta).all()
    assert found.evaluations.sum() < 0.9 * alone.evaluations.sum()
