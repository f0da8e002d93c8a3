"""The wheel: what it carries, and that a new environment outside of the checkout runs it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.tolerances import HANGS

ROOT = Path(__file__).parents[2]
FIT = """
import pylme
sleepstudy = pylme.datasets.load("sleepstudy")
fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="lme4")
print(pylme.__file__)
print(repr(fit.criterion))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = target.glob("pylme-*.whl")
    return built


def environment(home, wheel, *, without=()):
    """A new environment with the wheel in it; its dependencies are lent by the one that runs this.

    What lies in a directory named by a .pth file is importable, but .pth files in it are not
    followed: pylme itself, installed here to be edited in place, does not come along.
    """
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    lent = home / "lent"
    lent.mkdir()
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(place).iterdir():
            if not entry.name.lower().startswith(("pylme", "_pylme", *without)):
                (lent / entry.name).symlink_to(entry)
    (site,) = (home / "lib").glob("python*/site-packages")
    (site / "lent.pth").write_text(f"{lent}\n", encoding="utf-8")
    install = ["--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    return python


def run(command, directory):
    return subprocess.run(
        command, cwd=directory, capture_output=True, text=True, check=False, timeout=HANGS
    )


def test_it_carries_all_of_the_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if name.startswith("pylme/")}
    tracked = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "pylme").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert carried == tracked
    scripts = {
        *(f"lme4/r/{name}.R" for name in ("call", "extract", "fit", "system")),
        "lme4/installation/doctor.R",
    }
    assert {"pylme/py.typed", *(f"pylme/{script}" for script in scripts)} < carried
    assert sum(name.endswith(".csv.gz") for name in carried) == 11


def test_its_metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        files = {name.rsplit("/", 1)[-1]: name for name in archive.namelist()}
        metadata = message_from_bytes(archive.read(files["METADATA"]))
        entry_points = archive.read(files["entry_points.txt"]).decode()
        assert "LICENSE" in files
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Version"] == wheel.name.split("-")[1]
    rpy2 = [line for line in metadata.get_all("Requires-Dist") if line.startswith("rpy2")]
    assert rpy2
    assert all("extra == 'r'" in line for line in rpy2)
    assert "pylme = pylme.cli:main" in entry_points


@pytest.mark.needs_r
@pytest.mark.skipif(sys.platform == "win32", reason="the environment is made of links")
def test_a_model_is_fitted_from_it(wheel, tmp_path):
    home = tmp_path / "new"
    python = environment(home, wheel)
    done = run([python, "-c", FIT], tmp_path)
    assert done.returncode == 0, done.stderr
    place, criterion = done.stdout.split()
    assert Path(place).is_relative_to(home)
    assert float(criterion) == pytest.approx(1743.628271960, rel=1e-8)
    listed = run([home / "bin" / "pylme", "datasets"], tmp_path)
    assert len(listed.stdout.splitlines()) == 11, listed.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the environment is made of links")
def test_without_rpy2_it_says_what_to_do(wheel, tmp_path):
    home = tmp_path / "new"
    python = environment(home, wheel, without=("rpy2", "_rinterface"))
    catch = "import pylme\ntry:\n" + "".join(f"    {line}\n" for line in FIT.splitlines()[2:])
    catch += "except pylme.errors.RUnavailableError as error:\n    print(error)\n"
    done = run([python, "-c", catch], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "To fix it:" in done.stdout
    assert f"{python} -m pip install" in done.stdout
    doctor = run([home / "bin" / "pylme", "doctor"], tmp_path)
    assert doctor.returncode == 1
    assert "lme4 cannot be called from here." in doctor.stdout
