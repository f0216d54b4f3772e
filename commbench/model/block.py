"""Blocks of launches: what is written down for those that a decision made superfluous."""

NOT_NEEDED = "not needed: "  # the reason of a skipped point begins so when its block was not measured


def is_not_needed(status: object, reason: object) -> bool:
    """Return whether a point was skipped because everything was decided before its turn: nothing is missing then."""
    return str(status) == "skipped" and str(reason).startswith(NOT_NEEDED)
