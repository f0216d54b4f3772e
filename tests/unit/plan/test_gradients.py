"""Gradient sets in suites: what they hold, how they make points, and what is said when they cannot be right."""

from pathlib import Path

import pytest

from commbench.bucketing.layout import UNIT_COUNT as BUCKET_UNIT_COUNT
from commbench.errors import SuiteError
from commbench.model.gradients import GRADIENT_SETS, UNIT_COUNT, known_set
from commbench.model.plan import Plan
from commbench.plan.expand import expand
from commbench.plan.load import load
from tests.unit.plan.suites_for_tests import write

BOTH = '["bucketed_all_reduce", "bucketed_reduce_scatter"]'
PLENTY = 2**40


def suite(sweep: str, collectives: str = BOTH) -> str:
    head = ["[suite]", 'name = "mine"', "[sweep]", f"collectives = {collectives}"]
    return "\n".join([*head, "ranks = [2]", 'backend = "gloo"', sweep])


def plan_of(folder: Path, sweep: str, collectives: str = BOTH) -> Plan:
    return expand(load(str(write(folder, suite(sweep, collectives)))), memory_bytes_available=PLENTY)


@pytest.mark.parametrize(
    ("name", "tensors", "count"),
    [
        ("resnet50", 161, 25_557_032),
        ("gpt2", 148, 124_439_808),
        ("llama3_8b_layer", 9, 218_112_000),
        ("ddp_25mib", 70, 6_356_992),
        ("tiny_10000", 10_000, 640_000),
    ],
)
def test_a_known_set_has_the_tensors_and_parameters_of_its_model(name: str, tensors: int, count: int) -> None:
    found = known_set(name)
    assert (len(found.counts), found.count) == (tensors, count)
    assert name in GRADIENT_SETS


def test_planning_and_buckets_agree_on_the_unit() -> None:
    assert UNIT_COUNT == BUCKET_UNIT_COUNT


def test_the_size_follows_from_the_set_and_the_type_that_travels_and_sizes_multiply_nothing(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        'sizes = ["1KiB", "4KiB"]\ngradients = ["resnet50", "gpt2"]\ndtypes = ["float32", "float8_e4m3fn"]\n'
        'redops = ["sum", "max"]\nin_place = [true, false]',
        '["bucketed_all_reduce", "broadcast"]',
    )
    bucketed = [point for point in plan.points if point.gradients]
    assert [(point.gradients, point.dtype, point.size_bytes) for point in bucketed] == [
        ("resnet50", "float32", 4 * 25_557_032),
        ("gpt2", "float32", 4 * 124_439_808),
        ("resnet50", "float8_e4m3fn", 25_557_032),
        ("gpt2", "float8_e4m3fn", 124_439_808),
    ]
    assert {(point.redop, point.in_place, point.skip_reason) for point in bucketed} == {("sum", False, "")}
    of_others = [point for point in plan.points if not point.gradients and point.dtype == "float32" and point.in_place]
    assert [point.size_bytes for point in of_others] == [1024, 4096]


def test_a_type_that_nothing_can_carry_is_skipped_with_the_reason(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        'sizes = [1024]\ndtypes = ["float32", "int32", "float8_e4m3fn"]',
        '["all_reduce", "bucketed_all_reduce"]',
    )
    reasons = {(point.collective, point.dtype): point.skip_reason for point in plan.points}
    assert reasons["bucketed_all_reduce", "int32"].startswith("bucketed_all_reduce cannot carry int32, only float32,")
    assert reasons["all_reduce", "float8_e4m3fn"].startswith("all_reduce cannot carry float8_e4m3fn, only float32,")
    assert reasons["all_reduce", "int32"] == reasons["bucketed_all_reduce", "float8_e4m3fn"] == ""


def test_shapes_come_from_a_file_beside_the_suite_under_a_name_that_changes_with_them(tmp_path: Path) -> None:
    names = []
    for shapes in ("[[64, 3, 7, 7], [64], [], [0, 5]]", "[[64, 3, 7, 7], [65], [], [0, 5]]"):
        (tmp_path / "mine-shapes.toml").write_text(f"shapes = {shapes}")
        (found,) = plan_of(tmp_path, 'gradients = ["mine-shapes.toml"]').gradients
        names.append(found.name)
    assert found.counts == (9408, 65, 1, 0)
    assert all(name.startswith("mine-shapes-") for name in names)
    assert len(set(names)) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"shapes = [[1, 2]", "not TOML"),
        (b"\xff\xfe", "not TOML"),
        (b"", "has the keys none; a file of shapes is one line: shapes = "),
        (b"shape = [[1]]", "has the keys 'shape'; "),
        (b"shapes = []", "shapes must be a list of 1 to 1,000,000 shapes"),
        (b'shapes = "all"', "shapes must be a list"),
        (b"shapes = [[2], 7]", "shapes.1: 7 is no shape"),
        (b"shapes = [[2, -1]]", "shapes.0: .* is no shape"),
        (b"shapes = [[true]]", "shapes.0: .* is no shape"),
        (b"shapes = [[2.5]]", "shapes.0: .* is no shape"),
        (b"shapes = [[0], [0, 3]]", "0 elements in all"),
        (
            b"shapes = [[1_000_000, 1_000_000]]",
            "1,000,000,000,000 elements in all; a bucket holds 1 to 274,877,906,944",
        ),
    ],
)
def test_a_file_of_nonsense_is_one_clear_message(tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "shapes.toml").write_bytes(text)
    with pytest.raises(SuiteError, match=message) as raised:
        plan_of(tmp_path, 'gradients = ["shapes.toml"]')
    assert str(raised.value).startswith(str(tmp_path / "shapes.toml"))


def test_a_file_that_is_not_there_or_has_no_simple_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"none\.toml: no such file of shapes; sweep.gradients names it"):
        plan_of(tmp_path, 'gradients = ["none.toml"]')
    (tmp_path / "1 2.toml").write_text("shapes = [[1]]")
    with pytest.raises(SuiteError, match="its name becomes the set's; start with a letter"):
        plan_of(tmp_path, 'gradients = ["1 2.toml"]')


@pytest.mark.parametrize(
    ("sweep", "collectives", "message"),
    [
        (
            'gradients = ["resnet5"]',
            BOTH,
            "mine.toml:7: sweep.gradients.0: no such gradient set 'resnet5'; did you mean 'resnet50'? (one of",
        ),
        ("gradients = [50]", BOTH, "mine.toml:7: sweep.gradients.0: no such gradient set 50 (one of "),
        ("gradients = []", BOTH, "mine.toml:7: sweep.gradients: must not be empty"),
        (
            'gradients = ["gpt2", "gpt2"]',
            BOTH,
            "mine.toml:7: sweep.gradients.1: 'gpt2' repeats 'gpt2', entry 0 of the list",
        ),
        (
            "sizes = [8]",
            BOTH,
            "mine.toml:7: sweep.sizes: bucketed collectives have the size of their gradients; remove",
        ),
        ("", '["all_reduce", "bucketed_all_reduce"]', "mine.toml:3: sweep.sizes: missing key"),
        (
            'sizes = [8]\ngradients = ["gpt2"]',
            '["all_reduce"]',
            "mine.toml:8: sweep.gradients: only for bucketed_all_reduce or bucketed_reduce_scatter; add one to",
        ),
    ],
)
def test_a_mistake_in_a_suite_is_one_line(tmp_path: Path, sweep: str, collectives: str, message: str) -> None:
    with pytest.raises(SuiteError) as raised:
        load(str(write(tmp_path, suite(sweep, collectives))))
    (line,) = str(raised.value).splitlines()
    assert line.startswith(message)
