"""The kernel benchmark against known truth: planted times, planted mistakes, known bytes."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from commbench.bucketing.bench.case import Case, Times
from commbench.bucketing.bench.competitor import Competitor, Prepared, in_set
from commbench.bucketing.bench.measure import Protocol, measure
from commbench.bucketing.bench.oracle import compare
from commbench.bucketing.bench.ours import Ours
from commbench.bucketing.bench.rows import Surroundings, rows
from commbench.bucketing.bench.run import choose, device_of, measure_all
from commbench.bucketing.bench.sets import TensorSet, sets_needed
from commbench.bucketing.bench.timing import HostStopwatch
from commbench.bucketing.bench.torch_peers import torch_peers
from commbench.bucketing.bench.triton_peer import tiles_of
from commbench.bucketing.bench.tune import candidates, ranked, tune
from commbench.bucketing.bench.work import SMALL, Direction, Work, copies_of, workload, works_of
from commbench.errors import ExitCode, UnfitError, UsageError
from commbench.model.gradients import GRADIENT_SETS, GradientSet
from commbench.model.result import Status
from commbench.store.ready import as_table

CPU = torch.device("cpu")
WORK = Work(GradientSet("few", (300, 1, 128)), Direction.PACK, "float32", "bfloat16", is_scaled=True)
PROTOCOL = Protocol(rounds=3, iterations=4, cold_bytes=8 * WORK.moved_bytes)
SETS = 8
ABOUT = Surroundings("run-0", "host", "gpu", "cpu")


class FakeClock:
    """Stands still but for what calls add to it."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


class Planted(Competitor):
    """Does the work with torch, takes as long as it is told, and makes the mistake that is planted."""

    def __init__(self, name: str, clock: FakeClock, takes_ns: int, spoil: Callable[[torch.Tensor, int], None]) -> None:
        self.name, self._clock, self._takes_ns, self._spoil = name, clock, takes_ns, spoil
        self.seen: list[int] = []

    def refusal(self, work: Work, device: torch.device) -> str:
        return ""

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        def call() -> None:
            self.seen.append(tensors.flat.data_ptr())
            self._clock.now_ns += self._takes_ns
            tensors.flat.copy_(torch.cat(tensors.tensors).float() * work.scale)
            self._spoil(tensors.flat, len(self.seen))

        return in_set(work, tensors, call)


def right(flat: torch.Tensor, call: int) -> None:
    """Make no mistake."""


def planted(
    *spoils: Callable[[torch.Tensor, int], None], takes_ns: Sequence[int] = (1000, 3000, 500)
) -> tuple[list[Planted], list[Case]]:
    clock = FakeClock()
    names = ["commbench", "second", "third"]
    competitors = [Planted(*each) for each in zip(names, [clock] * 3, takes_ns, spoils, strict=False)]
    return competitors, measure(WORK, competitors, CPU, HostStopwatch(clock), PROTOCOL)


def test_times_and_ratios_are_those_that_were_planted() -> None:
    _, cases = planted(right, right, right)
    copy = replace(cases[0], work=replace(WORK, direction=Direction.COPY))
    first, second, third, _ = rows([*cases, copy], ABOUT, PROTOCOL.cold_bytes)
    assert [row["device_time_cold_us"] for row in (first, second, third)] == [1.0, 3.0, 0.5]
    assert [row["time_ratio"] for row in (first, second, third)] == [1.0, 3.0, 0.5]
    assert first["samples_ns"] == [1000] * PROTOCOL.rounds * PROTOCOL.iterations
    assert first["bandwidth_gb_s"] == WORK.moved_bytes / 1000
    assert [row["copy_share"] for row in (first, second, third)] == pytest.approx([1.0, 1 / 3, 2.0])


def test_what_is_tuned_is_compared_with_our_default() -> None:
    _, (ours, *_) = planted(right, takes_ns=[1000])
    tuned = replace(ours, tuning={"tile_count": 512}, times=Times((500,), (500,)))
    assert [row["time_ratio"] for row in rows([ours, tuned], ABOUT, 1)] == [1.0, 0.5]


def test_rows_fit_the_columns_of_the_store() -> None:
    _, cases = planted(right, right)
    table = as_table("kernel", rows(cases, ABOUT, PROTOCOL.cold_bytes))
    assert table["status"].to_pylist() == ["ok", "ok"]
    assert table["moved_bytes"].to_pylist() == [429 * 6] * 2


