"""The command `pylme check`."""

from pylme.cli.begin import begin
from pylme.cli.model import LINEAR, Formula, Model
from pylme.cli.output import TO_TERMINAL, Output
from pylme.cli.reading import AS_USUAL, Data, Reading
from pylme.cli.statuses import NOT_GOOD

__all__ = ["check"]


def check(
    data: Data,
    formula: Formula,
    /,
    *,
    model: Model = LINEAR,
    reading: Reading = AS_USUAL,
    output: Output = TO_TERMINAL,
) -> int:
    """Fit a mixed model, linear or generalized, and check it by an independent implementation.

    The exit status is 0 where the answer is right (AGREES, FALSE_ALARM, SINGULAR_CERTIFIED), and 3
    where it is not, or where nothing is known (STOPPED_SHORT, NOT_IDENTIFIED, NO_FINITE_ESTIMATE,
    DISAGREES, UNCHECKED).
    """
    from pylme.cli.fit_report import check_result
    from pylme.crosscheck.alarms import collected_warnings, warn_of_others

    with begin(data, model=model, reading=reading, output=output) as table:
        with collected_warnings() as caught:
            made = model.fit(formula, table)
            checked = made.cross_check()
        warn_of_others(caught, checked)
        output.give(check_result(checked))
    return 0 if checked.ok else NOT_GOOD
