import random
import time
from itertools import pairwise, product

import numpy as np
import pytest

from commbench.measure.clock_offsets import Correction, OffsetBound, correction_between, intersect

from .faulty_clocks import FaultyClock, Wire, compare_in_another_process
from .table import TruthTable

WHERE = "truth/test_clock_truth.py"

OFFSETS_NS = (0, 1_000, 1_000_000, 5_000_000, 1_000_000_000)
DRIFTS = (0.0, 10e-6, 100e-6, -100e-6, 500e-6)
ROUND_TRIPS_NS = (5_000, 17_000, 100_000, 500_000)
SHARES_THERE = (0.5, 0.1, 0.9)  # symmetric, 1:9 and 9:1
PINGS, VISIT_NS = 30, 20_000_000


def _sync(wire: Wire, clock: FaultyClock) -> OffsetBound:
    bound = intersect([wire.ping(clock) for _ in range(PINGS)])
    assert bound is not None
    return bound


def _offset_error_ns(bound: OffsetBound, clock: FaultyClock) -> float:
    return abs(bound.offset_ns - (clock.true(bound.at_ns) - bound.at_ns))


def test_the_true_offset_is_within_the_bound_on_every_clock_and_wire(truth_table: TruthTable) -> None:
    generator, syncs, outside, widths = random.Random(0), 0, 0, []
    for offset, drift, round_trip, share in product(OFFSETS_NS, DRIFTS, ROUND_TRIPS_NS, SHARES_THERE):
        clock, wire = FaultyClock(offset, drift), Wire(round_trip, share, generator)
        for _ in range(10):
            bound = _sync(wire, clock)
            syncs += 1
            outside += _offset_error_ns(bound, clock) > bound.bound_ns
            widths.append(bound.bound_ns / round_trip)
    truth_table.add(
        "P11: the bound of a clock comparison covers its error",
        "offset 0 to 1 s, drift to 500 ppm, round trip 5 to 500 us, asymmetry to 1:9, simulated",
        f"{outside} of {syncs} outside; median bound {np.median(widths):.2f} round trips",
        outside == 0,
        WHERE,
    )
    assert outside == 0
    assert np.median(widths) < 0.6  # a bound that is always true must not be so because it is endless


def test_stamps_between_two_syncs_are_right_within_the_bound_despite_drift(truth_table: TruthTable) -> None:
    generator, worst_ns, outside, stamps = random.Random(1), 0.0, 0, 0
    for offset, drift, round_trip, share in product(OFFSETS_NS, DRIFTS, ROUND_TRIPS_NS, SHARES_THERE):
        clock, wire = FaultyClock(offset, drift), Wire(round_trip, share, generator)
        before, began_ns = _sync(wire, clock), wire.now_ns
        wire.now_ns += VISIT_NS
        ended_ns, after = wire.now_ns, _sync(wire, clock)
        true_ns = np.linspace(began_ns, ended_ns, 50).astype(np.int64)
        local_ns = np.array([clock.at(int(stamp)) for stamp in true_ns], dtype=np.int64)
        correction = correction_between(before, after)
        assert correction is not None
        error_ns = np.abs(correction.to_root(local_ns) - true_ns)
        stamps += len(error_ns)
        outside += int((error_ns > correction.bound_ns).sum())
        worst_ns = max(worst_ns, float((error_ns / round_trip).max()))
    truth_table.add(
        "P11: stamps of drifting clocks are put right",
        "20 ms visits between two syncs, clocks and wires as above",
        f"{outside} of {stamps} stamps outside the bound; worst error {worst_ns:.2f} round trips",
        outside == 0,
        WHERE,
    )
    assert outside == 0


@pytest.mark.parametrize("step_ns", [100_000, -100_000, 1_000_000_000])
def test_a_clock_that_steps_during_a_sync_yields_no_offset(step_ns: int) -> None:
    wire = Wire(17_000, 0.5, random.Random(2))
    before, after = FaultyClock(5_000_000), FaultyClock(5_000_000 + step_ns)
    assert intersect([wire.ping(before if i < 15 else after) for i in range(PINGS)]) is None


@pytest.mark.parametrize("step_ns", [100_000, -100_000, 1_000_000_000])
def test_a_clock_that_steps_between_two_syncs_yields_no_correction(step_ns: int) -> None:
    wire = Wire(17_000, 0.5, random.Random(3))
    before = _sync(wire, FaultyClock(5_000_000))
    wire.now_ns += VISIT_NS
    after = _sync(wire, FaultyClock(5_000_000 + step_ns))
    assert Correction(before, after).has_step
    assert correction_between(before, after) is None
    assert correction_between(before, None) is None


def test_stamps_of_any_size_lose_no_nanosecond() -> None:
    far = 2**62
    correction = Correction(OffsetBound(far, 10**15 + 1, 5), OffsetBound(far + 1000, 10**15 + 1, 7))
    assert correction.to_root(np.array([far + 1, far + 3], dtype=np.int64)).tolist() == [
        far + 10**15 + 2,
        far + 10**15 + 4,
    ]
    assert correction.bound_ns == 8


def test_one_delayed_ping_does_not_spoil_the_others() -> None:
    wire, clock = Wire(17_000, 0.5, random.Random(4)), FaultyClock(7_000_000, 500e-6)
    pings = [wire.ping(clock) for _ in range(10)]
    wire.now_ns += 50_000_000
    pings += [wire.ping(clock) for _ in range(20)]
    bound = intersect(pings)
    assert bound is not None
    assert _offset_error_ns(bound, clock) <= bound.bound_ns < 12_000


@pytest.mark.ranks
def test_a_planted_offset_and_drift_are_found_through_real_sockets(truth_table: TruthTable) -> None:
    clock = FaultyClock(5_000_000, 100e-6, time.perf_counter_ns())
    found = compare_in_another_process(clock, [0.02] * 100)
    errors_ns = [_offset_error_ns(bound, clock) for bound in found]
    inside = sum(error <= bound.bound_ns for error, bound in zip(errors_ns, found, strict=True))
    corrections = [Correction(before, after) for before, after in pairwise(found)]
    middle = [correction.before.at_ns + 10_000_000 for correction in corrections]
    corrected = [
        int(each.to_root(np.array([at], dtype=np.int64))[0]) for each, at in zip(corrections, middle, strict=True)
    ]
    right = sum(
        abs(root - clock.true(at)) <= each.bound_ns
        for root, at, each in zip(corrected, middle, corrections, strict=True)
    )
    truth_table.add(
        "P11: a planted clock fault is found",
        "+5 ms and 100 ppm on rank 1, two processes, 100 syncs",
        f"{inside} of {len(found)} within the bound; median error {np.median(errors_ns) / 1e3:.2f} us, "
        f"median bound {np.median([bound.bound_ns for bound in found]) / 1e3:.1f} us",
        inside == len(found) and right == len(corrections),
        WHERE,
    )
    assert inside == len(found)
    assert right == len(corrections)
    assert not any(correction.has_step for correction in corrections)
    drift = (found[-1].offset_ns - found[0].offset_ns) / (found[-1].at_ns - found[0].at_ns)
    assert drift == pytest.approx(-100e-6, abs=40e-6)
