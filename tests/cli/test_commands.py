"""The command line: what it prints, where, and its status."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import psutil
import pytest

import pylme
from pylme import datasets
from pylme.cli import app as cli
from pylme.cli.app import run
from pylme.cli.commands.demo import _next_steps
from pylme.errors import RUnavailableError
from pylme.lme4 import engine as lme4
from pylme.results import engine as engines
from tests.tolerances import HANGS

SLEEP = "Reaction ~ Days + (Days | Subject)"
NO_R = RUnavailableError(asked="Calling R's lme4", found="there is no R", remedy="Install R.")
MAIN = "from pylme.cli import main; main()"


@pytest.fixture
def sleep_csv(tmp_path):
    path = tmp_path / "sleep.csv"
    datasets.load("sleepstudy").to_csv(path, index=False)
    return str(path)


def command(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.strip() == pylme.__version__


def test_datasets_are_listed(capsys):
    assert run(["datasets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(datasets.names())


def test_a_data_set_is_described(capsys):
    assert run(["datasets", "cbpp"]) == 0
    assert capsys.readouterr().out.rstrip("\n") == str(datasets.describe("cbpp"))


@pytest.mark.parametrize("name", ["fit", "check", "explain"])
def test_formula_and_data_in_the_wrong_order(name, capsys):
    assert run([name, SLEEP, "sleepstudy"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "the data first, then the formula" in err


def test_the_arguments_of_explain_are_named(capsys):
    assert run(["explain", "--help"]) == 0
    assert "[DATA] FORMULA" in capsys.readouterr().out


def test_warnings_of_the_demo_have_no_line_of_source(monkeypatch, capsys):
    monkeypatch.setenv("PYLME_ENGINE", "auto")
    monkeypatch.setattr(lme4, "unavailable", lambda: NO_R)
    monkeypatch.setattr(engines, "_noticed", set())
    assert run(["demo"]) == 0
    err = capsys.readouterr().err
    assert err.startswith("Warning: lme4 is not used: there is no R")
    assert "EngineWarning" not in err


def test_our_errors_are_messages(capsys):
    assert run(["datasets", "cbp"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Did you mean 'cbpp'" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (None, None, (1, "there is no file")),
        ("data.xls", b"", (2, "ends in .csv, .tsv or .parquet")),
        ("data.csv", b"", (1, "cannot be read")),
        ("data.parquet", b"no parquet", (1, "cannot be read")),
    ],
)
def test_data_that_cannot_be_read(name, content, expected, tmp_path, capsys):
    status, said = expected
    path = tmp_path / (name or "nothing.csv")
    if content is not None:
        path.write_bytes(content)
    assert run(["fit", str(path), SLEEP]) == status
    assert said in capsys.readouterr().err


def test_a_reader_that_has_gone_is_no_error():
    with command("datasets", "hsb") as process:
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.parametrize(("ok", "status"), [(True, 0), (False, 1)])
def test_the_doctors_verdict_is_the_status(ok, status, monkeypatch, capsys):
    from pylme.lme4.installation.diagnosis import Diagnosis, InstallationCheck

    found = Diagnosis(checks=(InstallationCheck(name="R", found="somewhere", ok=ok),))
    monkeypatch.setattr("pylme.lme4.installation.doctor.doctor", lambda: found)
    assert run(["doctor"]) == status
    assert capsys.readouterr().out.rstrip("\n") == str(found)


def test_help_needs_no_pandas():
    code = (
        "import sys; from pylme.cli.app import run; run(['fit', '--help']); "
        "print([name for name in ('pandas', 'rpy2', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


class TestExplain:
    FORMULA = "math ~ ses*sector + (ses:sector | sch.id)"

    def test_it_prints_the_explanation(self, capsys):
        assert run(["explain", "hsb", self.FORMULA]) == 0
        expected = str(pylme.explain(self.FORMULA, datasets.load("hsb")))
        assert capsys.readouterr().out.rstrip("\n") == expected

    def test_data_may_be_a_file_or_missing(self, sleep_csv, capsys):
        assert run(["explain", sleep_csv, SLEEP]) == 0
        assert "the data identify all" in capsys.readouterr().out
        assert run(["explain", SLEEP]) == 0
        assert "Without data" in capsys.readouterr().out

    def test_json(self, capsys):
        assert run(["explain", "hsb", self.FORMULA, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["n_parameters"], found["rank"]) == (6, 5)
        assert found == pylme.explain(self.FORMULA, datasets.load("hsb")).to_dict()

    def test_latex(self, capsys):
        assert run(["explain", SLEEP, "--latex"]) == 0
        assert capsys.readouterr().out.rstrip("\n") == pylme.explain(SLEEP).to_latex()

    def test_one_form_at_a_time(self, capsys):
        assert run(["explain", SLEEP, "--latex", "--json"]) == 2
        assert "without --json" in capsys.readouterr().err

    @pytest.mark.parametrize("arguments", [[], ["hsb", "y ~ x", "more"]])
    def test_it_takes_a_formula_or_data_and_a_formula(self, arguments, capsys):
        assert run(["explain", *arguments]) == 2
        assert "a formula, or data and a formula" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["fitt"],
        ["fit", "sleepstudy"],
        ["fit", "sleepstudy", SLEEP, "--mll"],
        ["fit", "sleepstudy", SLEEP, "--engine", "lme5"],
        ["study", "sector-correlation", "--n", "many"],
    ],
)
def test_a_wrong_command_line_has_the_status_2(arguments, capsys):
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err


@pytest.mark.needs_r
class TestFit:
    def test_it_prints_the_summary_and_the_convergence(self, sleep_csv, capsys):
        assert run(["fit", sleep_csv, SLEEP]) == 0
        out, err = capsys.readouterr()
        fit = pylme.lmer(SLEEP, datasets.load("sleepstudy"))
        assert out.startswith(str(fit.summary()).rstrip())
        assert out.rstrip().endswith(fit.convergence.explain())
        assert err == ""

    @pytest.mark.parametrize(
        ("options", "criterion"),
        [
            ([], 1743.628271960),
            (["--ml"], 1751.939344464),
            (["--engine", "numpy"], 1743.628271960),
        ],
    )
    def test_json(self, options, criterion, sleep_csv, capsys):
        assert run(["fit", sleep_csv, SLEEP, "--json", *options]) == 0
        out = capsys.readouterr().out
        json.loads(out)
        assert pylme.from_json(out).criterion == pytest.approx(criterion, rel=1e-8)

    @pytest.mark.parametrize("ending", ["parquet", "tsv", "csv.gz"])
    def test_other_files(self, ending, tmp_path, capsys):
        path = tmp_path / f"sleep.{ending}"
        data = datasets.load("sleepstudy")
        if ending == "parquet":
            data.to_parquet(path)
        else:
            data.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
        assert run(["fit", str(path), SLEEP, "--json"]) == 0
        fit = pylme.from_json(capsys.readouterr().out)
        assert fit.criterion == pytest.approx(1743.628271960, rel=1e-8)

    def test_a_data_set_by_name_a_family_and_weights(self, tmp_path, capsys):
        named = ["fit", "cbpp", "cbind(incidence, size - incidence) ~ period + (1 | herd)"]
        assert run([*named, "--family", "binomial", "--json"]) == 0
        counts = pylme.from_json(capsys.readouterr().out)
        path = tmp_path / "cbpp.csv"
        data = datasets.load("cbpp")
        data.assign(p=data["incidence"] / data["size"]).to_csv(path, index=False)
        # period is a number in the file: factor() makes the same model of it.
        proportions = ["fit", str(path), "p ~ factor(period) + (1 | herd)", "--weights", "size"]
        assert run([*proportions, "--family", "binomial", "--json"]) == 0
        same = pylme.from_json(capsys.readouterr().out)
        assert same.fixef.tolist() == pytest.approx(counts.fixef.tolist(), abs=1e-4)

    def test_a_page_for_a_browser(self, sleep_csv, tmp_path, capsys):
        page = tmp_path / "fit.html"
        assert run(["fit", sleep_csv, SLEEP, "--output", str(page)]) == 0
        assert capsys.readouterr().out == ""
        text = page.read_text(encoding="utf-8")
        assert text.startswith("<!doctype html>")
        assert "10.467" in text
        assert "Converged" in text

    def test_warnings_go_to_the_error_stream(self, capsys):
        assert run(["fit", "dyestuff2", "Yield ~ 1 + (1 | Batch)"]) == 0
        out, err = capsys.readouterr()
        assert err.startswith("Warning: boundary (singular) fit")
        assert "Singular" in out

    @pytest.mark.parametrize(
        ("arguments", "said", "status"),
        [
            (["Reaction ~ Dayz + (1 | Subject)"], "'Days'", 1),
            (["Reaction ~ Days + (1 | Subject"], "^", 1),
            ([SLEEP, "--weights", "none"], "'none'", 1),
            ([SLEEP, "--ml", "--family", "poisson"], "--ml", 2),
        ],
    )
    def test_what_cannot_be_fitted(self, arguments, said, status, capsys):
        assert run(["fit", "sleepstudy", *arguments]) == status
        out, err = capsys.readouterr()
        assert out == ""
        assert said in err
        assert "Traceback" not in err

    @pytest.mark.skipif(sys.platform == "win32", reason="sends the signal of Ctrl-C")
    def test_ctrl_c(self):
        formula = "y ~ service + (1 | s) + (1 | d) + (1 | dept)"
        with command("fit", "insteval", formula) as process:
            # By then R is at work, however slow the machine: getting there takes about 2.5 s of
            # the processor, the fit another 15 s.
            while psutil.Process(process.pid).cpu_times().user < 4:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=HANGS)
        assert process.returncode == 130
        assert (out, err.strip()) == ("", "Interrupted.")


@pytest.mark.needs_r
class TestCheck:
    def test_it_prints_the_report_and_the_explanation(self, sleep_csv, capsys):
        assert run(["check", sleep_csv, SLEEP]) == 0
        out, err = capsys.readouterr()
        check = pylme.lmer(SLEEP, datasets.load("sleepstudy")).cross_check()
        assert out.startswith(str(check))
        assert check.explain() in out
        assert err == ""

    def test_a_fit_that_stopped_short_has_the_status_3(self, tmp_path, capsys):
        path = tmp_path / "years.parquet"
        data = datasets.load("sleepstudy")
        data.assign(year=data["Days"] + 2000.0).to_parquet(path)
        assert run(["check", str(path), "Reaction ~ year + (year | Subject)", "--json"]) == 3
        out, err = capsys.readouterr()
        read = json.loads(out)
        assert (read["verdict"], read["ok"]) == ("STOPPED_SHORT", False)
        assert read["excess"] == pytest.approx(42.8, abs=0.1)
        # The verdict speaks of what lme4 warned of.
        assert err == ""

    @pytest.mark.parametrize(
        ("arguments", "verdict", "status"),
        [
            (["dyestuff2", "Yield ~ 1 + (1 | Batch)"], "SINGULAR_CERTIFIED", 0),
            (["dyestuff", "Yield ~ 1 + (1 | Batch)", "--ml"], "AGREES", 0),
            (["sleepstudy", SLEEP, "--weights", "Reaction"], "STOPPED_SHORT", 3),
            (["dyestuff", "Yield ~ 1 + (1 | Batch)", "--weights", "Yield"], "AGREES", 0),
            (["sleepstudy", SLEEP, "--engine", "numpy"], "AGREES", 0),
            (["hsb", "math ~ ses*sector + (ses:sector | sch.id)"], "NOT_IDENTIFIED", 3),
        ],
    )
    def test_the_status_is_the_verdicts(self, arguments, verdict, status, capsys):
        assert run(["check", *arguments]) == status
        assert f"Verdict: {verdict}" in capsys.readouterr().out

    CBPP = ("cbpp", "cbind(incidence, size - incidence) ~ period + (1 | herd)")
    TICKS = ("grouseticks", "TICKS ~ YEAR + (1 | BROOD)")

    @pytest.mark.parametrize(
        ("arguments", "verdict", "status"),
        [
            ([*CBPP, "--family", "binomial"], "AGREES", 0),
            ([*CBPP, "--family", "binomial", "--engine", "numpy"], "AGREES", 0),
            ([*CBPP, "--family", "binomial", "--link", "probit"], "AGREES", 0),
            ([*TICKS, "--family", "nb", "--engine", "numpy"], "AGREES", 0),
            (
                ["cbpp", "incidence ~ 1 + (1 | herd) + (1 | h)", "--family", "poisson"],
                "NOT_IDENTIFIED",
                3,
            ),
        ],
    )
    def test_generalized_models_too(self, arguments, verdict, status, tmp_path, capsys):
        if "h)" in arguments[1]:
            path = tmp_path / "twice.csv"
            datasets.load("cbpp").assign(h=lambda d: d["herd"]).to_csv(path, index=False)
            arguments = [str(path), *arguments[1:]]
        assert run(["check", *arguments]) == status
        assert f"Verdict: {verdict}" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--ml", "--family", "poisson"], "--ml"),
            (["--link", "probit"], "--link"),
            (["--family", "nb", "--link", "sqrt"], "--link"),
            (["--family", "binomial", "--link", "sqrt"], "Link of the binomial family"),
            (["--family", "beta"], "beta"),
        ],
    )
    def test_options_that_contradict_each_other(self, options, said, capsys):
        assert run(["check", *self.CBPP, *options]) == 2
        out, err = capsys.readouterr()
        assert said in out + err

    def test_other_warnings_go_to_the_error_stream(self, tmp_path, capsys):
        path = tmp_path / "gaps.csv"
        data = datasets.load("sleepstudy")
        data.loc[3, "Days"] = float("nan")
        data.to_csv(path, index=False)
        assert run(["check", str(path), SLEEP]) == 0
        assert capsys.readouterr().err.startswith("Warning: 1 of 180 rows left out")

    def test_a_page_for_a_browser(self, tmp_path):
        page = tmp_path / "check.html"
        assert run(["check", "sleepstudy", SLEEP, "--output", str(page)]) == 0
        text = page.read_text(encoding="utf-8")
        assert text.startswith("<!doctype html>")
        assert "Verdict: AGREES" in text
        assert text.count("<table") == 4

    def test_what_cannot_be_fitted_has_the_status_1(self, capsys):
        assert run(["check", "sleepstudy", "Reaction ~ Dayz + (1 | Subject)"]) == 1
        assert run(["check", "sleepstudy", SLEEP, "--output", "/nowhere/page.html"]) == 2
        assert "--output" in capsys.readouterr().err


@pytest.mark.needs_r
def test_the_demo_shows_the_main_job(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", [".venv/bin/pylme", "demo"])
    assert run(["demo"]) == 0
    out = capsys.readouterr().out
    with pytest.warns(pylme.errors.ConvergenceWarning):
        fit = pylme.lmer("math ~ ses*sector + (ses | sch.id)", datasets.load("hsb"))
    check = fit.cross_check()
    assert check.explain() in out
    for part in (fit.summary(), fit.varcorr, fit.optinfo, fit.convergence.explain(), check):
        assert str(part).strip("\n") in out
    assert 'pylme.lmer("math ~ ses*sector + (ses | sch.id)", hsb)' in out
    assert cli.app.version == pylme.__version__


@pytest.mark.needs_r
def test_what_the_demo_says_of_ones_own_data_works(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [".venv/bin/pylme", "demo"])
    own = datasets.load("sleepstudy").set_axis(["y", "x", "group"], axis="columns")
    own.to_csv("data.csv", index=False)
    commands = [line.strip() for line in _next_steps() if line.startswith("    ")]
    assert len(commands) == 3
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == ".venv/bin/pylme"
        assert run(arguments) == 0
    assert "AGREES" in capsys.readouterr().out
    assert (tmp_path / "effects.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("ending", ["csv.gz", "csv.zip", "csv.xz", "csv.bz2"])
def test_a_damaged_file_is_a_message(ending, tmp_path, capsys):
    whole = tmp_path / f"whole.{ending}"
    datasets.load("sleepstudy").to_csv(whole, index=False)
    damaged = tmp_path / f"cut.{ending}"
    damaged.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert run(["fit", str(damaged), SLEEP, "--engine", "numpy"]) == 1
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("jobs", ["0", "-2"])
@pytest.mark.parametrize("option", ["--n-jobs", "--jobs"])
def test_the_number_of_workers_is_positive(option, jobs, capsys):
    assert run(["study", "sector-correlation", "--n", "2", f"{option}={jobs}"]) == 2
    assert "a whole number from 1" in capsys.readouterr().err


def test_a_folder_is_no_page(tmp_path, capsys):
    assert run(["fit", "sleepstudy", SLEEP, "--engine", "numpy", "--output", str(tmp_path)]) == 2
    assert "a file in a folder that exists" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_without_unicode_has_escapes(encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    with command("explain", SLEEP, env=environment, encoding=encoding) as process:
        out, err = process.communicate(timeout=HANGS)
    assert (process.returncode, err) == (0, "")
    assert "\\u03c3" in out


@pytest.mark.skipif(sys.platform == "win32", reason="closes a stream as a shell of Unix does")
def test_a_closed_output_is_no_error():
    code = ["sh", "-c", '"$0" -c "$1" datasets >&-', sys.executable, MAIN]
    done = subprocess.run(code, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