def one_wrong(flat: torch.Tensor, call: int) -> None:
    flat[7] += 1.0


def nothing_done(flat: torch.Tensor, call: int) -> None:
    flat.view(torch.uint8).fill_(0xFF)


def wrong_in_the_end(flat: torch.Tensor, call: int) -> None:
    if call > SETS + PROTOCOL.rounds * PROTOCOL.iterations:
        flat[7] += 1.0


@pytest.mark.parametrize(("spoil", "count", "index"), [(one_wrong, 1, 7), (nothing_done, 429, 0)])
def test_a_competitor_that_is_wrong_is_shown_as_wrong_and_not_timed(
    spoil: Callable[[torch.Tensor, int], None], count: int, index: int
) -> None:
    competitors, (ours, wrong) = planted(right, spoil)
    assert (ours.status, wrong.status) == (Status.OK, Status.WRONG)
    assert wrong.times is None
    assert len(competitors[1].seen) == 2  # the call that makes it ready, and the one that is checked
    row = rows([ours, wrong], ABOUT, PROTOCOL.cold_bytes)[1]
    assert (row["wrong_count"], row["wrong_index"]) == (count, index)
    assert "not timed" in row["error"]
    assert row["time_ratio"] is None
    assert "device_time_cold_us" not in row


def test_a_competitor_that_goes_wrong_while_it_is_timed_loses_its_times() -> None:
    _, (ours, wrong) = planted(right, wrong_in_the_end)
    assert ours.status == Status.OK
    assert (wrong.status, wrong.times) == (Status.WRONG, None)
    assert "after its calls were timed" in wrong.error


def test_a_competitor_that_fails_is_told_and_the_others_are_timed() -> None:
    def failing(flat: torch.Tensor, call: int) -> None:
        raise ValueError("no such\nkernel")

    def failing_late(flat: torch.Tensor, call: int) -> None:
        if call > SETS + 3:
            raise RuntimeError("device lost")

    _, (ours, early, late) = planted(right, failing, failing_late)
    assert (early.status, early.error) == (Status.ERROR, "ValueError: no such")
    assert (late.status, late.error, late.times) == (Status.ERROR, "RuntimeError: device lost", None)
    assert ours.times is not None


def test_cold_calls_rotate_over_all_sets_and_each_was_used_longest_ago() -> None:
    (competitor,), _ = planted(right)
    cold = cold_calls(competitor.seen[1 + SETS :])
    assert len(set(cold)) == SETS
    assert all(len(set(cold[first : first + SETS])) == SETS for first in range(len(cold) - SETS + 1))


def cold_calls(seen: list[int]) -> list[int]:
    """Drop the warm calls: one more than a block after each block."""
    block, warm = PROTOCOL.iterations, PROTOCOL.iterations + 1
    timed = seen[: PROTOCOL.rounds * (block + warm)]
    return [each for place, each in enumerate(timed) if place % (block + warm) < block]


@given(st.integers(0, 10**10), st.integers(1, 2**30))
def test_sets_are_enough_to_be_cold_and_never_fewer_than_two(count: int, cold_bytes: int) -> None:
    work = replace(WORK, workload=GradientSet("one", (count,)))
    sets = sets_needed(work, cold_bytes)
    assert sets >= 2
    assert sets * work.moved_bytes >= cold_bytes or count == 0
    assert (sets - 1) * work.moved_bytes < cold_bytes or sets == 2


@pytest.mark.parametrize(
    "work", [*copies_of(5000), *works_of([SMALL])], ids=lambda work: f"{work.direction}-{work}"[:60]
)
def test_every_torch_peer_and_ours_are_right_or_say_why_not(work: Work) -> None:
    competitors = [each for each in (Ours(), *torch_peers()) if each.name != "torch_compile"]  # it compiles for long
    cases = measure(work, competitors, CPU, HostStopwatch(), Protocol(rounds=1, iterations=2, cold_bytes=1))
    assert cases[0].competitor == "commbench"
    assert cases[0].status == Status.OK
    assert {case.status for case in cases} <= {Status.OK, Status.SKIPPED}
    assert all(case.error for case in cases if case.status == Status.SKIPPED)
    assert all(case.check is not None and case.check.wrong_count == 0 for case in cases if case.status == Status.OK)


