import json
from typing import Any

from commbench.report.links import LinkReport, as_json, as_text, report_of
from commbench.statistics.slow_links import Located, SlowEnd, SlowPath

SOUND = Located({(0, 1): 1.0, (1, 0): 0.9, (0, 2): 1.0, (2, 0): 1.0}, {}, 1.0, None, (), (), ())


def line(located: Located, hosts: tuple[str, ...] = ("a", "b", "c"), **more: Any) -> dict[str, Any]:
    return {"hosts": list(hosts), "link_rates_gbit_s": [None] * len(hosts), **located.to_fields(), **more}


def report(located: Located, hosts: tuple[str, ...] = ("a", "b", "c"), rate: float = 0.0, **more: Any) -> LinkReport:
    return report_of(line(located, hosts, **more), "fast", "gloo", 2**20, rate)


def test_the_matrix_has_a_row_for_each_sender_and_a_gap_where_nothing_was_sent() -> None:
    rows = [row.split() for row in as_text(report(SOUND)).splitlines()]
    assert ["a", "b", "c"] in rows
    assert ["a", "1.000", "1.000"] in rows
    assert ["b", "0.900"] in rows


def test_a_slow_end_is_told_with_the_partners_that_prove_it() -> None:
    located = Located({(0, 1): 0.1}, {(0, 1): 0.11, (0, 2): 0.12}, 1.0, 1.0, (SlowEnd(0, 0.12, (1, 2)),), (), ())
    said = as_text(report(located))
    assert "SLOW a sends at 0.12 of the reference, whoever the partner (to b 0.110, to c 0.120 GB/s, alone)" in said
    assert "nothing" not in said


def test_who_receives_slowly_is_told_from_whom() -> None:
    located = Located({(1, 0): 0.1}, {(1, 0): 0.5}, 1.0, 1.0, (), (SlowEnd(0, 0.5, (1,)),), ())
    assert "SLOW a receives at 0.50 of the reference, whoever the partner (from b 0.500 GB/s, alone)" in as_text(
        report(located)
    )


def test_a_slow_path_is_told_with_both_ends() -> None:
    located = Located({(1, 2): 0.1}, {(1, 2): 0.3}, 1.0, 1.0, (), (), (SlowPath((1, 2), 0.3),))
    assert "SLOW b to c at 0.30 of the reference (0.300 GB/s, alone): its two ends are fast with others" in as_text(
        report(located)
    )


def test_two_hosts_are_not_told_that_their_ends_are_sound() -> None:
    located = Located({(0, 1): 0.1, (1, 0): 1.0}, {(0, 1): 0.3}, 1.0, 1.0, (), (), (SlowPath((0, 1), 0.3),))
    assert "two ranks cannot tell" in as_text(report(located, ("a", "b")))


def test_ranks_of_one_host_are_told_apart() -> None:
    said = as_text(report(SOUND, ("a", "a", "b")))
    assert "a rank 0" in said
    assert "a rank 1" in said
    assert "b rank" not in said


def test_the_rate_is_held_against_the_line_rate_that_the_suite_gives_or_the_slowest_link_says() -> None:
    assert "100% of the line rate of 8 Gbit/s" in as_text(report(SOUND, rate=8.0))
    assert report(SOUND, link_rates_gbit_s=[100.0, 16.0, None]).line_rate_share == 0.5
    assert "line rate" not in as_text(report(SOUND))


def test_links_that_are_all_slow_are_worth_a_word_where_the_line_rate_is_known() -> None:
    assert "all are slow: look for what they share" in as_text(report(SOUND, rate=100.0))
    assert "nothing is slow" in as_text(report(SOUND, rate=10.0))


def test_many_hosts_are_told_as_a_spread_and_not_as_a_matrix() -> None:
    ranks = 40
    rates = {(rank, (rank + 1) % ranks): 1.0 + rank for rank in range(ranks)}
    said = as_text(report(Located(rates, {}, 30.0, None, (), (), ()), tuple(f"h{rank}" for rank in range(ranks))))
    assert ["sends", "1.000", "21.00", "40.00"] in [row.split() for row in said.splitlines()]
    assert len(said.splitlines()) < 12


def test_the_name_of_a_host_cannot_paint_the_terminal() -> None:
    assert "\x1b" not in as_text(report(SOUND, ("a\x1b[31m", "b", "c")))


def test_json_has_every_rate_and_every_verdict() -> None:
    located = Located({(0, 1): 0.1}, {(0, 1): 0.3}, 1.0, 0.9, (SlowEnd(0, 0.3, (1,)),), (), (SlowPath((1, 2), 0.2),))
    (told,) = json.loads(as_json([report(located)]))
    assert told["slow_tx"] == [{"rank": 0, "ratio": 0.3, "tried_alone_with": [1]}]
    assert told["slow_path"] == [{"from": 1, "to": 2, "ratio": 0.2}]
    assert told["together_gb_s"] == [{"from": 0, "to": 1, "gb_s": 0.1}]
    assert told["alone_gb_s"] == [{"from": 0, "to": 1, "gb_s": 0.3}]
    assert told["hosts"] == ["a", "b", "c"]
