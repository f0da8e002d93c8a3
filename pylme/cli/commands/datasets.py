"""The command `pylme datasets`."""

__all__ = ["datasets"]


def datasets(name: str | None = None, /) -> None:
    """List the data sets that ship with pylme, or describe one.

    Parameters
    ----------
    name
        The data set to describe.
    """
    from pylme.datasets import describe, names

    if name is not None:
        print(describe(name))
        return
    width = max(len(known) for known in names())
    for known in names():
        description = describe(known)
        print(f"{known.ljust(width)}  {description.rows:>6} rows  {description.title}")