class NotASum(Competitor):
    """Writes what came last where it was asked to add."""

    name = "commbench"
    directions = (Direction.UNPACK_ADD, Direction.REDUCE)

    def refusal(self, work: Work, device: torch.device) -> str:
        return ""

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        if work.direction == Direction.UNPACK_ADD:
            return in_set(work, tensors, lambda: torch._foreach_copy_(tensors.tensors, tensors.places))
        (out,), last = tensors.tensors, tensors.flat.view(8, -1)[-1]
        elements, scales = last[: out.numel()].view(torch.float8_e4m3fn), last[out.numel() :].view(torch.float32)
        return in_set(work, tensors, lambda: out.view(-1, 128).copy_(elements.float().view(-1, 128) * scales[:, None]))


@pytest.mark.parametrize(("direction", "bucket"), [("unpack_add", "bfloat16"), ("reduce", "float8_e4m3fn")])
def test_a_copy_where_a_sum_was_asked_for_is_wrong(direction: str, bucket: str) -> None:
    work = Work(GradientSet("few", (2048, 300)), Direction(direction), "float32", bucket)
    (case,) = measure(work, [NotASum()], CPU, HostStopwatch(), PROTOCOL)
    assert case.status == Status.WRONG
    assert case.times is None


def test_peers_that_need_a_gpu_say_so_where_there_is_none() -> None:
    names = ("apex_multi_tensor_scale", "horovod_batched_copy", "cuda_memcpy_batch", "triton_pointer_table")
    work = Work(SMALL, Direction.PACK, "float32", "float32")
    refusals = {each.name: each.refusal(work, CPU) for each in choose(names) if each.name in names}
    assert refusals == dict.fromkeys(names, "it needs a CUDA GPU")
    assert {each.name for each in choose(names) if each.is_reimplemented} == set(names[:2])


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), st.data())
def test_one_wrong_element_is_found_where_it_is(counts: list[int], data: st.DataObject) -> None:
    right_results = [torch.arange(count, dtype=torch.float32) for count in counts]
    results = [each.clone() for each in right_results]
    assert compare(results, right_results).wrong_count == 0
    if sum(counts):
        place = data.draw(st.integers(0, sum(counts) - 1))
        joined = torch.cat(results)
        joined[place] = -1.0
        found = compare(list(joined.split_with_sizes(counts)), right_results)
        assert (found.wrong_count, found.wrong_index) == (1, place)


class Failing(Ours):
    """Breaks what the harness itself does, as a lost device would, when a work is of float16."""

    def refusal(self, work: Work, device: torch.device) -> str:
        if work.bucket_dtype == "float16":
            raise RuntimeError("CUDA error: unspecified launch failure")
        return super().refusal(work, device)


def test_an_error_that_is_no_competitors_ends_the_run_and_keeps_what_was_measured() -> None:
    works = [Work(SMALL, Direction.PACK, "float32", each) for each in ("float32", "float16", "bfloat16")]
    protocol = Protocol(rounds=1, iterations=2, cold_bytes=1)
    cases, end = measure_all(works, [Failing()], CPU, protocol, lambda _: None)
    assert [case.work.bucket_dtype for case in cases] == ["float32"]
    assert end.exit_code == ExitCode.UNFIT
    assert end.left_out == "2 of 3 works were not measured: RuntimeError: CUDA error: unspecified launch failure"
    with pytest.raises(RuntimeError, match="launch failure"):
        measure_all(works[1:], [Failing()], CPU, protocol, lambda _: None)


def test_a_second_ctrl_c_keeps_the_works_that_were_done() -> None:
    said: list[str] = []

    class Pressed(Ours):
        def refusal(self, work: Work, device: torch.device) -> str:
            if said:
                raise KeyboardInterrupt
            return ""

    works = [Work(SMALL, Direction.PACK, "float32", each) for each in ("float32", "bfloat16")]
    cases, end = measure_all(works, [Pressed()], CPU, Protocol(rounds=1, iterations=2, cold_bytes=1), said.append)
    assert [case.work for case in cases] == works[:1]
    assert (end.left_out, end.exit_code) == ("1 of 2 works were not measured: interrupted", ExitCode.INTERRUPTED)


class Queued(HostStopwatch):
    """A clock of the host that, as a GPU's, knows host times apart and a queue that fills."""

    has_host_time = True

    def waits_for_host(self, host_ns: float, launches: int | None) -> bool:
        return (launches or 0) > 2


