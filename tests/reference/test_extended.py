"""Criterion, fixed effects, standard errors and gradient against 80 decimal digits.

Everything is compared at a given theta, so that nothing depends on how a search ends.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pylme.reference.solution import solution_at
from tests.reference.crossed_data import kept
from tests.reference.extended import exact, gradient
from tests.reference.models import prepared

ROWS, GROUPS, OTHERS = 60, 8, 5
THETAS = (0.0, 1e-4, 1.0, 30.0, 1e2, 1e3, 1e4)
#: Relative error of the criterion, of standard errors, and of the gradient's greatest element;
#: error of fixed effects in their standard errors.
CRITERION, ERRORS, GRADIENT, FIXED = 1e-9, 1e-6, 1e-5, 1e-6


def data(seed=0):
    rng = np.random.default_rng(seed)
    g, h = rng.integers(GROUPS, size=ROWS), rng.integers(OTHERS, size=ROWS)
    x, b = rng.normal(size=ROWS), (np.arange(GROUPS) % 2)[g]
    y = 1 + 0.3 * x + rng.normal(size=GROUPS)[g] + rng.normal(size=OTHERS)[h]
    return pd.DataFrame(
        {
            "y": y + rng.normal(size=ROWS),
            "x": x,
            "b": b.astype(float),
            "g": [f"g{i}" for i in g],
            "h": [f"h{i}" for i in h],
            "w": np.exp(3.0 * rng.normal(size=ROWS)),
        }
    )


def noisy(noise):
    """Differences between groups of about 1, and noise of that size."""
    rng = np.random.default_rng(4)
    frame = data()
    codes = frame["g"].str[1:].astype(int)
    y = frame["x"] + rng.normal(size=GROUPS)[codes] + noise * rng.normal(size=ROWS)
    return frame.assign(y=y)


def factors(design, scale):
    """A full lower triangle for each term."""
    return [
        scale * np.tril(np.full((len(t.names),) * 2, 0.3)) + 0.7 * scale * np.eye(len(t.names))
        for t in design.terms
    ]


def slack(expected):
    """What the condition of weights and columns may add to the estimate of the rounding error."""
    return 1e-10 * abs(expected.criterion)


def check(
    formula, frame, T=1.0, *, slopes=True, storage=None, fixed=0.0, bounded=True, **arguments
):
    """Compare with 80 digits, T being a scale or the factors of all terms.

    `fixed` is how far fixed effects may be off because of their own size.
    """
    spec, design, problem = prepared(formula, frame, **arguments)
    if storage is not None:
        problem = kept(formula, frame, storage, **arguments)
    T = factors(design, T) if np.isscalar(T) else T
    theta = np.concatenate([t.T[np.triu_indices(len(t))] for t in T])
    found = solution_at(problem, theta)
    given = (design.X, design.y, [(t.codes, t.columns) for t in design.terms], T)
    options = {
        "weights": design.weights if spec.weights else None,
        "reml": arguments.get("reml", True),
    }
    expected = exact(*given, **options)
    assert found.criterion == pytest.approx(expected.criterion, rel=CRITERION, abs=CRITERION)
    # Thetas of the columns that the engine computes with are rounded on their own.
    if bounded:
        assert abs(found.criterion - expected.criterion) <= found.rounding + slack(expected)
    np.testing.assert_allclose(np.sqrt(np.diag(found.vcov)), expected.std_error, rtol=ERRORS)
    off = np.abs(found.beta - expected.beta) - fixed
    assert (off / expected.std_error).max(initial=0.0) < FIXED
    if slopes:
        slope = gradient(*given, **options)
        np.testing.assert_allclose(
            found.gradient, slope, rtol=0, atol=GRADIENT * np.abs(slope).max() + 1e-12
        )
    return found


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("scale", THETAS)
@pytest.mark.parametrize("effects", ["1 | g", "x | g", "x || g", "0 + x | g"])
def test_one_factor_at_any_theta(effects, scale, reml):
    check(f"y ~ x + b + ({effects})", data(), scale, reml=reml)


@pytest.mark.parametrize("scale", THETAS)
def test_weights_that_span_six_orders_of_magnitude(scale):
    check("y ~ x + b + (x | g)", data(), scale, weights="w")


@pytest.mark.parametrize("noise", [1e-2, 1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("effects", ["1 | g", "x | g"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_noise_far_below_the_signal(effects, noise, weights):
    """Where b varies between groups alone, and x within them."""
    check(f"y ~ x + b + ({effects})", noisy(noise), 1.0 / noise, weights=weights)


@pytest.mark.parametrize("T", [[[1e4, 0], [1e4, 0]], [[1e4, 0], [1e4, 1]], [[1e4, 0], [0, 1e-4]]])
def test_one_factor_with_variances_of_every_size(T):
    check("y ~ x + b + (x | g)", data(), [np.array(T, dtype=float)])


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("storage", ["dense", "sparse"])
@pytest.mark.parametrize("scale", THETAS)
@pytest.mark.parametrize("effects", ["(1 | g) + (1 | h)", "(x | g) + (1 | h)", "(1 | g) + (x | h)"])
def test_crossed_factors_at_any_theta(effects, scale, storage, reml):
    check(f"y ~ x + b + {effects}", data(), scale, storage=storage, reml=reml)


@pytest.mark.parametrize("storage", ["dense", "sparse"])
@pytest.mark.parametrize("noise", [1e-2, 1e-4])
def test_crossed_factors_and_little_noise(noise, storage):
    frame = noisy(noise)
    frame["y"] += np.random.default_rng(5).normal(size=OTHERS)[frame["h"].str[1:].astype(int)]
    check("y ~ x + b + (1 | g) + (1 | h)", frame, 1 / noise, storage=storage)


@pytest.mark.parametrize("scale", [1.0, 1e2, 1e3])
@pytest.mark.parametrize("storage", ["dense", "sparse"])
def test_crossed_factors_and_weights(scale, storage):
    check("y ~ x + b + (x | g) + (1 | h)", data(), scale, storage=storage, weights="w")


@pytest.mark.parametrize("storage", ["dense", "sparse"])
def test_levels_with_fewer_rows_than_columns(storage):
    """Of the leading factor, so that Z_jᵀZ_j is singular, or nearly."""
    rng = np.random.default_rng(3)
    pairs = np.repeat(np.arange(20), 3)
    frame = data().assign(p=[f"p{i}" for i in pairs])
    frame["x"] = np.where(pairs % 2, rng.normal(size=20)[pairs], frame["x"])
    moved = rng.normal(size=ROWS)
    for spread in (0.0, 1e-7, 1e-2):
        own = frame.assign(x=frame["x"] + spread * moved)
        for scale in (1.0, 1e3):
            check("y ~ x + b + (x | p) + (1 | h)", own, scale, storage=storage)


@pytest.mark.parametrize("spread", [0.0, 1e-7, 1e-4, 1e-2])
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e3])
def test_one_factor_with_fewer_rows_than_columns(scale, spread):
    rng = np.random.default_rng(3)
    pairs = np.repeat(np.arange(20), 3)
    frame = data().assign(p=[f"p{i}" for i in pairs])
    frame["x"] = np.where(pairs % 2, rng.normal(size=20)[pairs], frame["x"])
    frame["x"] += spread * rng.normal(size=ROWS)
    check("y ~ x + b + (x | p)", frame, scale)


#: A covariance matrix all but of rank one, thousands of times the noise.
NARROW = np.array([[602.0, 0, 0], [-2077.7, 77.5, 0], [-5976.1, 75.8, 3.5]])


def nearly_interpolated(seed, rows=59, levels=16):
    """Levels of about as many rows as effects, which leave a millionth of the response."""
    rng = np.random.default_rng(seed)
    g = np.concatenate([np.arange(levels), rng.integers(levels, size=rows - levels)])
    x, v = rng.normal(size=rows), rng.normal(size=rows)
    b = rng.normal(size=(levels, 3)) @ NARROW.T
    y = b[g, 0] + b[g, 1] * x + b[g, 2] * v + rng.normal(size=rows)
    w = np.exp(rng.normal(size=rows))
    return pd.DataFrame({"y": 1e-3 * y, "x": x, "v": v, "g": [f"g{i}" for i in g], "w": w})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("fixed", ["1", "x + v"])
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("reml", [True, False])
def test_fixed_effects_that_cancel_most_of_the_response(seed, fixed, weights, reml):
    """S_yy is a million times r² where Σ is far smaller in one direction than in others."""
    frame = nearly_interpolated(seed)
    check(f"y ~ {fixed} + (x + v | g)", frame, [NARROW], weights=weights, reml=reml)


@pytest.mark.parametrize("scale", [1e5, 1e6, 1e8])
def test_levels_with_fewer_rows_than_columns_at_enormous_variances(scale):
    """Pivots of ΛᵀZᵀZΛ + I are 1 or more, whatever rounding errors say."""
    frame = nearly_interpolated(0, rows=40)
    check("y ~ x + (x + v | g)", frame, scale, slopes=False)


SHIFTS = (1e2, 1e4, 1e6, 1e8, 1e12)


def shifted(shift, scale=1.0):
    """Covariates that stay exact when they are shifted, and multiplied with each other."""
    frame = data()
    v = np.round(8 * np.random.default_rng(6).normal(size=ROWS))
    return frame.assign(x=(np.round(4 * frame["x"]) + shift) * scale, v=v)


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("fixed", ["x * b", "x * v", "x + I(x^2)", "0 + x + factor(b)"])
def test_fixed_effects_that_are_nearly_dependent(fixed, shift):
    check(f"y ~ {fixed} + (1 | g)", shifted(shift))
    check(f"y ~ {fixed} + (1 | g) + (1 | h)", shifted(shift), weights="w")


@pytest.mark.parametrize("scale", [2.0**-20, 2.0**27])
def test_scaled_covariates_that_are_nearly_dependent(scale):
    check("y ~ x * v + (1 | g)", shifted(1e6, scale))


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("effects", ["x || g", "0 + x:v | g"])
def test_a_term_far_from_zero(effects, shift):
    """Not centred, as its terms have no intercept to take the mean up."""
    check(f"y ~ x + ({effects})", shifted(shift), 1.0 / shift, bounded=False)


@pytest.mark.parametrize("shift", [1e4, 1e6, 1e8, 1e11])
@pytest.mark.parametrize("effects", ["x * v | g", "x * b | g"])
@pytest.mark.parametrize("others", ["", " + (1 | h)"])
def test_columns_of_a_term_that_are_nearly_dependent(effects, others, shift):
    """The criterion at one matrix of covariances of the columns, whatever the shift."""
    values = []
    for frame in (shifted(0.0), shifted(shift)):
        _, _, problem = prepared(f"y ~ v + ({effects}){others}", frame)
        factors = problem.layout.factors
        matrices = []
        for f, factor in enumerate(factors):
            assert np.linalg.cond(problem.columns.z_of_base[f].T @ problem.columns.base) < 10
            root = np.linalg.norm(
                problem.columns.z_of_base[f].T @ problem.columns.base, axis=1
            ) / np.sqrt(ROWS)
            np.testing.assert_allclose(root, 1.0, rtol=1e-9)
            matrices.append(np.eye(factor.width)[None])
        values.append(float(problem.criterion.evaluate(matrices).criterion[0]))
    # Their orthonormal columns, in order, are the same.
    assert values[1] == pytest.approx(values[0], rel=CRITERION)


@pytest.mark.parametrize("shift", [1e4, 1e9, 1e12])
@pytest.mark.parametrize("weights", [None, "w"])
def test_a_response_far_from_zero(shift, weights):
    frame = shifted(0.0)
    frame["y"] = np.round(1024 * frame["y"]) / 1024 + shift
    for effects in ("(x | g)", "(1 | g) + (1 | h)"):
        check(f"y ~ x + b + {effects}", frame, weights=weights, fixed=1e-14 * shift)


@pytest.mark.parametrize("storage", ["dense", "sparse"])
@pytest.mark.parametrize("scale", [1e5, 1e6, 1e7, 1e9, 1e12])
@pytest.mark.parametrize("effects", ["(1 | g) + (1 | h)", "(x | g) + (1 | h)"])
def test_beyond_double_precision_the_error_is_known_or_the_value_refused(effects, scale, storage):
    formula = f"y ~ x + b + {effects}"
    _, design, _ = prepared(formula, data())
    T = factors(design, scale)
    theta = np.concatenate([t.T[np.triu_indices(len(t))] for t in T])
    try:
        found = solution_at(kept(formula, data(), storage), theta)
    except np.linalg.LinAlgError:
        assert scale > 1e6
        return
    terms = [(t.codes, t.columns) for t in design.terms]
    expected = exact(design.X, design.y, terms, T)
    assert abs(found.criterion - expected.criterion) <= found.rounding
    assert found.rounding < 100.0


@pytest.mark.parametrize("scale", [1.0, 1e2, 1e4])
@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("effects", ["0 + f | g", "f | g"])
def test_levels_that_lack_a_group(effects, reml, scale):
    """Their columns of zeros are none in the coordinates in which Σ is diagonal."""
    rng = np.random.default_rng(12)
    frame = data().assign(f=rng.choice(list("abc"), size=ROWS))
    lacking = frame["g"].isin(["g1", "g4"]) & (frame["f"] == "b")
    frame.loc[lacking, "f"] = "c"
    b = rng.normal(size=(GROUPS, 3)) @ (scale * NARROW).T
    g, f = frame["g"].str[1:].astype(int), frame["f"].map({"a": 0, "b": 1, "c": 2})
    frame["y"] = (b[g, f] + frame["x"] + rng.normal(size=ROWS)) / (1e3 * scale)
    check(f"y ~ 0 + x + ({effects})", frame, [scale * NARROW], reml=reml)
