"""Numbers as tools print them."""

import re

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
NOTHING = "N/A"
# nccl.h: NCCL_VERSION is X*1000+Y*100+Z up to 2.8, X*10000+Y*100+Z since.
_OLD_VERSIONS_BELOW = 10_000


def is_cell(text: str) -> bool:
    """Return whether the text can stand in a column of numbers."""
    return text == NOTHING or text.lower() in {"inf", "nan", "-nan"} or _NUMBER.fullmatch(text) is not None


def number(text: str) -> float | None:
    """Return the number, or None for `N/A`, infinities and what is none."""
    return float(text) if _NUMBER.fullmatch(text) else None


def significant_digits(text: str) -> int | None:
    """Return how many significant digits a number was printed with: 2 for `1.1e+07`, 1 for `0.06`, 5 for `16860`.

    Zeros at the end of a whole number count: the tools print all digits of whole microseconds.
    """
    if _NUMBER.fullmatch(text) is None:
        return None
    digits = re.split(r"[eE]", text)[0].lstrip("+-").replace(".", "").lstrip("0")
    return len(digits) or 1


def nccl_version(code: int) -> str:
    """Return the version that NCCL's integer stands for: `2.28.7` for 22807, `2.7.8` for 2708."""
    major = 1_000 if code < _OLD_VERSIONS_BELOW else 10_000
    return f"{code // major}.{code % major // 100}.{code % 100}"
