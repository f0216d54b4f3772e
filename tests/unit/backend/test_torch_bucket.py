"""A bucketed point tells right from wrong, whatever travels: one rank, with the library in the test's hands."""

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch

from commbench.backend.torch_bucket import BucketPoint, Buckets
from commbench.model.dtype import BUCKET_DTYPES
from commbench.model.gradients import GradientSet
from commbench.model.point import Point
from commbench.model.result import Correctness

if TYPE_CHECKING:
    from commbench.backend.torch_library import TorchLibrary

COUNTS = (300, 1, 0, 129, 4096)
SET = GradientSet("few", COUNTS)
COLLECTIVES = ("bucketed_all_reduce", "bucketed_reduce_scatter")


@dataclass
class Alone:
    """The library of a world of one rank; `fault` is what it does to every message that it has carried."""

    calls: list[str] = field(default_factory=list)
    fault: Any = None

    def all_reduce(self, buffer: torch.Tensor) -> None:
        self._carry("all_reduce", buffer, buffer)

    def reduce_scatter_single(self, out: torch.Tensor, buffer: torch.Tensor) -> None:
        self._carry("reduce_scatter", out, buffer)

    def all_to_all_single(self, out: torch.Tensor, buffer: torch.Tensor) -> None:
        self._carry("all_to_all", out, buffer)

    def all_gather_single(self, out: torch.Tensor, buffer: torch.Tensor) -> None:
        self._carry("all_gather", out, buffer)

    def _carry(self, name: str, out: torch.Tensor, buffer: torch.Tensor) -> None:
        self.calls.append(name)
        out.copy_(buffer.clone())
        if self.fault:
            self.fault(out)


def bound(collective: str, dtype: str, library: Alone, launch: str = "host") -> BucketPoint:
    size = sum(COUNTS) * BUCKET_DTYPES[dtype].size_bytes
    point = Point(
        *(0, collective, size, size, sum(COUNTS), dtype, "sum", 1, 1),
        *(False, "gloo", "auto", "isolated", launch, 0.0, 0, 0.0),
        gradients=SET.name,
    )
    numbers = itertools.count()
    buckets = Buckets({SET.name: SET}, torch.device("cpu"), lambda: next(numbers))
    return buckets.bind(point, cast("TorchLibrary", library), 0)


def verdict_of(point: BucketPoint, salt: int = 1) -> Correctness:
    point.prepare(salt)
    point.call()
    return point.check(salt)


@pytest.mark.parametrize("dtype", BUCKET_DTYPES)
@pytest.mark.parametrize("collective", COLLECTIVES)
def test_what_was_packed_carried_and_unpacked_is_right(collective: str, dtype: str) -> None:
    point = bound(collective, dtype, Alone())
    assert [verdict_of(point, salt).wrong_count for salt in (1, 2)] == [0, 0]


@pytest.mark.parametrize("dtype", BUCKET_DTYPES)
@pytest.mark.parametrize("collective", COLLECTIVES)
def test_a_call_that_did_nothing_or_left_old_data_is_wrong(collective: str, dtype: str) -> None:
    point = bound(collective, dtype, Alone())
    point.prepare(1)
    assert point.check(1).wrong_count == sum(COUNTS)
    point.call()
    assert point.check(2).wrong_count > sum(COUNTS) / 3


@pytest.mark.parametrize("dtype", BUCKET_DTYPES)
@pytest.mark.parametrize("collective", COLLECTIVES)
def test_one_lost_byte_range_of_a_message_is_told_with_its_place(collective: str, dtype: str) -> None:
    """Element 300 is the single one of the second gradient; it begins at element 384 of the bucket."""

    def lose(out: torch.Tensor) -> None:
        out[384:385] = 119 if out.dtype == torch.uint8 else 99

    verdict = verdict_of(bound(collective, dtype, Alone(fault=lose)))
    assert (verdict.wrong_count, verdict.index) == (1, 300)


def test_a_nan_on_the_wire_is_never_right() -> None:
    def spoil(out: torch.Tensor) -> None:
        out[0] = 0x7F  # NaN in e4m3

    assert verdict_of(bound(COLLECTIVES[0], "float8_e4m3fn", Alone(fault=spoil))).wrong_count > 0


@pytest.mark.parametrize(
    ("collective", "dtype", "calls"),
    [
        ("bucketed_all_reduce", "float32", ["all_reduce"]),
        ("bucketed_all_reduce", "float8_e4m3fn", ["all_to_all", "all_gather"]),
        ("bucketed_reduce_scatter", "bfloat16", ["reduce_scatter"]),
        ("bucketed_reduce_scatter", "float8_e4m3fn", ["all_to_all"]),
    ],
)
def test_e4m3_is_never_reduced_by_the_library(collective: str, dtype: str, calls: list[str]) -> None:
    library = Alone()
    verdict_of(bound(collective, dtype, library))
    assert library.calls == calls


def test_every_call_leaves_two_marks_until_they_are_taken() -> None:
    point = bound(COLLECTIVES[0], "float32", Alone())
    point.prepare(1)
    for _ in range(3):
        point.call()
    assert list(point.take_marks()) == [0, 1, 2, 3, 4, 5]
    assert list(point.take_marks()) == []


def test_a_call_that_is_to_be_recorded_in_a_graph_leaves_no_marks() -> None:
    point = bound(COLLECTIVES[0], "float32", Alone(), launch="graph")
    point.prepare(1)
    point.call()
    assert list(point.take_marks()) == []
