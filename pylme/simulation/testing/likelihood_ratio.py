"""The hypothesis that a smaller model is sufficient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pylme.errors import OptionError
from pylme.formula import parse_formula
from pylme.inference.likelihood_ratio_tests.linear_criterion import linear_criteria
from pylme.inference.likelihood_ratio_tests.nesting import Difference, difference_of
from pylme.model_matrix.build import build
from pylme.model_matrix.matrices import ModelMatrices
from pylme.model_matrix.response import response_column
from pylme.simulation.draw.simulator import Simulator
from pylme.simulation.draw.sources import source_of
from pylme.simulation.estimate.models import StudyModel
from pylme.simulation.study import run_study
from pylme.simulation.testing.hypothesis import under_null
from pylme.simulation.workers.shards import at_once
from pylme.warning_scopes import silenced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pylme.draws.seeds import Seed
    from pylme.simulation.draw.sources import Source
    from pylme.simulation.outcome.result import StudyResult

__all__ = ["LikelihoodRatio", "likelihood_ratio"]

_LARGER: Final = "model"
_SMALLER: Final = "null"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LikelihoodRatio:
    """The hypothesis that a smaller model is sufficient.

    The statistic is by how much the criterion of the larger model lies below that of the smaller.

    Attributes
    ----------
    larger, smaller : StudyModel
        Both by maximum likelihood where their fixed effects differ.
    design : ModelMatrices
        Of the smaller model.
    difference : Difference
    """

    larger: StudyModel
    smaller: StudyModel
    design: ModelMatrices
    difference: Difference

    @property
    def words(self) -> str:
        """The test."""
        return "likelihood ratio test"

    @property
    def compared_with(self) -> str:
        """The distribution of the statistic in large samples."""
        return str(self.difference)

    def statistics(
        self, source: Any, n: int, seed: Seed, options: Mapping[str, Any]
    ) -> NDArray[np.float64]:
        """The differences of the criterion; negative ones are rounding errors, and set to 0."""
        models = {_LARGER: self.larger}
        if self.design.terms:
            models[_SMALLER] = self.smaller
        found = run_study(source, models, n=n, seed=seed, **options)
        # Rows are in the order of replicates and models.
        criteria = found.fits["criterion"].to_numpy().reshape(n, len(models))
        drawing = source_of(source)
        if isinstance(drawing, Simulator) and not self.design.terms:
            of_smaller = self._without_groups(drawing, found)
        else:
            of_smaller = criteria[:, list(models).index(_SMALLER)]
        return np.asarray(np.maximum(of_smaller - criteria[:, 0], 0.0))

    def _without_groups(self, source: Simulator, found: StudyResult) -> NDArray[np.float64]:
        """The criteria of a smaller model without random effects."""
        kept = slice(None) if self.design.rows.kept is None else self.design.rows.kept
        criteria = []
        for first, stop in at_once(source, found.n):
            Y = source.replicates(found.seeds, first, stop).y[kept].T
            criteria.append(
                linear_criteria(
                    self.design.X,
                    Y - self.design.offset,
                    self.design.weights,
                    reml=self.smaller.reml,
                )
            )
        return np.concatenate(criteria)

    def p_values(self, statistics: NDArray[np.float64]) -> NDArray[np.float64]:
        """By χ², or the mixture that the boundary calls for."""
        return self.difference.mixture.p_values(statistics)

    def null(self, source: Simulator) -> Simulator:
        """The simulator with the parameters of the smaller model."""
        return under_null(source, self.design.x_names, self.design.terms)


def likelihood_ratio(
    larger: StudyModel, null: str, source: Source, example: Any
) -> LikelihoodRatio:
    """The test of a model against a smaller one.

    Parameters
    ----------
    larger : StudyModel
    null : str
        The formula of the smaller one.
    source : Source
    example : DataFrame, Table or mapping
        A table with the columns of the drawn ones.

    Raises
    ------
    OptionError
        If the larger model does not contain the smaller one.
    """
    smaller = replace(larger, formula=null)
    formula = parse_formula(null)
    drawn = isinstance(source, Simulator) and response_column(formula.response) == source.response
    if not formula.bars and (not drawn or larger.family is not None):
        raise OptionError(
            option="null",
            value=null,
            allowed="a formula with a random-effects term, where the model is a generalized one or "
            "the response is not a column that a simulator draws",
        )
    with silenced():
        # The same warnings are given when the models are fitted.
        designs = [build(model.specified(example)) for model in (larger, smaller)]
    difference = difference_of(*designs)
    # Restricted likelihoods can be compared only for identical X, whose scale enters them.
    reml = larger.reml and np.array_equal(designs[0].X, designs[1].X)
    return LikelihoodRatio(
        larger=replace(larger, reml=reml),
        smaller=replace(smaller, reml=reml),
        design=designs[1],
        difference=difference,
    )
