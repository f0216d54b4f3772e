"""The test data and its check: right data passes, and every fault that is planted is seen where it is.

What a collective delivers is built here by hand from the send buffers, without the table's `pieces`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce

import pytest
import torch

from commbench.backend.pattern import PERIOD, Pattern
from commbench.collectives import COLLECTIVES, get
from commbench.collectives.base import Geometry, Piece
from commbench.model.dtype import DTYPES, NO_REDOP, REDOPS, Dtype
from commbench.model.result import Correctness

Buffers = Sequence[torch.Tensor]

WORLDS = [1, 2, 3, 8, 300]
AROUND_PERIOD = [65_536, 65_537, 65_538, 3 * 65_537 + 5]
REDUCE: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "sum": lambda a, b: a + b,
    "min": torch.minimum,
    "max": torch.maximum,
}


def exchange(sends: Buffers, counts: Sequence[int], rank: int) -> torch.Tensor:
    start = sum(counts[:rank])
    return torch.cat([send[start : start + counts[rank]] for send in sends])


# What a rank has afterwards; sums are made in the element type, one rank after the other.
BY_HAND: dict[str, Callable[[Buffers, Geometry, str, int], torch.Tensor]] = {
    "all_reduce": lambda sends, geometry, redop, rank: reduce(REDUCE[redop], sends),
    "reduce_scatter": lambda sends, geometry, redop, rank: reduce(REDUCE[redop], sends)[
        rank * geometry.count : (rank + 1) * geometry.count
    ],
    "bucketed_all_reduce": lambda sends, geometry, redop, rank: reduce(REDUCE[redop], sends),
    "bucketed_reduce_scatter": lambda sends, geometry, redop, rank: reduce(REDUCE[redop], sends)[
        sum(geometry.destination_counts[:rank]) : sum(geometry.destination_counts[: rank + 1])
    ],
    "all_gather": lambda sends, geometry, redop, rank: torch.cat(list(sends)),
    "broadcast": lambda sends, geometry, redop, rank: sends[0],
    "send_recv": lambda sends, geometry, redop, rank: sends[rank - 1],
    "all_to_all": lambda sends, geometry, redop, rank: exchange(sends, [geometry.count] * len(sends), rank),
    "all_to_all_v": lambda sends, geometry, redop, rank: exchange(sends, geometry.destination_counts, rank),
}


def send_buffers(pattern: Pattern, dtype: Dtype, counts: Sequence[int], salt: int) -> list[torch.Tensor]:
    sends = [torch.empty(count, dtype=getattr(torch, dtype.name)) for count in counts]
    for rank, send in enumerate(sends):
        pattern.fill(send, rank, salt)
    return sends


class Delivery:
    """A collective done by hand: what one rank receives, and the law it is checked against."""

    def __init__(
        self, collective: str, dtype: str, redop: str, world_size: int, *, elements: int, salt: int = 1
    ) -> None:
        row, kind = get(collective), DTYPES[dtype]
        self.geometry = row.geometry(elements * kind.size_bytes, kind.size_bytes, world_size, 1.0)
        self.row, self.redop, self.salt = row, redop if row.reduces else NO_REDOP, salt
        self.pattern = Pattern(kind, self.redop, world_size)
        counts = [row.buffer_counts(self.geometry, rank)[0] for rank in range(world_size)]
        self.sends = send_buffers(self.pattern, kind, counts, salt)

    def received(self, rank: int) -> torch.Tensor:
        return BY_HAND[self.row.name](self.sends, self.geometry, self.redop, rank).clone()

    def check(self, recv: torch.Tensor, rank: int) -> Correctness:
        return self.pattern.check(recv, self.row.pieces(self.geometry, rank), rank, self.salt)


@pytest.mark.parametrize("world_size", WORLDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("collective", COLLECTIVES)
def test_what_a_collective_delivers_by_hand_is_right(collective: str, dtype: str, world_size: int) -> None:
    for redop in REDOPS if get(collective).reduces else [NO_REDOP]:
        done = Delivery(collective, dtype, redop, world_size, elements=world_size * 48)
        for rank in {0, world_size // 2, world_size - 1}:
            recv = done.received(rank)
            assert len(recv) == get(collective).buffer_counts(done.geometry, rank)[1]
            assert done.geometry.count > 0
            assert done.check(recv, rank) == Correctness()


@pytest.mark.parametrize("elements", AROUND_PERIOD)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("collective", ["all_reduce", "broadcast", "all_gather"])
def test_messages_as_long_as_the_tables_period_and_longer_are_right(collective: str, dtype: str, elements: int) -> None:
    done = Delivery(collective, dtype, "sum", 2, elements=elements)
    assert done.check(done.received(1), 1) == Correctness()


@pytest.mark.parametrize("world_size", WORLDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_over_all_ranks_are_exact_in_the_element_type(dtype: str, world_size: int) -> None:
    done = Delivery("all_reduce", dtype, "sum", world_size, elements=4096)
    exact = sum((send.to(torch.int64) for send in done.sends), torch.zeros(4096, dtype=torch.int64))
    assert 0 < int(exact.max()) <= DTYPES[dtype].exact_limit
    assert torch.equal(done.received(0).to(torch.int64), exact)
    assert torch.equal(reduce(REDUCE["sum"], done.sends[::-1]), done.received(0))


@pytest.mark.parametrize("dtype", DTYPES)
def test_send_buffers_differ_between_ranks_between_salts_and_between_places(dtype: str) -> None:
    pattern = Pattern(DTYPES[dtype], "sum", 8)
    salts = [send_buffers(pattern, DTYPES[dtype], [1024] * 8, salt) for salt in (0, 1, 2)]
    buffers = [send for sends in salts for send in sends]
    assert len({tuple(send.tolist()) for send in buffers}) == 3 * 8
    halves = {tuple(half.tolist()) for send in buffers for half in send.chunk(2)}
    assert len(halves) == 2 * 3 * 8


@pytest.mark.parametrize("elements", AROUND_PERIOD)
def test_a_send_buffer_repeats_after_one_period_and_not_before(elements: int) -> None:
    (send,) = send_buffers(Pattern(DTYPES["int32"], "none", 2), DTYPES["int32"], [elements], salt=1)
    assert torch.equal(send[PERIOD:], send[: max(0, elements - PERIOD)])
    assert not torch.equal(send[1:1000], send[:999])


def poison(recv: torch.Tensor) -> float:
    return float("nan") if recv.is_floating_point() else 0


def swap(recv: torch.Tensor, chunks: Buffers) -> None:
    first, last = chunks[1].clone(), chunks[-2].clone()
    chunks[1].copy_(last)
    chunks[-2].copy_(first)


def drop(recv: torch.Tensor, chunks: Buffers) -> None:
    chunks[2].fill_(poison(recv))


def double(recv: torch.Tensor, chunks: Buffers) -> None:
    chunks[3].copy_(chunks[2])


def shift(recv: torch.Tensor, chunks: Buffers) -> None:
    chunks[2].copy_(chunks[2].roll(1))


def misplace_all(recv: torch.Tensor, chunks: Buffers) -> None:
    recv.copy_(recv.roll(len(chunks[0])))


def one_off_first(recv: torch.Tensor, chunks: Buffers) -> None:
    nudge(recv, 0)


def one_off_last(recv: torch.Tensor, chunks: Buffers) -> None:
    nudge(recv, len(recv) - 1)


def nudge(recv: torch.Tensor, index: int) -> None:
    recv[index] += -1 if recv[index] > 0 else 1


FAULTS = [swap, drop, double, shift, misplace_all, one_off_first, one_off_last]


def assert_told(done: Delivery, right: torch.Tensor, faulty: torch.Tensor, rank: int) -> None:
    """Assert that the verdict is exactly the difference between what is there and what is right."""
    wrong = (faulty != right).nonzero().flatten()
    assert len(wrong) > 0, "the fault changed nothing: it cannot be seen by any check"
    index = int(wrong[0])
    verdict = done.check(faulty, rank)
    got = float(faulty[index])
    assert math.isnan(verdict.got) if math.isnan(got) else verdict.got == got
    assert replace(verdict, got=0.0) == Correctness(len(wrong), rank, index, float(right[index]))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("collective", COLLECTIVES)
def test_every_planted_fault_is_told_with_its_count_place_and_values(
    collective: str, dtype: str, fault: Callable[[torch.Tensor, Buffers], None]
) -> None:
    done = Delivery(collective, dtype, "sum", 8, elements=8 * 512)
    for rank in (0, 5):
        right = done.received(rank)
        faulty = right.clone()
        fault(faulty, faulty.chunk(8))
        assert_told(done, right, faulty, rank)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("collective", COLLECTIVES)
def test_data_of_another_check_is_told(collective: str, dtype: str) -> None:
    done, stale = (Delivery(collective, dtype, "max", 8, elements=8 * 512, salt=salt) for salt in (2, 1))
    assert_told(done, done.received(3), stale.received(3), 3)


@pytest.mark.parametrize("redop", REDOPS)
@pytest.mark.parametrize("world_size", [2, 3, 8, 300])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_reduction_that_misses_one_rank_is_told(dtype: str, world_size: int, redop: str) -> None:
    done = Delivery("all_reduce", dtype, redop, world_size, elements=4096)
    right = done.received(0)
    without_last = reduce(REDUCE[redop], done.sends[:-1])
    if world_size == 300 and redop != "sum" and torch.equal(without_last, right):
        pytest.skip("of 300 small integers the smallest is the same without one of them: no check can tell")
    assert_told(done, right, without_last, 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sum_that_counts_one_rank_twice_is_told(dtype: str) -> None:
    done = Delivery("reduce_scatter", dtype, "sum", 8, elements=8 * 512)
    right = done.received(6)
    part = done.sends[2][6 * done.geometry.count : 7 * done.geometry.count]
    assert_told(done, right, right + part, 6)


@pytest.mark.parametrize("elements", AROUND_PERIOD)
@pytest.mark.parametrize("dtype", ["float32", "uint8", "bfloat16"])
def test_one_wrong_element_anywhere_in_a_long_message_is_told_with_its_place(dtype: str, elements: int) -> None:
    done = Delivery("all_reduce", dtype, "sum", 2, elements=elements)
    right = done.received(1)
    for index in {0, 1, PERIOD - 2, PERIOD - 1, PERIOD, PERIOD + 1, 2 * PERIOD, elements - 1}:
        if index < elements:
            faulty = right.clone()
            nudge(faulty, index)
            assert_told(done, right, faulty, 1)


def test_of_faults_in_several_periods_and_in_the_rest_the_first_is_told_and_all_are_counted() -> None:
    done = Delivery("all_reduce", "int32", "sum", 2, elements=3 * PERIOD + 5)
    right = done.received(0)
    faulty = right.clone()
    for index in (PERIOD + 7, 2 * PERIOD + 1, 3 * PERIOD + 4):
        nudge(faulty, index)
    assert_told(done, right, faulty, 0)
    assert done.check(faulty, 0).wrong_count == 3
    assert done.check(faulty, 0).index == PERIOD + 7


def test_of_faults_in_several_pieces_the_first_is_told_and_all_are_counted() -> None:
    done = Delivery("all_gather", "float32", NO_REDOP, 4, elements=4 * PERIOD * 2)
    right = done.received(2)
    faulty = right.clone()
    for index in (3 * done.geometry.count + PERIOD, done.geometry.count + PERIOD + 3):
        nudge(faulty, index)
    assert_told(done, right, faulty, 2)


def test_an_empty_message_is_right() -> None:
    pattern = Pattern(DTYPES["float32"], "sum", 2)
    pattern.fill(torch.empty(0), 0, 1)
    assert pattern.check(torch.empty(0), [Piece(0, 0, ((0, 0), (1, 0)))], 0, 1) == Correctness()
