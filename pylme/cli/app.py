"""The command line as a whole: its commands, its messages and its exit status."""

from typing import Final

from cyclopts import App, CycloptsError, Parameter

from pylme._version import __version__
from pylme.cli.commands.anova import anova
from pylme.cli.commands.audit import audit
from pylme.cli.commands.bootstrap import bootstrap
from pylme.cli.commands.check import check
from pylme.cli.commands.compare import compare
from pylme.cli.commands.datasets import datasets
from pylme.cli.commands.demo import demo
from pylme.cli.commands.doctor import doctor
from pylme.cli.commands.explain import explain
from pylme.cli.commands.fit import fit
from pylme.cli.commands.means import means
from pylme.cli.commands.plot import plot
from pylme.cli.commands.power import power
from pylme.cli.commands.predict import predict
from pylme.cli.commands.simulate import simulate
from pylme.cli.commands.study import study
from pylme.cli.statuses import ERROR, USAGE
from pylme.errors import OptionError, PylmeError

__all__ = ["app", "run"]

#: The functions of the library that commands stand for, where they have another name.
_STANDS_FOR: Final = {
    "lmer": "fit", "glmer": "fit", "glmer_nb": "fit", "summary": "fit", "cross_check": "check",
    "emmeans": "means", "emtrends": "means", "read_rds": "audit",
}  # fmt: skip


def _default(value: object) -> str | None:
    """What help says of a default."""
    return None if value is None or value == () or isinstance(value, bool) else str(value)


app = App(
    name="pylme",
    help="Fit mixed-effects models with R's lme4, and know whether the answer is right.",
    version=__version__,
    suppress_keyboard_interrupt=False,
    result_action="return_value",
    # An option is on or off; what is off needs no name, and what is not given no default.
    default_parameter=Parameter(negative="", show_default=_default),
)
for _command in (
    fit, check, anova, means, predict, compare, bootstrap, power, simulate, plot, datasets, doctor,
    demo,
):  # fmt: skip
    app.command(_command)
app.command(audit, usage="Usage: pylme audit FILE... [OPTIONS]")
app.command(explain, usage="Usage: pylme explain [OPTIONS] [DATA] FORMULA [FORMULA...]")
app.command(study)
app.register_install_completion_command()


def run(arguments: list[str]) -> int:
    """Carry out a command line and give its exit status.

    Parameters
    ----------
    arguments : list of str

    Returns
    -------
    int
        0 where all is well, 1 after an error, 2 where the command line itself is wrong (an unknown
        option, a value that is not allowed), and 3 where a fit was checked and its verdict is not
        a good one.
    """
    from pylme.cli.console import say
    from pylme.cli.messages import spoken_by, words_of

    _, apps, _ = app.parse_commands(arguments)
    with spoken_by(lambda: words_of(apps[-1], _commands())):
        try:
            status = app(arguments, exit_on_error=False)
        except CycloptsError:
            # Already printed, with the help that fits.
            return USAGE
        except PylmeError as error:
            say(str(error), style="bold red")
            return USAGE if isinstance(error, OptionError) else ERROR
    return status if isinstance(status, int) else 0


def _commands() -> dict[str, str]:
    """The commands by the function of the library that each stands for."""
    own = {name: name for name in app if not name.startswith("-")}
    return {function: f"pylme {name}" for function, name in (own | _STANDS_FOR).items()}
