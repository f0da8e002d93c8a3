"""The files of the project that other services read: they agree with the package."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

import pylme

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RECIPE = (ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8")
#: What conda-forge calls differently.
IN_CONDA = {"duckdb": "python-duckdb", "matplotlib": "matplotlib-base", "rpy2-rinterface": "rpy2"}


def lower_bounds(lines):
    """The lowest version by name, of requirements such as ``numpy>=1.26`` or ``numpy >=1.26``."""
    found = (re.fullmatch(r"([\w.-]+) *(?:>=([\d.]+))?", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def test_the_recipe_asks_for_what_the_package_asks_for():
    run = RECIPE.split("  run:\n")[1].split("\n\n")[0]
    in_recipe = lower_bounds(line.removeprefix("    - ") for line in run.splitlines())
    project = PROJECT["project"]
    asked = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        asked += extra
    expected = {IN_CONDA.get(name, name): low for name, low in lower_bounds(asked).items()}
    expected["python"] = project["requires-python"].removeprefix(">=")
    assert {name: in_recipe.get(name) for name in expected} == expected
    assert set(in_recipe) - set(expected) == {"r-base", "r-lme4"}


def test_the_recipe_names_the_entry_point():
    for name, target in PROJECT["project"]["scripts"].items():
        assert f"- {name} = {target}\n" in RECIPE


def test_the_development_container_is_json():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    assert "make setup" in json.loads(text)["postCreateCommand"]


def test_the_pythons_of_the_classifiers():
    minors = [
        int(line.rsplit(".", 1)[1])
        for line in PROJECT["project"]["classifiers"]
        if line.startswith("Programming Language :: Python :: 3.")
    ]
    assert minors == list(range(11, 15))
    assert PROJECT["project"]["requires-python"] == f">=3.{minors[0]}"


@pytest.mark.parametrize(
    "name",
    sorted(
        path.name
        for path in Path(pylme.__file__).parent.iterdir()
        if path.is_dir() and (path / "__init__.py").exists()
    ),
)
def test_a_room_is_on_the_page_of_the_architecture(name):
    page = (ROOT / "docs" / "development" / "architecture.md").read_text(encoding="utf-8")
    assert f"| `{name}` |" in page


@pytest.mark.parametrize(
    "name", ["CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "README.md"]
)
def test_the_links_of_a_page_lead_somewhere(name):
    page = (ROOT / name).read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)#]+)", page) if not t.startswith("http")]
    assert targets or name == "CODE_OF_CONDUCT.md"
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/development/architecture.md"])
def test_the_files_that_a_page_names_exist(name):
    page = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:pylme|tests|docs|r_scripts|conda|\.github)/[\w./-]+)`", page))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_what_is_tested_with_the_lowest_versions_exists():
    script = (ROOT / ".ci" / "lowest.sh").read_text(encoding="utf-8")
    rooms = re.findall(r"tests/[\w./]+", script.split("rooms=(")[1].split("\n)")[0])
    assert len(rooms) > 10
    assert [room for room in rooms if not (ROOT / room).exists()] == []
