"""The installers, on made-up systems: what they ask apt and pip for, and what they refuse."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.tolerances import HANGS

R_SCRIPTS = Path(__file__).parents[2] / "r_scripts"
BASH = shutil.which("bash")
NEEDED = ["r-base-core", "r-base-dev", "r-cran-lme4", "libopenblas0-pthread"]
PEERS = [
    "r-cran-broom.mixed", "r-cran-car", "r-cran-emmeans", "r-cran-glmmtmb", "r-cran-insight",
    "r-cran-jsonlite", "r-cran-lmertest", "r-cran-mlmrev", "r-cran-pbkrtest",
    "r-cran-performance", "r-cran-rlrsim",
]  # fmt: skip

pytestmark = pytest.mark.skipif(BASH is None, reason="the installers are for bash")

APT_GET = """
echo "apt-get $*" >> "$SYSTEM/log"
case " $* " in *" install "*) ;; *) exit 0 ;; esac
[ -e "$SYSTEM/broken" ] && exit 100
for word in "$@"; do
  case $word in -* | install) ;; *) echo "$word" >> "$SYSTEM/installed" ;; esac
done
"""
DPKG_QUERY = """
for last in "$@"; do :; done
grep -qx "$last" "$SYSTEM/installed" && printf installed
"""


class System:
    """A directory of stand-ins for the programs of a system; nothing else is on the PATH."""

    def __init__(self, home):
        self.home = home
        self.bin = home / "bin"
        self.bin.mkdir()
        self.log = home / "log"
        self.installed = home / "installed"
        self.installed.touch()
        for name in ("cat", "dirname", "grep"):
            (self.bin / name).symlink_to(shutil.which(name))

    def program(self, name, script):
        path = self.bin / name
        path.write_text(f"#!{BASH}\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def run(self, script, *arguments):
        if self.log.exists():
            self.log.unlink()
        return subprocess.run(
            [BASH, script, *arguments],
            env={"PATH": str(self.bin), "SYSTEM": str(self.home), "PYTHON": "python"},
            capture_output=True,
            text=True,
            check=False,
            timeout=HANGS,
        )

    def logged(self):
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []


@pytest.fixture
def bare(tmp_path):
    """A system without apt and R, and with a Python that can make environments."""
    system = System(tmp_path)
    system.program("python", "exit 0")
    system.program("id", "echo 0")
    return system


@pytest.fixture
def debian(bare):
    bare.program("apt-get", APT_GET)
    bare.program("dpkg-query", DPKG_QUERY)
    return bare


def install(*packages):
    return f"apt-get -q install -y --no-install-recommends {' '.join(packages)}"


def test_what_is_missing_is_installed_once(debian):
    first = debian.run(R_SCRIPTS / "install.sh")
    assert first.returncode == 0, first.stderr
    assert debian.logged() == ["apt-get -q update", install(*NEEDED)]
    second = debian.run(R_SCRIPTS / "install.sh")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert debian.logged() == []


def test_nothing_else_is_installed(debian):
    debian.installed.write_text("r-base-core\nr-cran-lme4\n", encoding="utf-8")
    assert debian.run(R_SCRIPTS / "install.sh").returncode == 0
    assert debian.logged()[-1] == install("r-base-dev", "libopenblas0-pthread")


def test_the_tests_want_more(debian):
    assert debian.run(R_SCRIPTS / "install.sh", "--test").returncode == 0
    assert debian.logged()[-1] == install(*NEEDED, *PEERS)


def test_a_peer_that_debian_does_not_have_is_left_out(debian):
    debian.program("apt-cache", '[ "$2" = r-cran-performance ] || echo "$2 | 1.0 | a mirror"')
    assert debian.run(R_SCRIPTS / "install.sh", "--test").returncode == 0
    there = [peer for peer in PEERS if peer != "r-cran-performance"]
    assert debian.logged()[-1] == install(*NEEDED, *there)
    assert debian.run(R_SCRIPTS / "install.sh", "--test").returncode == 0
    assert debian.logged() == []


def test_a_python_without_environments_and_headers(debian):
    debian.program("python", "exit 1")
    assert debian.run(R_SCRIPTS / "install.sh").returncode == 0
    assert debian.logged()[-1] == install(*NEEDED, "python3-venv", "python3-dev")


def test_a_python_without_headers(debian):
    debian.program("python", "[[ $* != *Python.h* ]]")
    assert debian.run(R_SCRIPTS / "install.sh").returncode == 0
    assert debian.logged()[-1] == install(*NEEDED, "python3-dev")


def test_an_r_from_elsewhere_is_left_alone(debian):
    debian.program("Rscript", "exit 0")
    assert debian.run(R_SCRIPTS / "install.sh", "--test").returncode == 0
    assert debian.logged() == []


def test_sudo_is_used_where_one_is_not_root(debian):
    debian.program("id", "echo 1000")
    refused = debian.run(R_SCRIPTS / "install.sh")
    assert refused.returncode == 1
    assert "run this as root: apt-get install -y" in refused.stderr
    assert debian.logged() == []
    debian.program("sudo", 'echo "sudo $*" >> "$SYSTEM/log"; exec "$@"')
    assert debian.run(R_SCRIPTS / "install.sh").returncode == 0
    assert "sudo apt-get -q update" in debian.logged()


def test_a_failure_of_apt_is_a_failure(debian):
    (debian.home / "broken").touch()
    failed = debian.run(R_SCRIPTS / "install.sh")
    assert failed.returncode == 1
    assert "could not install r-base-core" in failed.stderr


def test_another_system_is_told_its_commands(bare):
    stopped = bare.run(R_SCRIPTS / "install.sh")
    assert stopped.returncode == 1
    for command in ("apt-get install", "dnf install", "brew install", "conda install", "winget"):
        assert command in stopped.stderr
    assert stopped.stderr.rstrip().endswith("install.sh: R with lme4 is missing")
    bare.program("Rscript", "exit 0")
    assert bare.run(R_SCRIPTS / "install.sh").returncode == 0


def test_an_unknown_argument_is_refused(debian):
    refused = debian.run(R_SCRIPTS / "install.sh", "--tests")
    assert refused.returncode == 1
    assert "--test" in refused.stderr
    assert debian.logged() == []


def with_venv(system, r_version):
    """The Python installer beside an environment whose pip tells what it is given."""
    script = system.home / "r_scripts" / "install_python.sh"
    script.parent.mkdir()
    shutil.copy(R_SCRIPTS / "install_python.sh", script)
    (system.home / ".venv" / "bin").mkdir(parents=True)
    system.program("Rscript", f"printf %s '{r_version}'")
    ours = system.home / ".venv" / "bin" / "python"
    ours.write_text(f'#!{BASH}\n[ "$1" = -c ] || echo "$*" >> "$SYSTEM/log"\n', encoding="utf-8")
    ours.chmod(0o755)
    return script


@pytest.mark.parametrize(
    ("r_version", "release"),
    [
        ("4.2.0", "rpy2-rinterface<3.6.6"),
        ("4.4.3", "rpy2-rinterface<3.6.6"),
        ("4.5.0", "rpy2-rinterface>=3.6"),
        ("4.10.1", "rpy2-rinterface>=3.6"),
        ("5.0.0", "rpy2-rinterface>=3.6"),
    ],
)
def test_the_rpy2_that_fits_the_r(bare, r_version, release):
    done = bare.run(with_venv(bare, r_version), "test", "docs")
    assert done.returncode == 0, done.stderr
    assert bare.logged() == [
        f"-m pip install --quiet --editable .[r,plot] {release} --group test --group docs"
    ]


@pytest.mark.parametrize("r_version", ["4.1.3", "3.6.2"])
def test_an_old_r_is_refused(bare, r_version):
    refused = bare.run(with_venv(bare, r_version))
    assert refused.returncode == 1
    assert f"R {r_version} is too old" in refused.stderr
    assert bare.logged() == []


def test_an_old_python_is_refused(bare):
    script = with_venv(bare, "4.5.0")
    bare.program("python", "exit 1")
    refused = bare.run(script)
    assert refused.returncode == 1
    assert "needs Python 3.11 or newer" in refused.stderr
    assert bare.logged() == []
