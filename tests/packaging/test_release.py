"""A release is refused while anything is missing; the tag is the last step, and only of a release.

What is built is stubbed here: `test_wheel.py` builds the wheel and fits a model from it.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TODAY = date.today()  # noqa: DTZ011


@pytest.fixture
def release(monkeypatch):
    place = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    monkeypatch.setattr(module, "build", lambda root, version: root / f"{version}.whl")
    monkeypatch.setattr(module, "smoke_test", lambda _wheel, _version: None)
    return module


@pytest.fixture
def project(tmp_path):
    """A repository with version 1.2.3 and a changelog that dates it today."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "pylme").mkdir()
    write(tmp_path, version="1.2.3", section=f"[1.2.3] - {TODAY}")
    return tmp_path


def git(root, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(root), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def write(root, *, version, section):
    text = f'"""The version."""\n\n__version__ = "{version}"\n'
    (root / "pylme" / "_version.py").write_text(text, encoding="utf-8")
    changelog = f"# Changelog\n\n## {section}\n\n- All.\n\n## [1.2.2] - 2020-01-01\n"
    (root / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    citation = f"title: pylme\nversion: {version}\nlicense: MIT\n"
    (root / "CITATION.cff").write_text(citation, encoding="utf-8")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "State")


@pytest.fixture(autouse=True)
def identity(monkeypatch):
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "A")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")


def test_a_release_makes_the_tag(release, project, capsys):
    assert release.main([], root=project) == 0
    assert git(project, "tag", "--list").split() == ["v1.2.3"]
    assert "git push origin main v1.2.3" in capsys.readouterr().out


def test_a_dry_run_makes_none(release, project):
    assert release.main(["--dry-run"], root=project) == 0
    assert git(project, "tag", "--list") == ""


def test_a_dry_run_may_come_before_the_date(release, project):
    write(project, version="1.2.3", section="[1.2.3] - unreleased")
    assert release.main(["--dry-run"], root=project) == 0
    assert "[1.2.3] - unreleased" in (project / "CHANGELOG.md").read_text(encoding="utf-8")


def test_a_release_sets_version_and_date(release, project):
    write(project, version="1.2.3.dev0", section="[1.2.3] - unreleased")
    assert release.main([], root=project) == 0
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "tag", "--points-at", "HEAD").split() == ["v1.2.3"]
    assert git(project, "log", "-1", "--format=%s").strip() == "Release 1.2.3"
    assert release.version_of(project, may_be_dev=False) == "1.2.3"
    assert f"## [1.2.3] - {TODAY}\n" in (project / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (project / "CITATION.cff").read_text(encoding="utf-8")
    assert citation == f"title: pylme\nversion: 1.2.3\ndate-released: {TODAY}\nlicense: MIT\n"
    assert release.main(["--check-only"], root=project) == 0


def test_a_release_that_fails_leaves_the_files_as_they_were(release, project, monkeypatch, capsys):
    write(project, version="1.2.3.dev0", section="[1.2.3] - unreleased")

    def fails(_wheel, _version):
        raise release.ReleaseError("the wheel fits nothing")

    monkeypatch.setattr(release, "smoke_test", fails)
    assert release.main([], root=project) == 1
    assert "fits nothing" in capsys.readouterr().err
    assert git(project, "status", "--porcelain") == git(project, "tag", "--list") == ""


def test_a_citation_of_another_version(release, project):
    (project / "CITATION.cff").write_text("version: 1.2.2\n", encoding="utf-8")
    with pytest.raises(release.ReleaseError, match=r"write version: 1\.2\.3"):
        release.require_citation(project, "1.2.3")


def test_a_tag_that_was_pushed_is_checked(release, project, capsys):
    assert release.main(["--check-only"], root=project) == 1
    assert "has not the tag v1.2.3" in capsys.readouterr().err
    git(project, "tag", "v1.2.3")
    assert release.main(["--check-only"], root=project) == 0


def test_changes_that_are_not_committed(release, project, capsys):
    (project / "new.txt").touch()
    assert release.main([], root=project) == 1
    assert "new.txt" in capsys.readouterr().err


def test_a_tag_that_exists(release, project, capsys):
    git(project, "tag", "v1.2.3")
    assert release.main(["--dry-run"], root=project) == 1
    assert "raise the version" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("version", "section", "said"),
    [
        ("1.2.3", "[1.3.0] - 2020-01-01", "make them agree"),
        ("1.2.3", "[1.2.3]", f"## [1.2.3] - {TODAY}"),
        ("1.2.3", "[1.2.3] - soon", "no date for 1.2.3"),
        ("1.2.3", f"[1.2.3] - {TODAY + timedelta(days=3)}", "in the future"),
        ("1.2", "[1.2] - 2020-01-01", "no version to release"),
    ],
)
def test_version_and_changelog(release, project, version, section, said):
    write(project, version=version, section=section)
    with pytest.raises(release.ReleaseError, match=re.escape(said)):
        release.require_dated(
            project, release.version_of(project, may_be_dev=False), may_be_unreleased=False
        )
    assert release.main([], root=project) == 1
    assert git(project, "tag", "--list") == ""


def test_version_and_changelog_of_this_checkout_agree(release):
    version = release.version_of(ROOT, may_be_dev=True)
    assert release.require_dated(ROOT, version, may_be_unreleased=True)
    release.require_citation(ROOT, version)
