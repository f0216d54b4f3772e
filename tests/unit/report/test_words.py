import pandas as pd
import pytest

from commbench.report import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (float("nan"), ""),
        (0, "0"),
        (1.234, "1.23"),
        (999.96, "1000.0"),
        (12345.6, "12346"),
        (1.1e9, "1.10e+09"),
    ],
)
def test_times_fit_their_column(value: object, text: str) -> None:
    assert words.time_us(value) == text
    assert len(text) <= 8


@pytest.mark.parametrize(
    ("value", "text"), [(3e-5, "3e-05"), (0.0123, "0.0123"), (1.5, "1.500"), (48.27, "48.27"), (476.1, "476.1")]
)
def test_bandwidths_keep_three_digits(value: float, text: str) -> None:
    assert words.bandwidth(value) == text


def test_text_from_elsewhere_cannot_steer_a_terminal() -> None:
    assert words.one_line("a\x1b[31m\nb\t c\x07") == "a [31m b c"
    assert words.one_line(pd.NA) == ""


def test_outcomes_in_words() -> None:
    wrong = {"wrong_count": 4.0, "wrong_rank": 1.0, "wrong_index": 17.0, "wrong_expected": 3.0, "wrong_got": 5.0}
    assert words.outcome({"status": "ok"}) == ""
    assert words.outcome({"status": "skipped", "error": "too large"}) == "skipped: too large"
    assert words.outcome({"status": "timeout", "error": None}) == "timeout: no reason was recorded"
    assert (
        words.outcome({"status": "wrong_result", **wrong})
        == "wrong result: rank 1 element 17: expected 3, got 5 (4 wrong elements)"
    )
    assert words.outcome({"status": "wrong_result", "wrong_count": 2}) == "wrong result: 2 wrong elements"
    assert words.outcome({"status": "wrong_result", "error": "2 wrong after timing", **wrong}) == (
        "wrong result: 2 wrong after timing"
    )


@pytest.mark.parametrize(
    ("skew_us", "bound_us", "method", "said"),
    [
        (12.0, 5.0, "one_clock", "12.00"),
        (9.0, 5.0, "one_clock", "<10.00"),
        (9.0, 5.0, "clock_free", "9.00"),
        (9.0, None, "clock_free", "9.00"),
        (None, 5.0, "one_clock", ""),
    ],
)
def test_no_skew_between_clocks_is_claimed_below_twice_their_bound(
    skew_us: float | None, bound_us: float | None, method: str, said: str
) -> None:
    assert words.skew({"skew_p50_us": skew_us, "clock_bound_us": bound_us, "method": method}) == said
