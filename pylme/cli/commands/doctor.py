"""The command `pylme doctor`."""

from pylme.cli.statuses import ERROR

__all__ = ["doctor"]


def doctor() -> int:
    """Say what is installed, what is wrong, and which command corrects it."""
    from pylme.cli.messages import in_options
    from pylme.lme4.installation.doctor import doctor as diagnose

    diagnosis = diagnose()
    print(in_options(str(diagnosis)))
    return 0 if diagnosis.ok else ERROR
