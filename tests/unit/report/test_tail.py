from typing import Any

from commbench.report.tail import tail_table

from .frames import frame, lost, point


def test_the_worst_case_stands_with_its_n_its_bound_and_its_blame() -> None:
    told: dict[str, Any] = {
        "exceed_probability": 0.00994,
        "blame": "arrival: rank 3, 5.1 ms",
        "stragglers": "3",
        "events_arrival": 7,
    }
    text = tail_table(frame(point(latency_p50_us=10.0, latency_max_us=5110.0, iterations=300, **told)))
    line = next(each for each in text.splitlines() if "arrival: rank 3" in each)
    assert "300" in line
    assert "5110.0" in line
    assert "0.99" in line
    assert "rank 3 is last more often than chance allows" in text
    assert "never compare worst cases of different n" in text


def test_points_that_were_not_timed_have_no_tail() -> None:
    assert tail_table(frame(lost(0, "skipped", "too large"))) == "no call was timed\n"
