"""A launch over channels that are small scripts: what is said when hosts do not answer as they should."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from commbench import __version__
from commbench.journal.folder import JournalFolder
from commbench.launch import hosts
from commbench.launch.channel import Channel
from commbench.launch.hosts import HostsCommand, HostsLaunch
from commbench.launch.wire import MARK, Ended, Hello, Order, Report, to_line

ORDER = Order("/store/_journal/run", 2, 1, "a", 0, ("a", "b"))
Launch = Callable[..., HostsLaunch]


@pytest.fixture
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Launch:
    """Return a maker of launches whose keepers are Python programs; they end with the test."""
    monkeypatch.setattr(hosts, "_END_GRACE_S", 0.2)
    monkeypatch.setattr(hosts, "_REPORT_LIMIT_S", 2.0)

    def make(*programs: str, hello_limit_s: float = 20.0) -> HostsLaunch:
        channels = tuple(
            Channel((sys.executable, "-uc", program), {node: host}, f"ssh {host}")
            for node, (host, program) in enumerate(zip("ab", programs, strict=True))
        )
        command = HostsCommand("test", channels, ORDER, hello_limit_s=hello_limit_s)
        return command.start(JournalFolder(tmp_path), tmp_path / "launch.log")

    return make


def says(*messages: Hello | Ended | Report, then: str = "") -> str:
    """Return a program that says hello, hears its order, says the rest and does something."""
    lines = [f"print({(MARK + to_line(message))!r})" for message in messages]
    return "\n".join(["import sys, time", lines[0], "order = sys.stdin.readline()", *lines[1:], then])


def hello(node: int, version: str = __version__, port: int = 4711) -> Hello:
    return Hello(node, "ab"[node], version, port)


def ends(running: HostsLaunch) -> int:
    deadline = time.monotonic() + 60
    while (code := running.poll()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return code


def test_all_keepers_get_one_order_with_a_port_that_is_free_on_the_first_host(launch: Launch, tmp_path: Path) -> None:
    running = launch(*(says(hello(node, port=4000 + node), Ended(node, 0), then="print(order)") for node in range(2)))
    assert ends(running) == 0
    running.end()
    for host in "ab":
        assert '"master_port":4000' in (tmp_path / f"launch-{host}.log").read_text()


def test_a_host_that_stays_silent_is_named_at_the_limit(launch: Launch) -> None:
    running = launch(says(hello(0)), "import time; time.sleep(60)", hello_limit_s=3.0)
    assert ends(running) == 4
    assert running.why_dead(4, "").startswith("host b was not reached within 3 s: `ssh b` still waits: it printed noth")
    running.end()


def test_another_version_on_a_host_is_said_before_anything_starts(launch: Launch) -> None:
    running = launch(says(hello(0)), says(hello(1, version="0.0.9")))
    assert ends(running) == 4
    assert f"host b has commbench 0.0.9 and this one has {__version__}" in running.why_dead(4, "")
    running.end()


def test_a_host_that_ends_without_a_last_word_is_lost_and_not_the_one_that_suffers_from_it(launch: Launch) -> None:
    victim = "print('[rank0]: RuntimeError: Connection closed by peer'); sys.exit(1)"
    running = launch(
        says(hello(0), Ended(0, 1), then=victim),
        says(hello(1), then="print('Timeout, server b not responding.'); sys.exit(255)"),
    )
    code = ends(running)
    said = running.why_dead(code, "all_reduce")
    assert said.startswith("host b was lost: `ssh b` ended with exit code 255 during all_reduce: Timeout, server b not")
    running.end()


def test_a_keepers_word_that_a_rank_failed_is_enough_though_its_channel_stays(launch: Launch) -> None:
    """As under srun, which goes on until all keepers have ended; the other ranks may wait for ever."""
    failed = "print('rank 0 (pid 5, host a) ended with exit code -9'); time.sleep(60)"
    running = launch(says(hello(0), Ended(0, 4), then=failed), says(hello(1), then="time.sleep(60)"))
    assert ends(running) == 4
    assert running.why_dead(4, "all_reduce").startswith("rank 0 (pid 5, host a) was killed by SIGKILL")
    running.end()


def test_a_host_that_does_not_reach_the_meeting_point_is_named(launch: Launch) -> None:
    reports = [Report(node, "ab"[node], (), (), reaches_master=node == 0) for node in range(2)]
    running = launch(*(says(hello(n), then=answers(reports[n])) for n in range(2)))
    assert_ordered(running)
    assert running.who_is_missing().startswith("the ranks did not come together: host b does not reach a:4711; ")
    running.end()


def test_a_host_that_answers_no_more_is_named_before_ranks_are_blamed(launch: Launch) -> None:
    here = Report(0, "a", ((0, 100, 7, "S"),), (), reaches_master=True)
    running = launch(says(hello(0), then=answers(here)), says(hello(1), then="time.sleep(60)"))
    assert_ordered(running)
    assert running.who_is_silent(2) == "host b does not answer; it is down or out of reach"
    running.end()


def test_a_lost_link_is_said_before_the_rank_behind_it(launch: Launch) -> None:
    reports = [
        Report(0, "a", ((0, 100, 7, "S"),), (), reaches_master=True),
        Report(1, "b", ((1, 200, 6, "S"),), ("mlx5_0:1",), reaches_master=True),
    ]
    running = launch(*(says(hello(n), then=answers(reports[n])) for n in range(2)))
    assert_ordered(running)
    said = running.who_is_silent(2)
    assert said.startswith("link mlx5_0:1 of host b went down during the launch; rank 1 (pid 200, host b) has not come")
    running.end()


def answers(report: Report) -> str:
    return f"sys.stdin.readline(); print({(MARK + to_line(report))!r}); sys.stdin.read()"


def assert_ordered(running: HostsLaunch) -> None:
    """Poll until the order is out; with keepers that then wait nothing else happens."""
    deadline = time.monotonic() + 60
    while not running.is_ordered:
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
