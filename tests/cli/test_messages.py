"""Messages of the library, said as they are typed at a shell."""

from __future__ import annotations

import pytest

from pylme.cli.app import run
from pylme.cli.messages import Words, in_options, spoken_by

WORDS = Words(
    options={
        "weights": "--weights", "na_action": "--na-action", "subset": "--subset",
        "reml": "--reml", "engine": "--engine", "allow_function": "--allow-function",
    },
    opposites={"reml": "--ml"},
    commands={"cross_check": "pylme check", "doctor": "pylme doctor"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Argument weights: 3 is not allowed", "Option --weights: 3 is not allowed"),
        ("Argument --sep: ';;' is not allowed", "Option --sep: ';;' is not allowed"),
        ("Argument type: 4", "Argument type: 4"),
        ('Pass na_action="fail" to stop.', "Pass --na-action fail to stop."),
        ("fit it with engine='numpy'.", "fit it with --engine numpy."),
        ("which `weights` names", "which --weights names"),
        ("Pass `reml=False`, or reml=True.", "Pass --ml, or --reml."),
        ("with subset=data['x'] != 0, or", "with --subset 'x != 0', or"),
        ('subset=data["a b"] > 1.5', "--subset '`a b` > 1.5'"),
        ("call pylme.allow_function('f') first", "call --allow-function f first"),
        ("see `fit.cross_check()`.", "see `pylme check`."),
        ("pylme.doctor() says", "`pylme doctor` says"),
        ("fit.bootstrap(100) and start=[1]", "fit.bootstrap(100) and start=[1]"),
        ("y ~ ns(x, df=4)", "y ~ ns(x, df=4)"),
    ],
)
def test_a_mention_becomes_what_is_typed(message: str, said: str) -> None:
    assert in_options(message) == message
    with spoken_by(lambda: WORDS):
        assert in_options(message) == said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "dyestuff", "Yield ~ 1 + (1|Batch)", "--weights", "none"], "--weights names"),
        (["fit", "dyestuff", "log(Yield - 1440) ~ 1 + (1|Batch)"], "--subset 'Yield != 1440'"),
        (["fit", "dyestuff", "Yield ~ mine(1) + (1|Batch)"], "--allow-function mine"),
        (["fit", "cbpp", "incidence ~ 1 + (1|herd)", "--contrasts", "herd=sum"], "Option --contra"),
        (["fit", "dyestuff", "Yield ~ 1 + (1|Batch)", "--timeout", "-1"], "Option --timeout"),
        (["means", "cake", "angle ~ recipe + (1|replicate)", "recipe", "--conf-level", "2"],
         "Option --conf-level"),
        (["predict", "cake", "angle ~ recipe + (1|replicate)", "--conf-level", "2",
          "--interval", "confidence"], "Option --conf-level"),
    ],
)  # fmt: skip
def test_errors_of_the_library_name_options(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--engine", "numpy"]) in (1, 2)
    assert said in capsys.readouterr().err


def test_warnings_name_options(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gaps.csv"
    path.write_text("y,g\n1,a\n2,a\n3,b\n,b\n5,b\n2,a\n", encoding="utf-8")
    assert run(["fit", str(path), "y ~ 1 + (1 | g)", "--engine", "numpy"]) == 0
    assert "Pass --na-action fail" in capsys.readouterr().err
