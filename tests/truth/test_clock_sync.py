import socket
import threading
import time

import pytest

from commbench.errors import RankError
from commbench.measure import clock_link
from commbench.measure.clock_offsets import OffsetBound
from commbench.measure.clock_sync import ClockSync

from .faulty_clocks import LOOPBACK, Board, FaultyClock, in_threads

CLOCKS = [FaultyClock(), FaultyClock(3_000_000), FaultyClock(3_000_000), FaultyClock(-9_000_000)]


def _compare(world_size: int, ranks: int, clock_ids: tuple[str, ...] = ("",) * 4) -> list[OffsetBound | None]:
    board = Board()

    def work(rank: int) -> OffsetBound | None:
        arguments = (board, rank, world_size, LOOPBACK, CLOCKS[rank].now)
        sync = ClockSync.open(*arguments, clock_id=clock_ids[rank], limit_s=20)
        try:
            return sync.sync(range(ranks)) if rank < ranks else None
        finally:
            sync.close()

    found = in_threads(world_size, work)
    assert all(each is None or isinstance(each, OffsetBound) for each in found), found
    return found  # type: ignore[return-value]


def _agrees(bound: OffsetBound | None, clock: FaultyClock) -> bool:
    return bound is not None and abs(bound.offset_ns + clock.offset_ns) <= bound.bound_ns


def test_every_rank_learns_its_own_offset_and_rank_0_is_the_reference() -> None:
    found = _compare(4, 4)
    assert found[0] == OffsetBound(0, 0, 0)
    assert all(_agrees(bound, clock) for bound, clock in zip(found, CLOCKS, strict=True))


def test_ranks_outside_the_group_take_no_part() -> None:
    found = _compare(4, 2)
    assert _agrees(found[1], CLOCKS[1])
    assert found[2:] == [None, None]


def test_a_rank_alone_needs_no_sockets() -> None:
    assert _compare(1, 1) == [OffsetBound(0, 0, 0)]


def test_ranks_with_one_clock_share_one_comparison() -> None:
    found = _compare(4, 4, ("a", "b", "b", "a"))
    assert found[1] == found[2]
    assert _agrees(found[1], CLOCKS[1])
    assert found[3] == OffsetBound(0, 0, 0)  # told that it has rank 0's clock, it does not ping


def test_no_thread_is_left_between_syncs() -> None:
    before, seen = threading.active_count(), []
    board = Board()

    def work(rank: int) -> None:
        sync = ClockSync.open(board, rank, 2, LOOPBACK, time.perf_counter_ns)
        sync.sync((0, 1))
        seen.append(threading.active_count())
        sync.close()

    in_threads(2, work)
    assert max(seen) <= before + 2  # the two that play the ranks


def test_a_rank_that_dies_is_named_at_once() -> None:
    board = Board()

    def work(rank: int) -> None:
        sync = ClockSync.open(board, rank, 2, LOOPBACK, time.perf_counter_ns)
        try:
            if rank == 0:
                sync.sync((0, 1))
        finally:
            sync.close()

    began = time.monotonic()
    error = in_threads(2, work)[0]
    assert isinstance(error, RankError)
    assert "lost rank 1" in str(error)
    assert time.monotonic() - began < 10


def test_a_silent_rank_is_given_up_after_the_limit() -> None:
    board, done = Board(), threading.Event()

    def work(rank: int) -> None:
        sync = ClockSync.open(board, rank, 2, LOOPBACK, time.perf_counter_ns, limit_s=2)
        try:
            if rank == 0:
                sync.sync((0, 1))
            else:
                done.wait(20)
        finally:
            done.set()
            sync.close()

    error = in_threads(2, work)[0]
    assert isinstance(error, RankError)
    assert "lost rank 1 while comparing clocks: no answer in time" in str(error)


def test_ranks_that_never_come_are_named() -> None:
    with pytest.raises(RankError, match=r"ranks \[1, 2\] did not connect"):
        ClockSync.open(Board(), 0, 3, LOOPBACK, time.perf_counter_ns, limit_s=0.2)


def test_an_address_that_cannot_be_reached_says_what_to_do() -> None:
    board = Board()
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
    board.announce("clock", f"{port} {'00' * 16}")
    with pytest.raises(RankError, match=r'rank 1 cannot reach .*clock_sync = "never"'):
        ClockSync.open(board, 1, 2, LOOPBACK, time.perf_counter_ns, limit_s=1)


def test_a_stranger_on_the_port_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_link, "_HELLO_LIMIT_S", 0.2)
    board = Board()

    def work(rank: int) -> OffsetBound | None:
        if rank == 1:
            port = int(board.hear("clock").split()[0])
            with socket.create_connection((LOOPBACK, port)) as loud, socket.create_connection((LOOPBACK, port)):
                loud.sendall(b"GET / HTTP/1.1 and then some more, to fill a greeting")
                time.sleep(0.1)
        sync = ClockSync.open(board, rank, 2, LOOPBACK, CLOCKS[rank].now)
        try:
            return sync.sync((0, 1))
        finally:
            sync.close()

    found = in_threads(2, work)
    assert isinstance(found[1], OffsetBound), found
    assert _agrees(found[1], CLOCKS[1])
