"""Make a release: ``python .ci/release.py [--dry-run | --check-only]``.

What must hold is looked at first: a clean tree, a version that the changelog describes and that no
tag has. A version under development, as 1.2.3.dev0, becomes 1.2.3, and is dated today in the
changelog and in ``CITATION.cff``. Then wheel and source distribution are built into ``dist/``,
their descriptions are checked, and a model is fitted by the wheel in a new environment. The last
steps are the commit of version and date, and the tag; where anything fails before, the files are as
they were. ``--dry-run`` changes no file and makes no tag; ``--check-only``, for the workflow that
the tag starts, expects the tag to be there.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from datetime import date
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
#: The files that say which version this is.
DATED: Final = ("pylme/_version.py", "CHANGELOG.md", "CITATION.cff")
FIT: Final = """
import pylme
fit = pylme.lmer(
    "Reaction ~ Days + (Days | Subject)", pylme.datasets.load("sleepstudy"), engine="numpy"
)
assert abs(fit.criterion - 1743.628271960) < 1e-4, fit.criterion
print(pylme.__version__)
"""


class ReleaseError(Exception):
    """What stands in the way of a release, and what to do."""


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Carry out the command line and give its exit status."""
    parser = argparse.ArgumentParser(prog="release.py", description=(__doc__ or "").split("\n")[0])
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="everything but the tag")
    how.add_argument("--check-only", action="store_true", help="for a tag that is there")
    chosen = parser.parse_args(arguments)
    try:
        require_clean(root)
        if chosen.dry_run or chosen.check_only:
            checked(root, dry=chosen.dry_run)
            print("Everything holds; no tag was made.")
        else:
            version = released(root)
            print(f"Made the tag v{version}. To publish: git push origin main v{version}")
    except ReleaseError as error:
        print(f"release.py: {error}", file=sys.stderr)
        return 1
    return 0


def released(root: Path) -> str:
    """Set version and date, check everything, commit, and make the tag; the version."""
    before = {name: (root / name).read_text(encoding="utf-8") for name in DATED}
    try:
        set_version_and_date(root)
        version = checked(root, dry=False, tagged=False)
    except BaseException:
        for name, text in before.items():
            (root / name).write_text(text, encoding="utf-8")
        raise
    if _git(root, "status", "--porcelain", "--untracked-files=no"):
        _git(root, "commit", "--quiet", "--message", f"Release {version}", "--", *DATED)
    tag(root, version)
    return version


def set_version_and_date(root: Path) -> None:
    """Take ``.dev0`` from the version, and write version and today's date where they stand."""
    version = version_of(root, may_be_dev=True).removesuffix(".dev0")
    today = date.today().isoformat()  # noqa: DTZ011
    _replace(root / "pylme/_version.py", r'^(__version__ = )".*"$', rf'\1"{version}"')
    section = rf"^## \[{re.escape(version)}\] - unreleased$"
    _replace(root / "CHANGELOG.md", section, f"## [{version}] - {today}")
    _replace(root / "CITATION.cff", r"^date-released: .*\n", "")
    _replace(root / "CITATION.cff", r"^version: .*$", f"version: {version}\ndate-released: {today}")


def _replace(file: Path, pattern: str, by: str) -> None:
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(pattern, by, text, count=1, flags=re.MULTILINE), encoding="utf-8")


def checked(root: Path, *, dry: bool, tagged: bool = True) -> str:
    """Require all that a release needs, build it and try it; the version.

    Parameters
    ----------
    root : Path
    dry : bool
        Whether the version may be one under development, without a date.
    tagged : bool
        Whether the tag must be there, unless it is a dry run.
    """
    version = version_of(root, may_be_dev=dry)
    dated = require_dated(root, version, may_be_unreleased=dry)
    require_citation(root, version)
    require_tag(root, version, there=tagged and not dry)
    print(f"pylme {version}, {dated}", flush=True)
    smoke_test(build(root, version), version)
    return version


