"""Results of tasks by backends of joblib that return each at once, and by those that do not."""

import pytest
from joblib import parallel_config, register_parallel_backend
from joblib._parallel_backends import ThreadingBackend

from pylme.simulation.workers.delivery import delivered


class AtTheEnd(ThreadingBackend):
    """As ray's backend: a list of results, and no generator."""

    supports_return_generator = False


def square(x):
    return x * x


@pytest.mark.parametrize("backend", ["threading", "at the end"])
def test_every_task_has_its_result(backend):
    register_parallel_backend("at the end", AtTheEnd)
    with parallel_config(backend=backend, n_jobs=2):
        assert sorted(delivered(square, iter(range(20)), n_jobs=None)) == [i * i for i in range(20)]


def test_results_come_in_rounds_where_a_backend_returns_them_at_the_end():
    register_parallel_backend("at the end", AtTheEnd)
    taken = []

    def tasks():
        for i in range(20):
            taken.append(i)
            yield i

    with parallel_config(backend="at the end", n_jobs=2):
        assert next(delivered(square, tasks(), n_jobs=None)) == 0
    assert len(taken) == 8


@pytest.mark.parametrize("backend", ["threading", "at the end"])
def test_an_error_of_the_tasks_comes_after_the_results_before_it(backend):
    register_parallel_backend("at the end", AtTheEnd)

    def tasks():
        yield 3
        message = "no more"
        raise OSError(message)

    found = []
    with parallel_config(backend=backend, n_jobs=2), pytest.raises(OSError, match="no more"):
        found.extend(delivered(square, tasks(), n_jobs=None))


@pytest.mark.simulation
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("engine", ["numpy", pytest.param("lme4", marks=pytest.mark.needs_r)])
def test_a_study_on_ray_is_that_of_one_process(engine):
    """The package is no dependency of the tests: pip install ray, and run this by its name."""
    ray = pytest.importorskip("ray", reason="ray is not installed")
    from ray.util.joblib import register_ray

    import pylme

    formula = "Reaction ~ Days + (Days | Subject)"
    sleep = pylme.datasets.load("sleepstudy")
    draw = pylme.lmer(formula, sleep, engine="numpy").simulator()
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR")
    try:
        register_ray()
        with parallel_config("ray", n_jobs=2):
            found = pylme.study(draw, formula, n=8, seed=1, engine=engine)
    finally:
        ray.shutdown()
    known = pylme.study(draw, formula, n=8, seed=1, engine=engine)
    found, known = (result.to_frame().drop(columns="seconds") for result in (found, known))
    assert found.equals(known)
