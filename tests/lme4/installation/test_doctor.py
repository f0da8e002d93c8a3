"""The doctor, on made-up installations of R and on the one that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pylme.installed_r import find_r, version_tuple
from pylme.lme4.installation import checks, installed, remedies
from pylme.lme4.installation.availability import why_unavailable
from pylme.lme4.installation.checks import (
    PROBED_PACKAGES,
    ProbeError,
    ask_r,
    bridge_checks,
    native_checks,
)
from pylme.lme4.installation.diagnosis import Diagnosis, InstallationCheck
from pylme.lme4.installation.doctor import doctor, show_versions
from pylme.lme4.installation.installed import rinterface_fits, rinterface_requirement

HEALTHY = {
    "version": "4.2.2",
    "blas": "/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3",
    "lapack": "/usr/lib/x86_64-linux-gnu/openblas-pthread/liblapack.so.3 (LAPACK 3.9.0)",
    "criterion": "319.654276842",
    **dict.fromkeys(PROBED_PACKAGES, "1.0"),
}


def by_name(found):
    return {check.name: check for check in found}


def blamed(diagnosis):
    return {check.name for check in diagnosis.checks if check.ok is False}


@pytest.fixture
def fake_r(tmp_path, monkeypatch):
    """A function that makes an R of some version the one to be found, its Rscript a script."""

    def make(version="4.2.2", script="exit 0"):
        base = tmp_path / "library" / "base"
        base.mkdir(parents=True)
        (base / "DESCRIPTION").write_text(f"Package: base\nVersion: {version}\n", encoding="utf-8")
        rscript = tmp_path / "bin" / "Rscript"
        rscript.parent.mkdir()
        rscript.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        rscript.chmod(0o755)
        monkeypatch.setenv("R_HOME", str(tmp_path))
        return find_r()

    return make


@pytest.fixture
def no_r(tmp_path, monkeypatch):
    monkeypatch.delenv("R_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def rinterface(monkeypatch):
    """A function that pretends some release of rpy2-rinterface."""

    def pretend(version):
        def package_version(name):
            return version if name == "rpy2-rinterface" else "1.0"

        for module in ("checks", "availability"):
            monkeypatch.setattr(
                f"pylme.lme4.installation.{module}.package_version", package_version
            )

    return pretend


def test_no_r(no_r):
    diagnosis = doctor()
    assert not diagnosis.ok
    assert "R" in blamed(diagnosis)
    assert remedies.install_r(remedies.system()) in str(diagnosis).replace("    ", "")
    message = str(why_unavailable())
    assert "R was not found" in message
    for line in remedies.install_r(remedies.system()).splitlines():
        assert line in message


def test_r_home_that_leads_nowhere(monkeypatch, tmp_path):
    monkeypatch.setenv("R_HOME", str(tmp_path / "nowhere"))
    diagnosis = doctor()
    assert by_name(diagnosis.checks)["R"].remedy == "unset R_HOME"
    assert "nowhere, where R_HOME points" in str(why_unavailable())
    assert show_versions().to_dict()["R"].startswith("does not run")


def test_an_old_r(fake_r):
    fake_r("4.1.3")
    assert "older than 4.2" in by_name(doctor().checks)["R"].found
    assert "4.1.3 is too old" in str(why_unavailable())


def test_an_r_that_hangs_is_given_up(fake_r, rinterface):
    fake_r(script="exec sleep 60")
    rinterface("3.6.5")
    start = time.monotonic()
    diagnosis = doctor(timeout=2)
    assert time.monotonic() - start < 10
    assert "no answer within 2 s" in by_name(diagnosis.checks)["R runs"].found


def test_an_r_that_fails_is_quoted(fake_r):
    r = fake_r(script="echo 'libblas.so.3: cannot open' >&2; exit 1")
    with pytest.raises(ProbeError, match=r"libblas\.so\.3: cannot open"):
        ask_r(r, fit=False, timeout=5)


def test_what_a_profile_prints_is_passed_over(fake_r):
    r = fake_r(script="printf 'Welcome\\tto R\\npylme\\tversion\\t4.2.2\\nBye\\n'")
    assert ask_r(r, fit=False, timeout=5) == {"version": "4.2.2"}


@pytest.mark.parametrize("r", ["4.2.2", "4.4.3", "4.5.0", "4.10.1", "5.0.0"])
@pytest.mark.parametrize("release", ["3.6.0", "3.6.5", "3.6.6", "3.6.7", "3.7.0", "3.10.0"])
def test_the_release_asked_for_is_one_that_fits(r, release):
    requirement = SpecifierSet(rinterface_requirement(r).removeprefix("rpy2-rinterface"))
    assert rinterface_fits(release, r) is (Version(release) in requirement)
    old_enough = release in ("3.6.0", "3.6.5")
    assert rinterface_fits(release, r) is (old_enough or r in ("4.5.0", "4.10.1", "5.0.0"))


def test_a_release_of_rpy2_that_does_not_fit(fake_r, rinterface):
    r = fake_r("4.3.1")
    rinterface("3.6.7")
    (check,) = bridge_checks(r, ProbeError("undefined symbol: R_getVar"))
    assert check.ok is False
    assert "3.6.7" in check.found
    assert "4.3.1" in check.found
    assert check.remedy == f'{sys.executable} -m pip install "rpy2-rinterface<3.6.6"'
    message = str(why_unavailable(OSError("undefined symbol: R_getVar")))
    assert check.remedy in message
    assert "rpy2-rinterface 3.6.7 needs R 4.5 or newer, and this is R 4.3.1" in message


def test_no_rpy2(fake_r, rinterface):
    r = fake_r("4.5.1")
    rinterface(None)
    (check,) = bridge_checks(r, ProbeError("No module named 'rpy2'"))
    assert (check.ok, check.found) == (False, "not installed")
    assert '"rpy2-rinterface>=3.6"' in check.remedy
    assert "rpy2-rinterface is not" in str(why_unavailable())


def test_rpy2_that_breaks_though_it_fits(fake_r, rinterface):
    r = fake_r("4.5.1")
    rinterface("3.6.7")
    release, started = bridge_checks(r, ProbeError("libR.so: cannot open shared object file"))
    assert release.ok
    assert "libR.so" in started.found
    assert "--force-reinstall" in started.remedy
    message = str(why_unavailable(OSError("libR.so: cannot open shared object file")))
    assert "R could not be started" in message
    assert "libR.so" in message
    assert "pylme doctor" in message


def test_another_r_than_the_one_found_is_noted(fake_r, rinterface):
    r = fake_r("4.5.1")
    rinterface("3.6.7")
    assert [check.ok for check in bridge_checks(r, {"version": "4.5.1"})] == [True, True]
    assert [check.ok for check in bridge_checks(r, {"version": "4.4.0"})] == [True, None]


def test_a_healthy_r():
    assert {check.ok for check in native_checks(HEALTHY)} == {True}


@pytest.mark.parametrize(
    ("change", "name", "said", "remedy"),
    [
        ({"lme4": ""}, "lme4", "not installed", "lme4"),
        ({"nloptr": ""}, "nloptr", "not installed", "install.packages('nloptr'"),
        ({"criterion": "320.1"}, "a fit with lmer", "is published", "install.packages('lme4'"),
    ],
)
def test_what_r_lacks(change, name, said, remedy):
    check = by_name(native_checks(HEALTHY | change))[name]
    assert check.ok is False
    assert said in check.found
    assert remedy in check.remedy


def test_lme4_compiled_for_another_matrix():
    told = {k: v for k, v in HEALTHY.items() if k != "criterion"}
    told["failure"] = "function 'cholmod_factor_ldetA' not provided by package 'Matrix'"
    check = by_name(native_checks(told))["a fit with lmer"]
    assert (check.ok, check.found) == (False, told["failure"])
    assert "type='source'" in check.remedy


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0",
        "/usr/lib/R/lib/libRblas.so",
        "/Library/Frameworks/R.framework/Versions/4.5/Resources/lib/libRblas.0.dylib",
    ],
)
def test_the_reference_blas_is_pointed_out_but_no_fault(path, monkeypatch):
    monkeypatch.setattr(checks, "system", lambda: "apt")
    check = by_name(native_checks(HEALTHY | {"blas": path}))["BLAS"]
    assert check.ok is None
    assert "slow reference BLAS" in check.found
    assert "libopenblas0-pthread" in check.remedy


@pytest.mark.skipif(shutil.which("bash") is None, reason="the remedies are tried in bash")
@pytest.mark.parametrize("on", ["apt", "dnf", "brew", "conda"])
def test_remedies_reach_the_programs_whole(on):
    programs = "apt-get dnf brew conda Rscript python"
    shown = "".join(f'{name}() {{ printf "%s\\n" {name} "$@"; }}; ' for name in programs.split())
    commands = f"{remedies.install_r(on)}\n{remedies.install_lme4(on)}"
    said = subprocess.run(
        ["bash", "-c", f'sudo() {{ "$@"; }}; {shown}\n{commands}'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = said.splitlines()
    if on in ("dnf", "brew"):
        assert "install.packages('lme4', repos='https://cloud.r-project.org')" in lines
    else:
        assert {"apt": "r-cran-lme4", "conda": "r-lme4"}[on] in lines


def test_a_remedy_is_said_once_for_all_that_it_mends():
    same = [
        InstallationCheck(name=n, found="x", ok=False, remedy="mend it") for n in ("one", "two")
    ]
    page = str(Diagnosis(checks=tuple(same)))
    assert page.count("mend it") == 1
    assert "To fix one, two:" in page


def test_nothing_is_started_in_this_process():
    code = (
        "import sys; from pylme.lme4.installation.doctor import doctor; doctor(timeout=30); "
        "print(sorted(n for n in sys.modules if n.split('.')[0] in ('rpy2', 'pandas', 'scipy')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.needs_r
def test_the_r_that_is_here():
    r = find_r()
    home = Path(os.environ.get("R_HOME") or shutil.which("R"))
    if r.found_by == "PATH":
        out = subprocess.run([home, "RHOME"], capture_output=True, text=True, check=True).stdout
        home = Path(out.strip())
    assert r.home == home
    code = (
        'for (p in c("lme4", "Matrix", "nlme", "minqa", "nloptr"))'
        " cat(packageDescription(p)$Version, '\\n');"
        " cat(as.character(getRversion()), '\\n'); cat(normalizePath(sessionInfo()$BLAS), '\\n')"
    )
    said = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=True)
    diagnosis = doctor()
    assert diagnosis.ok, str(diagnosis)
    assert all(check.ok is not None or check.name == "BLAS" for check in diagnosis.checks)
    found = by_name(diagnosis.checks)
    versions = show_versions().to_dict()
    names = [*PROBED_PACKAGES, "R", "BLAS"]
    for name, version in zip(names, said.stdout.split(), strict=True):
        assert found[name].found.startswith(version)
        assert versions[name] == version
    assert version_tuple(installed.package_version("rpy2-rinterface")) >= (3, 6)


@pytest.mark.needs_r
def test_lme4_that_cannot_be_loaded_is_named():
    message = str(why_unavailable(RuntimeError("there is no package called 'lme4'")))
    assert "lme4 could not be loaded" in message
    assert remedies.install_lme4(remedies.system()) in message