def test_calls_of_more_launches_than_a_queue_takes_are_marked() -> None:
    peers = [each for each in torch_peers() if each.name in {"torch_copy_each", "torch_cat"}]
    cases = measure(WORK, peers, CPU, Queued(), Protocol(rounds=1, iterations=2, cold_bytes=1))
    marked = {case.competitor: case.times.waits_for_host for case in cases if case.times is not None}
    assert marked == {"torch_cat": False, "torch_copy_each": True}
    stored = {row["competitor"]: "waits_for_host" in row["extra_json"] for row in rows(cases, ABOUT, 1)}
    assert stored == marked


def test_results_of_another_type_or_number_are_wrong() -> None:
    one = [torch.zeros(4)]
    assert compare([torch.zeros(4, dtype=torch.bfloat16)], one).wrong_count == 4
    assert compare([torch.zeros(3)], one).wrong_count == 4
    assert compare([], one).wrong_count


def test_bytes_are_those_of_the_design() -> None:
    """shared/design/kernel.md, 2.3, in MB."""
    packs = {name: Work(workload(name), Direction.PACK, "float32", "bfloat16") for name in GRADIENT_SETS}
    found = {name: round(work.moved_bytes / 1e6, 1) for name, work in packs.items()}
    assert found == {"ddp_25mib": 38.1, "resnet50": 153.3, "gpt2": 746.6, "llama3_8b_layer": 1308.7, "tiny_10000": 3.8}
    e4m3 = replace(packs["llama3_8b_layer"], bucket_dtype="float8_e4m3fn")
    assert e4m3.moved_bytes / e4m3.workload.count == 5 + 4 / 128
    assert replace(WORK, direction=Direction.UNPACK_ADD).moved_bytes == (4 + 4 + 2) * WORK.workload.count
    reduce = Work(GradientSet("one", (8 * 128 * 100,)), Direction.REDUCE, "float32", "float8_e4m3fn")
    assert reduce.plan.message_bytes * 8 + 4 * reduce.plan.shard_count == reduce.moved_bytes
    assert reduce.moved_bytes / reduce.plan.shard_count == 8 * (1 + 4 / 128) + 4


@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=30))
def test_triton_tiles_cover_every_element_once(counts: list[int]) -> None:
    tensors, starts = tiles_of(tuple(counts), tile=4096)
    covered: Counter[int] = Counter()
    for tensor, start in zip(tensors.tolist(), starts.tolist(), strict=True):
        assert start % 4096 == 0
        covered[tensor] += max(0, min(4096, counts[tensor] - start))
    assert [covered[index] for index in range(len(counts))] == counts


def test_the_tuning_sweep_tries_the_default_and_every_choice_of_the_design() -> None:
    tunings = [tuple(each.tuning.items()) for each in candidates()]
    assert tunings[0] == ()
    assert len(set(tunings)) == len(tunings) == 1 + 4 * 2 * 3 * 3 * 2


def test_choices_are_ranked_by_their_time_over_the_defaults_where_all_were_measured() -> None:
    works = [replace(WORK, workload=GradientSet(name, (1,))) for name in ("a", "b")]

    def case(work: Work, tuning: dict[str, int | bool], time_ns: int) -> Case:
        return Case("commbench", False, work, Status.OK, 0, times=Times((time_ns,), (time_ns,)), tuning=tuning)

    cases = [case(works[0], {}, 100), case(works[1], {}, 400)]
    cases += [case(works[0], {"tile_count": 1}, 50), case(works[1], {"tile_count": 1}, 200)]
    cases += [case(works[0], {"tile_count": 2}, 200), case(works[1], {"tile_count": 2}, 400)]
    cases += [case(works[0], {"tile_count": 3}, 1)]  # fast where it was measured, which is not everywhere
    found = [(choice.tuning, round(choice.time_ratio, 3)) for choice in ranked(cases)]
    assert found == [({"tile_count": 1}, 0.5), ({}, 1.0), ({"tile_count": 2}, 1.414)]


def test_what_does_not_exist_is_refused_with_what_does() -> None:
    with pytest.raises(UsageError, match="no workload 'gpt9'; choose some of small, ddp_25mib"):
        workload("gpt9")
    with pytest.raises(UsageError, match="no competitor 'torch_dog'; choose some of commbench"):
        choose(("torch_dog",))


@pytest.mark.skipif(torch.cuda.is_available(), reason="about hosts without a GPU")
def test_without_a_gpu_neither_its_kernel_nor_its_tuning_is_measured() -> None:
    with pytest.raises(UnfitError, match="no CUDA GPU"):
        device_of("cuda")
    with pytest.raises(UnfitError, match="tuning"):
        tune("auto", print)
