import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from commbench.journal.codec import environment_from_json, result_from_json, result_to_json
from commbench.model.environment import Environment, HostFacts
from commbench.model.evidence import Evidence, Verdict, worst
from commbench.model.result import Correctness, PointResult, Samples, Status

from .journals import make_plan

PLAN = make_plan()

numbers = st.floats(allow_nan=False)
shapes = array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=6)


@st.composite
def stamps(draw: st.DrawFn) -> Samples:
    shape = draw(shapes)
    enter, leave = (draw(arrays(np.int64, shape)) for _ in range(2))
    return Samples(enter_ns=enter, exit_ns=leave)


results = st.builds(
    PointResult,
    point=st.sampled_from(PLAN.points),
    attempt=st.integers(0, 99),
    status=st.sampled_from(Status),
    started_at_ns=st.integers(-(2**63), 2**63 - 1),
    error=st.text(),
    correctness=st.builds(Correctness, expected=numbers, got=numbers),
    samples=st.none() | stamps(),
    stopping=st.text(),
    first_call_us=st.none() | numbers,
    timer=st.text(),
    timer_resolution_ns=numbers,
    hosts=st.lists(st.text(), max_size=4).map(tuple),
    evidence=st.none()
    | st.builds(
        Evidence,
        verdict=st.sampled_from(Verdict).map(str),
        expected_bytes=st.none() | st.integers(0, 2**63 - 1),
        moved_share=st.none() | numbers,
        link_rate_gbit_s=st.none() | numbers,
        counters_json=st.text(),
        algorithm=st.text(),
    ),
)


def through_a_line(result: PointResult) -> PointResult:
    line = json.dumps(result_to_json(result))
    assert "\n" not in line
    return result_from_json(json.loads(line), PLAN)


@given(results)
def test_a_result_comes_back_exactly_with_or_without_samples(result: PointResult) -> None:
    again = through_a_line(result)
    assert replace(again, samples=None) == replace(result, samples=None)
    assert (again.samples is None) == (result.samples is None)
    if again.samples is not None and result.samples is not None:
        np.testing.assert_array_equal(again.samples.enter_ns, result.samples.enter_ns)
        np.testing.assert_array_equal(again.samples.exit_ns, result.samples.exit_ns)


@pytest.mark.parametrize(
    "row", [[2**63 - 1, -(2**63), 2**63 - 1], [5, 3, 1], [0, 0, 0], [-1]], ids=["extremes", "falling", "equal", "one"]
)
def test_stamps_come_back_to_the_nanosecond_whatever_their_differences(row: list[int]) -> None:
    samples = Samples(np.array([row], dtype=np.int64), np.array([row[::-1]], dtype=np.int64))
    again = through_a_line(PointResult(PLAN.points[0], 0, Status.OK, 0, samples=samples)).samples
    assert again is not None
    assert (again.enter_ns.tolist(), again.exit_ns.tolist()) == ([row], [row[::-1]])
    assert again.enter_ns.dtype == np.int64


def test_a_point_that_was_never_overwritten_keeps_its_not_a_number() -> None:
    verdict = Correctness(1, 0, 0, expected=3.0, got=float("nan"))
    again = through_a_line(PointResult(PLAN.points[0], 0, Status.WRONG, 0, correctness=verdict)).correctness
    assert math.isnan(again.got)
    assert replace(again, got=0.0) == replace(verdict, got=0.0)


def test_regular_stamps_are_packed_small() -> None:
    ranks, calls = 8, 1000
    enter = np.arange(ranks * calls, dtype=np.int64).reshape(ranks, calls) * 30_000
    fields = result_to_json(PointResult(PLAN.points[0], 0, Status.OK, 0, samples=Samples(enter, enter + 7_000)))
    assert len(json.dumps(fields)) < 2 * ranks * calls  # plain numbers would take ten times that


hosts = st.builds(
    HostFacts,
    ranks=st.lists(st.integers(0, 99), max_size=3).map(tuple),
    gpus=st.lists(st.text(), max_size=3).map(tuple),
    variables=st.dictionaries(st.text(), st.text(), max_size=2),
    conf_files=st.dictionaries(st.text(), st.text(), max_size=2),
)


@given(st.builds(Environment, hosts=st.lists(hosts, max_size=3).map(tuple)))
def test_an_environment_comes_back_exactly(environment: Environment) -> None:
    assert environment_from_json(json.loads(json.dumps(asdict(environment)))) == environment


def test_a_result_from_before_there_was_evidence_is_read() -> None:
    result = PointResult(PLAN.points[0], 0, Status.OK, 0)
    fields = result_to_json(result)
    del fields["evidence"]
    assert result_from_json(fields, PLAN) == result


def test_the_worst_verdict_stands_for_all() -> None:
    assert worst(()) is None
    assert worst(("proven", "contradicted", "unknown")) == "contradicted"
    assert worst(("proven", "planned")) == "planned"
    assert worst(("proven",)) == "proven"
