"""The matrices of a model, as users hold them: with what the data can identify of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from pylme.identifiability.identify import identify
from pylme.model_matrix.matrices import ModelMatrices

if TYPE_CHECKING:
    from pylme.identifiability.report import Identifiability

__all__ = ["Design"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Design(ModelMatrices):
    __doc__ = ModelMatrices.__doc__

    @classmethod
    def of(cls, matrices: ModelMatrices) -> Design:
        """The same matrices, as a `Design`.

        Parameters
        ----------
        matrices : ModelMatrices
        """
        return cls(**{field.name: getattr(matrices, field.name) for field in fields(matrices)})

    def identifiability(self) -> Identifiability:
        """Which covariance parameters and fixed effects the data identify, and why not others.

        It looks at the columns alone: not at the response, and not at any estimate. Of a
        generalized model it speaks of the linear predictor. Above 500 covariance parameters (31
        effects in one term) the rank is not determined, and only what can be counted is said.

        Returns
        -------
        Identifiability
            The number of covariance parameters, their rank, and each direction that the data cannot
            see with the reason in words.

        References
        ----------
        Searle, Casella & McCulloch (1992), Variance Components, section 6.6.

        Examples
        --------
        >>> import pylme
        >>> hsb = pylme.datasets.load("hsb")
        >>> found = pylme.design("math ~ ses + (ses*sector | sch.id)", hsb).identifiability()
        >>> found.n_parameters, found.rank, found.directions[0].reason
        (10, 6, 'sector does not vary within sch.id, where it takes 2 values')
        """
        return identify(self)
