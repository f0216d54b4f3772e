"""Parse and print sizes, times and bandwidths.

Message sizes are binary (`64KiB` is 65,536 bytes; nccl-tests' `64K` means the same),
bandwidths decimal (GB/s is 10^9 bytes per second), as everywhere in this field.
"""

import re
from fractions import Fraction

from commbench.errors import UsageError

BYTES_PER_GB = 1e9  # decimal, as nccl-tests prints bandwidth
NS_PER_US = 1_000
NS_PER_S = 1_000_000_000

# Digits are limited so that no text, however long, is slow to read or overflows.
_SIZE_TEXT = r"[0-9]{1,18}(?:\.[0-9]{1,18})?\s*(?:[KMGT]i?B?|B)?"
_SIZE = re.compile(r"\s*([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*(?:([KMGT])i?B?|B)?\s*", re.IGNORECASE)
_RANGE = re.compile(
    rf"\s*(?P<first>{_SIZE_TEXT})\s*\.\.\s*(?P<last>{_SIZE_TEXT})\s*"
    rf"(?:x\s*(?P<factor>[0-9]{{1,18}})|\+\s*(?P<step>{_SIZE_TEXT}))?\s*",
    re.IGNORECASE,
)
_FACTORS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_UNITS = (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))
_DEFAULT_FACTOR = 2
_MAX_SIZES = 1000  # a range that long is a slip of the pen, not a sweep


def parse_size(text: str) -> int:
    """Return the bytes that a size such as `8`, `64KiB`, `1.5M` or `2 GiB` names.

    Raises:
        UsageError: the text is no size, or not a whole number of bytes.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is not a size; write bytes or a binary unit, such as 8, 64KiB, 1.5MiB or 8GiB")
    number, unit = match.groups()
    size_bytes = Fraction(number) * _FACTORS[(unit or "").upper()]
    if size_bytes.denominator != 1:
        raise UsageError(f"{text!r} is {float(size_bytes):g} bytes; a size is a whole number of bytes")
    return int(size_bytes)


def parse_sizes(text: str) -> tuple[int, ...]:
    """Return the sizes in bytes that one entry names: a size, `8..64MiB`, `8..64MiB x4` or `1MiB..4MiB +1MiB`.

    Raises:
        UsageError: the entry is neither a size nor a range, or the range is empty or endless.
    """
    if ".." not in text:
        return (parse_size(text),)
    match = _RANGE.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{text!r} is not a range of sizes; write one such as 8..64MiB, 8..64MiB x4 or 1MiB..4MiB +1MiB"
        )
    first, last = parse_size(match["first"]), parse_size(match["last"])
    factor = int(match["factor"] or _DEFAULT_FACTOR)
    step = parse_size(match["step"]) if match["step"] else None
    if first < 1 or last < first:
        raise UsageError(f"{text!r} is an empty range; write the smaller size first, and at least 1 byte")
    if factor < 2 or step == 0:  # noqa: PLR2004 - a factor of 1 never arrives
        raise UsageError(f"{text!r} never reaches its end; multiply by 2 or more (x2) or add 1 byte or more (+1KiB)")
    return _walk(text, first, last, factor, step)


def _walk(text: str, first: int, last: int, factor: int, step: int | None) -> tuple[int, ...]:
    sizes = []
    size = first
    while size <= last:
        sizes.append(size)
        if len(sizes) > _MAX_SIZES:
            raise UsageError(f"{text!r} names more than {_MAX_SIZES} sizes; use a larger factor or step")
        size = size + step if step else size * factor
    return tuple(sizes)


def format_size(size_bytes: int) -> str:
    """Return bytes in the largest binary unit that keeps the number exact or at three digits: `64 KiB`, `1.5 MiB`."""
    for name, factor in _UNITS:
        if size_bytes >= factor:
            return f"{_three_digits(size_bytes / factor)} {name}"
    return f"{size_bytes} B"


def format_time_us(time_us: float) -> str:
    """Return a time with its unit at a readable scale: `8.31 us`, `2.4 ms`, `1.05 s`."""
    if time_us >= 1e6:  # noqa: PLR2004
        return f"{_three_digits(time_us / 1e6)} s"
    if time_us >= 1e3:  # noqa: PLR2004
        return f"{_three_digits(time_us / 1e3)} ms"
    return f"{_three_digits(time_us)} us"


def _three_digits(number: float) -> str:
    # From 100 up "g" would drop digits before the point, or write 1e+03.
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"  # noqa: PLR2004


def format_duration(seconds: float) -> str:
    """Return a wall-clock duration for people: `0.4 s`, `45 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004
        return f"{whole} s"
    if whole < 3600:  # noqa: PLR2004
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
