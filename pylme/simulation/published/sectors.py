"""Two sectors of schools whose intercepts and slopes are correlated differently, and the models.

Twenty schools in each, ses from 1 to 10; intercepts have the standard deviation 2, slopes 1, errors
2; the correlation is 0.4 in sector 0 and -0.4 in sector 1, exactly so in the schools drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pylme.by_group.group_specific import group_specific
from pylme.simulation.draw.grid import expand_grid
from pylme.simulation.draw.specification import simulator
from pylme.simulation.estimate.models import StudyModel

if TYPE_CHECKING:
    import pandas as pd

    from pylme.draws.seeds import Rng
    from pylme.simulation.draw.simulator import Simulator

__all__ = ["CORRELATIONS", "LABELS", "SECTORS", "Candidate", "candidates", "sectors"]

Candidate = Literal["separate", "combined", "two dummies", "two blocks"]

SECTORS: Final = ("0", "1")
CORRELATIONS: Final = {"0": 0.4, "1": -0.4}
_WITHIN: Final = "Y ~ ses + (ses | sch.id)"


def _dummy(sector: str) -> str:
    return f'dummy(sector, "{sector}")'


#: Where each candidate has the correlation of a sector: the model, and the parameter's label.
LABELS: Final[dict[Candidate, dict[str, tuple[str, str]]]] = {
    "separate": {s: (f"separate {s}", "cor__(Intercept).ses | sch.id") for s in SECTORS},
    "combined": {s: ("combined", f"cor__(Intercept).ses:sector{s} | sch.id") for s in SECTORS},
    "two dummies": {
        s: ("two dummies", f"cor__(Intercept).{_dummy(s)}:ses | {block}")
        for s, block in zip(SECTORS, ("sch.id", "sch.id.1"), strict=True)
    },
    "two blocks": {
        s: ("two blocks", f"cor__{_dummy(s)}.{_dummy(s)}:ses | {block}")
        for s, block in zip(SECTORS, ("sch.id", "sch.id.1"), strict=True)
    },
}


def sectors(rng: Rng) -> Simulator:
    """What draws the schools: sector 0 first, in each the effects and then the errors."""
    return simulator(
        _WITHIN, _grid(), by="sector", sigma=2, empirical=True, rng=rng,
        beta={"0": [1, 2], "1": [1, 3]},
        covariances={s: {"sd": [2, 1], "corr": CORRELATIONS[s]} for s in SECTORS},
    )  # fmt: skip


def candidates(wanted: tuple[Candidate, ...]) -> dict[str, StudyModel]:
    """The models of some candidates; separate fits are two."""
    models: dict[str, StudyModel] = {}
    grid = _grid()
    if "separate" in wanted:
        for sector in SECTORS:
            rows = (grid["sector"] == sector).to_numpy()
            models[f"separate {sector}"] = StudyModel(formula=_WITHIN, subset=rows)
    dummies = " + ".join(f"({_dummy(sector)}:ses | sch.id)" for sector in SECTORS)
    parts = {
        "combined": "(ses:sector | sch.id)",
        "two dummies": dummies,
        "two blocks": group_specific("ses", group="sch.id", by="sector", data=grid),
    }
    for name, random in parts.items():
        if name in wanted:
            models[name] = StudyModel(formula=f"Y ~ ses * sector + {random}")
    return models


def _grid() -> pd.DataFrame:
    """Schools fastest, as the loop in R has them: the errors are drawn in this order."""
    grid = expand_grid(school=range(1, 21), ses=range(1, 11), sector=list(SECTORS))
    grid["sch.id"] = grid["school"] + 20 * (grid["sector"] == "1")
    return grid.drop(columns="school")
