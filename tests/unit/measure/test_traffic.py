"""What a host's links moved is attributed to the point that was being visited."""

from commbench.fabric.counters import LinkReading
from commbench.measure.traffic import HostCount, TrafficGauge

HOST = HostCount("h0", ("eth1",), 10.0)


class Links:
    """Two links whose counters a test moves by hand."""

    def __init__(self) -> None:
        self.sent, self.drops, self.reads = 0, 0, 0

    def read(self) -> tuple[LinkReading, ...]:
        self.reads += 1
        return (
            LinkReading("eth1", "tcp", self.sent, self.sent, counters={"rx_dropped": self.drops}),
            LinkReading("eth2", "tcp", 7, 7),
        )


def counted(gauge: TrafficGauge, point_id: int) -> HostCount:
    return HostCount.from_text(gauge.take(point_id))


def test_points_that_take_turns_are_told_apart() -> None:
    links = Links()
    gauge = TrafficGauge(HOST, links.read)
    for point_id, sent in [(1, 100), (2, 1_000), (1, 100), (2, 1_000)]:
        gauge.visit(point_id, calls=10)
        links.sent += sent
    first, second = counted(gauge, 1), counted(gauge, 2)
    assert (first.calls, [(delta.link, delta.tx_bytes) for delta in first.moved]) == (20, [("eth1", 200), ("eth2", 0)])
    assert (second.calls, second.moved[0].rx_bytes) == (20, 2_000)


def test_visits_of_one_point_cost_one_reading_and_what_follows_a_pause_is_nobodys() -> None:
    links = Links()
    gauge = TrafficGauge(HOST, links.read)
    for _ in range(5):
        gauge.visit(1, calls=4)
        links.sent += 10
    assert links.reads == 1
    gauge.pause()
    links.sent += 1_000_000
    assert counted(gauge, 1).moved[0].tx_bytes == 50


def test_trouble_that_was_counted_meanwhile_adds_up() -> None:
    links = Links()
    gauge = TrafficGauge(HOST, links.read)
    for point_id in (1, 2, 1):
        gauge.visit(point_id, calls=1)
        links.drops += 3
    assert dict(counted(gauge, 1).moved[0].notable) == {"rx_dropped": 6}


def test_a_rank_that_counts_for_nobody_reads_nothing_and_says_nothing() -> None:
    links = Links()
    gauge = TrafficGauge(None, links.read)
    gauge.visit(1, calls=10)
    gauge.pause()
    assert gauge.take(1) == ""
    assert links.reads == 0
