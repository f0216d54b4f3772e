from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.errors import UsageError
from commbench.units import format_duration, format_size, format_time_us, parse_size, parse_sizes


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("8", 8),
        ("0", 0),
        ("8B", 8),
        ("64K", 65536),
        ("64kb", 65536),
        ("64 KiB", 65536),
        (" 1.5MiB ", 1572864),
        ("0.5k", 512),
        ("8GiB", 2**33),
        ("1T", 2**40),
        ("9007199254740993", 2**53 + 1),  # the first integer that a float cannot hold
    ],
)
def test_a_size_is_read_exactly(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    "text", ["", "1KB2", "-1", "K", "1.", ".5K", "1e3", "1 2", "0x10", "8PiB", "9" * 400, "nan", "٨"]
)
def test_what_is_no_size_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size; write bytes or a binary unit, such as 8, 64KiB"):
        parse_size(text)


def test_a_fraction_of_a_byte_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'1\.1KiB' is 1126\.4 bytes; a size is a whole number of bytes"):
        parse_size("1.1KiB")


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("64", (64,)),
        ("8..64", (8, 16, 32, 64)),
        ("8..64 x4", (8, 32)),
        ("8..64x8", (8, 64)),
        ("8B .. 1 KiB x 4", (8, 32, 128, 512)),
        ("1.5KiB..6KiB", (1536, 3072, 6144)),
        ("1KiB..3KiB +1KiB", (1024, 2048, 3072)),
        ("1KiB..3KiB+1 KiB", (1024, 2048, 3072)),
        ("8..8", (8,)),
    ],
)
def test_a_range_names_its_sizes(text: str, sizes: tuple[int, ...]) -> None:
    assert parse_sizes(text) == sizes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("64..8", "is an empty range"),
        ("0..8", "is an empty range"),
        ("8..64 x1", "never reaches its end"),
        ("8..64 +0", "never reaches its end"),
        ("1..1GiB +1", "names more than 1000 sizes"),
        ("8..", "is not a range of sizes"),
        ("8..64 x", "is not a range of sizes"),
        ("8..64..128", "is not a range of sizes"),
        ("8..64 x2 x2", "is not a range of sizes"),
    ],
)
def test_a_wrong_range_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_sizes(text)


@given(st.integers(1, 2**30), st.integers(0, 2**30), st.integers(2, 16))
def test_a_range_ascends_from_its_first_size_within_its_last(first: int, more: int, factor: int) -> None:
    sizes = parse_sizes(f"{first}..{first + more} x{factor}")
    assert sizes[0] == first
    assert sizes[-1] <= first + more < sizes[-1] * factor
    assert all(after == before * factor for before, after in pairwise(sizes))


@given(st.integers(0, 1023), st.sampled_from(["B", "KiB", "MiB", "GiB", "TiB"]))
def test_a_printed_size_is_read_back(number: int, unit: str) -> None:
    size_bytes = parse_size(f"{number}{unit}")
    assert parse_size(format_size(size_bytes)) == size_bytes


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (1023 * 1024 + 100, "1023 KiB"),
        (2**31 + 2**29, "2.5 GiB"),
        (2**50, "1024 TiB"),
    ],
)
def test_sizes_print_without_exponents(size_bytes: int, text: str) -> None:
    assert format_size(size_bytes) == text


@pytest.mark.parametrize(
    ("time_us", "text"),
    [
        (0.0, "0 us"),
        (8.314, "8.31 us"),
        (999.9, "1000 us"),
        (2400.0, "2.4 ms"),
        (1.05e6, "1.05 s"),
        (1.2345e10, "12345 s"),
    ],
)
def test_times_print_with_their_unit(time_us: float, text: str) -> None:
    assert format_time_us(time_us) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (45, "45 s"), (59.7, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_durations_print_for_people(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