def version_of(root: Path, *, may_be_dev: bool) -> str:
    """The version in ``pylme/_version.py``: three numbers, perhaps of a pre-release.

    Between releases it is that of the next one, with ``.dev0``.
    """
    text = (root / "pylme" / "_version.py").read_text(encoding="utf-8")
    form = r'^__version__ = "(\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?(\.dev0)?)"$'
    found = re.search(form, text, re.MULTILINE)
    if found is None or (found[2] and not may_be_dev):
        raise ReleaseError("pylme/_version.py has no version to release, such as 1.2.3 or 1.2.3rc1")
    return found[1]


def require_clean(root: Path) -> None:
    """Refuse changes that are not committed: they would be in the wheel, and not in the tag."""
    changed = _git(root, "status", "--porcelain")
    if changed:
        raise ReleaseError(f"commit or discard these changes first:\n{changed}")


def require_dated(root: Path, version: str, *, may_be_unreleased: bool) -> str:
    """The date that the changelog gives the version, which must not lie in the future."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[([^\]]+)\](?: - (\S+))?$", text, re.MULTILINE)
    version = version.removesuffix(".dev0")
    if not sections or sections[0][0] != version:
        newest = sections[0][0] if sections else "none"
        raise ReleaseError(
            f"the first section of CHANGELOG.md is {newest}, and pylme/_version.py has {version}: "
            "make them agree"
        )
    given = sections[0][1]
    if may_be_unreleased and given == "unreleased":
        return given
    try:
        dated = date.fromisoformat(given)
    except ValueError:
        raise ReleaseError(
            f"CHANGELOG.md has no date for {version}: write ## [{version}] - {date.today()}"  # noqa: DTZ011
        ) from None
    if dated > date.today():  # noqa: DTZ011
        raise ReleaseError(f"CHANGELOG.md dates {version} in the future: {dated}")
    return given


def require_citation(root: Path, version: str) -> None:
    """Refuse a version that ``CITATION.cff`` does not name."""
    text = (root / "CITATION.cff").read_text(encoding="utf-8")
    if f"version: {version}" not in text.splitlines():
        raise ReleaseError(f"CITATION.cff does not name the version: write version: {version}")


def require_tag(root: Path, version: str, *, there: bool) -> None:
    """Refuse a version that was released; or, where the tag was pushed, a commit that lacks it."""
    tags = _git(root, "tag", "--points-at", "HEAD") if there else _git(root, "tag", "--list")
    tagged = f"v{version}" in tags.splitlines()
    if there and not tagged:
        raise ReleaseError(f"this commit has not the tag v{version}")
    if tagged and not there:
        raise ReleaseError(f"the tag v{version} exists: raise the version")


def build(root: Path, version: str) -> Path:
    """Wheel and source distribution in ``dist/``, their descriptions checked."""
    dist = root / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(root))
    made = sorted(path.name for path in dist.iterdir())
    expected = [f"pylme-{version}-py3-none-any.whl", f"pylme-{version}.tar.gz"]
    if made != expected:
        raise ReleaseError(f"the build made {made} instead of {expected}")
    files = [str(dist / name) for name in made]
    _run(sys.executable, "-m", "twine", "check", "--strict", *files)
    return dist / expected[0]


def smoke_test(wheel: Path, version: str) -> None:
    """Fit a model by the wheel alone, in an environment that has nothing else."""
    with tempfile.TemporaryDirectory() as home:
        venv.create(home, with_pip=True)
        folder = "Scripts" if sys.platform == "win32" else "bin"
        python = str(Path(home) / folder / "python")
        _run(python, "-m", "pip", "install", "--quiet", str(wheel))
        printed = _run(python, "-c", FIT, cwd=Path(home))
        if printed.split() != [version]:
            raise ReleaseError(f"the wheel says that it is {printed.strip()}")
        _run(str(Path(home) / folder / "pylme"), "datasets", cwd=Path(home))


def tag(root: Path, version: str) -> None:
    """Make the annotated tag."""
    _git(root, "tag", "--annotate", f"v{version}", "--message", f"pylme {version}")


def _git(root: Path, *arguments: str) -> str:
    return _run("git", "-C", str(root), *arguments).rstrip("\n")


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ReleaseError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
