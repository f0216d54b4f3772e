"""JSON as nccl-tests writes it: with bare infinities, and with open brackets when the run was killed."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from commbench.errors import UsageError

Json = Mapping[str, Any]
_INFINITE = re.compile(r"(?<=[:,\[])-?inf(?=[,\]}])")


def load(text: str) -> tuple[Json, bool]:
    """Return the object with exact numbers, and whether its end is missing.

    Raises:
        UsageError: the text is damaged otherwise than by ending too soon.
    """
    sound = _INFINITE.sub("null", text)
    try:
        return json.loads(sound, parse_float=Decimal), False
    except ValueError as error:
        closed = _close(sound)
        try:
            return json.loads(closed, parse_float=Decimal), True
        except ValueError:
            raise UsageError(f"nccl-tests' JSON is damaged: {error}") from error


def _close(text: str) -> str:
    """Return the text up to the last whole member of its outermost lists and objects, and the brackets it lacks."""
    stack: list[str] = []
    good, closing = 0, ""
    is_string = is_escaped = False
    for place, letter in enumerate(text):
        if is_string:
            is_string = is_escaped or letter != '"'
            is_escaped = letter == "\\" and not is_escaped
        elif letter == '"':
            is_string = True
        elif letter in "{[":
            stack.append("}" if letter == "{" else "]")
        elif letter in "}]" and stack:
            stack.pop()
            if len(stack) <= 2:  # noqa: PLR2004 - members of the object, and of the lists in it
                good, closing = place + 1, "".join(reversed(stack))
    return text[:good] + closing
