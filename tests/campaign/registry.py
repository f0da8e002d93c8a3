"""Published numbers of documented models beside ours: ``python -m tests.campaign.registry``.

The registry of the package mixedbench lists documented models of public data, and what lme4 gives
for them: variances by grouping factor, R² (Nakagawa & Schielzeth 2013; Nakagawa, Johnson &
Schielzeth 2017) and intraclass correlations, with four decimals. `r_scripts/registry_models.R` fits
those whose data the installed R packages carry by lme4; the NumPy engine fits them again here. The
registry is licensed CC BY 4.0, and read from the installed package.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import subprocess
import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

import pylme
from pylme.errors import FitWarning, PylmeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pylme import Fit

__all__ = ["Numbers", "Row", "compared", "markdown", "numbers_of", "published"]

_SCRIPT: Final = Path(__file__).parents[2] / "r_scripts" / "registry_models.R"
_KEY: Final = ["source", "object", "model_index"]
#: Status of the registry's own fits that gave estimates.
_FITTED: Final = ("ok", "singular", "warning")
#: Half a unit of the fourth decimal, and what two optima of lme4 differ by: its convergence is
#: a relative change of the criterion, where variances are determined to about three digits.
_ROUNDING: Final = 5e-5
_RELATIVE: Final = 2e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What is compared of a model.

    Attributes
    ----------
    fixed, residual : float
        Variance of the fixed predictor; residual variance, or that which the distribution adds.
    random : mapping of frozenset of str to float
        Variance of each grouping factor, by the columns that it combines.
    marginal, conditional : float
        R².
    icc : mapping of frozenset of str to float
        The share of each factor in what the fixed effects leave.
    """

    fixed: float
    residual: float
    random: Mapping[frozenset[str], float]
    marginal: float
    conditional: float
    icc: Mapping[frozenset[str], float]

    def differences(self, other: Numbers) -> dict[str, float]:
        """What differs by more than rounding, and by how much of it."""
        nan = float("nan")
        same = _same_factors(self.random, other.random)
        random = {same.get(key, key): value for key, value in other.random.items()}
        icc = {same.get(key, key): value for key, value in other.icc.items()}
        pairs = {
            "fixed variance": (self.fixed, other.fixed),
            "residual variance": (self.residual, other.residual),
            "R² marginal": (self.marginal, other.marginal),
            "R² conditional": (self.conditional, other.conditional),
        }
        for key in {**self.random, **random}:
            pairs[f"variance of {_name(key)}"] = (
                self.random.get(key, nan),
                random.get(key, nan),
            )
            pairs[f"ICC of {_name(key)}"] = self.icc.get(key, nan), icc.get(key, nan)
        scale = max(self.fixed + self.residual + sum(self.random.values()), 1e-300)
        found = {}
        for name, (ours, theirs) in pairs.items():
            # Variances are parts of the whole: a small one is not known better than the others.
            size = scale if "variance" in name else 1.0
            if not abs(ours - theirs) <= _ROUNDING + _RELATIVE * size:
                found[name] = abs(ours - theirs) / size
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A model of the table; a side that has no numbers is None, and `note` says why."""

    model: str
    formula: str
    family: str
    rows: int
    published: Numbers
    lme4: Numbers | None
    numpy: Numbers | None
    note: str = ""


def published(folder: Path, packages: Iterable[str]) -> pd.DataFrame:
    """The documented models of some R packages that have numbers, a row for each factor.

    Parameters
    ----------
    folder : Path
        The files of the registry.
    packages : iterable of str
    """
    models, fits = (
        pd.read_csv(folder / name, dtype=str, keep_default_na=False)
        for name in ("registry.csv", "fits.csv")
    )
    both = models[models["tier"] == "R"].merge(
        fits[fits["status"].isin(_FITTED)], on=_KEY, suffixes=("_documented", "")
    )
    both = both[both["source"].isin(set(packages))]
    return both.assign(id=["/".join(key) for key in both[_KEY].itertuples(index=False)])


def published_numbers(rows: pd.DataFrame) -> Numbers:
    """The numbers of one model of the registry."""
    first = rows.iloc[0]
    gaussian = first["family"] == "gaussian"
    keys = [_key(factor) for factor in rows["factor"]]
    return Numbers(
        fixed=float(first["sigma2_fixed"]),
        residual=float(first["sigma2_residual" if gaussian else "sigma2_distribution"]),
        random=dict(zip(keys, map(float, rows["sigma2"]), strict=True)),
        marginal=float(first["r2_marginal"]),
        conditional=float(first["r2_conditional"]),
        icc=dict(zip(keys, map(float, rows["icc_adjusted"]), strict=True)),
    )


def numbers_of(fit: Fit) -> Numbers:
    """The same numbers of a fit."""
    shares, icc = fit.r2(), fit.icc()
    parts = shares.parts
    return Numbers(
        fixed=parts.fixed,
        residual=parts.residual,
        random={_key(group): value for group, value in parts.random.items()},
        marginal=shares.marginal,
        conditional=shares.conditional,
        icc={_key(group): value for group, value in icc.by_group.items()},
    )


def compared(listed: pd.DataFrame, folder: Path, *, seconds: float) -> list[Row]:
    """Fit the models by both engines, those that can be fitted within so many seconds each.

    Parameters
    ----------
    listed : DataFrame
        As `published` gives it.
    folder : Path
        Where lme4's fits are saved, and where earlier ones may be.
    seconds : float
    """
    asked = listed.drop_duplicates("id").rename(columns={"source": "package"})
    # The quick ones first, by the seconds that the registry notes.
    asked = asked.iloc[pd.to_numeric(asked["seconds"], errors="coerce").argsort()]
    columns = ["id", "package", "object", "formula", "family", "response", "types"]
    asked[columns].to_csv(folder / "models.tsv", sep="\t", index=False, quoting=3)
    subprocess.run(
        ["Rscript", str(_SCRIPT), str(folder), str(seconds)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    left_out = dict(
        line.split("\t", 1) for line in (folder / "left_out.tsv").read_text("utf-8").splitlines()
    )
    return [
        _row(rows, folder / f"{name.replace('/', '-')}.rds", left_out.get(name, ""))
        for name, rows in listed.groupby("id", sort=False)
    ]


def _row(rows: pd.DataFrame, file: Path, note: str) -> Row:
    first = rows.iloc[0]
    lme4 = numpy = None
    if file.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FitWarning)
            try:
                read = pylme.read_rds(file)
                lme4 = numbers_of(read)
                numpy = numbers_of(_again(read, first["family"]))
            except PylmeError as error:
                note = str(error).partition("\n")[0]
    return Row(
        model=first["id"], formula=first["formula"], family=first["family"],
        rows=int(first["n_obs"]), published=published_numbers(rows), lme4=lme4, numpy=numpy,
        note=note,
    )  # fmt: skip


def _again(fit: Fit, family: str) -> Fit:
    """The model of a fit, by the NumPy engine."""
    if family == "gaussian":
        return pylme.lmer(fit.formula, fit.data, engine="numpy")
    name = "binomial" if family == "bernoulli" else family
    return pylme.glmer(fit.formula, fit.data, family=name, engine="numpy")


def markdown(found: Sequence[Row], *, versions: str) -> str:
    """The table, after a summary of it."""
    fitted = [row for row in found if row.lme4 is not None and row.numpy is not None]
    kinds = Counter("linear" if row.family == "gaussian" else "generalized" for row in fitted)
    same = Counter(
        "linear" if row.family == "gaussian" else "generalized"
        for row in fitted
        if not _differing(row)
    )
    counted = " and ".join(f"{same[kind]} of {kinds[kind]} {kind}" for kind in sorted(kinds)[::-1])
    lines = [
        f"Of {len(found)} models {len(fitted)} were fitted here, by {versions} and by the NumPy "
        f"engine. All numbers of {counted} models are the published ones.",
        "",
        "| model | rows | variance of groups | R² marginal | R² conditional | ICC | differs |",
        "| --- | ---: | --- | --- | --- | --- | --- |",
        *(_line(row) for row in fitted),
        "",
    ]
    missing = [row for row in found if row not in fitted]
    if missing:
        lines += ["Not fitted here:", ""]
        lines += [f"- {row.model} (`{row.formula}`): {row.note or 'no fit'}" for row in missing]
        lines.append("")
    return "\n".join(lines)


def _differing(row: Row) -> dict[str, float]:
    """What lme4 or the NumPy engine gives otherwise than was published."""
    assert row.lme4 is not None
    assert row.numpy is not None
    found = {f"lme4: {name}": by for name, by in row.lme4.differences(row.published).items()}
    ours = row.numpy.differences(row.published)
    return found | {f"NumPy: {name}": by for name, by in ours.items()}


def _line(row: Row) -> str:
    assert row.numpy is not None
    sides = (row.published, row.numpy)
    differing = sorted({name.partition(": ")[2] for name in _differing(row)})
    cells = [
        f"{row.model} `{row.formula}`",
        f"{row.rows:,}",
        " / ".join(f"{sum(side.random.values()):.4g}" for side in sides),
        " / ".join(f"{side.marginal:.4f}" for side in sides),
        " / ".join(f"{side.conditional:.4f}" for side in sides),
        " / ".join(f"{sum(side.icc.values()):.4f}" for side in sides),
        ", ".join(differing),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _key(factor: str) -> frozenset[str]:
    return frozenset(factor.split(":"))


def _same_factors(
    ours: Iterable[frozenset[str]], theirs: Iterable[frozenset[str]]
) -> dict[frozenset[str], frozenset[str]]:
    """Our name of a factor that they call by its last part: its levels occur within one outer."""
    alone = set(ours) - set(theirs)
    found = {key: [own for own in alone if key < own] for key in set(theirs) - set(ours)}
    return {key: own[0] for key, own in found.items() if len(own) == 1}


def _name(key: frozenset[str]) -> str:
    return ":".join(sorted(key))


def main() -> None:
    """Fit, compare and write the table."""
    from pylme.lme4.session import session

    parser = argparse.ArgumentParser(prog="python -m tests.campaign.registry")
    parser.add_argument("--seconds", type=float, default=300.0, help="for each fit by lme4")
    parser.add_argument("--folder", type=Path, help="keeps lme4's fits from one run to the next")
    parser.add_argument("--report", type=Path)
    parser.add_argument("packages", nargs="*", help="R packages; by default all that are installed")
    given = parser.parse_args()
    spec = importlib.util.find_spec("mixedbench")
    if spec is None or not spec.submodule_search_locations:
        parser.error("mixedbench is missing; install it with: make .venv/.stamp-registry")
    installed = subprocess.run(
        ["Rscript", "-e", "cat(rownames(installed.packages()))"],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    files = Path(spec.submodule_search_locations[0]) / "registry" / "files"
    listed = published(files, given.packages or installed)
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        found = compared(listed, folder, seconds=given.seconds)
    versions = session().versions
    table = markdown(
        found,
        versions=f"lme4 {versions['lme4']} on R {versions['R']}",
    )
    table = f"Registry of mixedbench {importlib.metadata.version('mixedbench')}. {table}"
    if given.report is None:
        print(table)
    else:
        given.report.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
