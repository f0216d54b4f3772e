"""What only `make truth` asks: it takes minutes, or says as much of this machine as of the tool."""

import os

import pytest

NAME = "COMMBENCH_TRUTH_FULL"
IS_FULL = bool(os.environ.get(NAME))


def only_in_full(why: str) -> pytest.MarkDecorator:
    """Return the mark of tests that are left to `make truth`, and why."""
    return pytest.mark.skipif(not IS_FULL, reason=f"{why}: `make truth` runs it, or {NAME}=1")
