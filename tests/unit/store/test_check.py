import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commbench.store.check import Checkup, check
from commbench.store.compact import compact
from commbench.store.store import Store

from .upkeep_store import fill


@pytest.fixture
def nights(store: Store) -> Store:
    return fill(store)


def _file(store: Store, dataset: str, run_id: str = "run-0410") -> Path:
    return next(store.path.glob(f"{dataset}/*/{run_id}-s0.parquet"))


def _faults(checkup: Checkup) -> list[tuple[str, str]]:
    return [(Path(each.where).name, each.what.split(":")[0]) for each in checkup.findings if each.is_fault]


def test_a_store_as_it_was_written_is_sound(nights: Store) -> None:
    list(compact(nights.medium))
    checkup = check(nights.medium)
    assert checkup.is_sound
    assert not checkup.findings
    assert checkup.files == len(list(nights.path.glob("*/month=*/*.parquet")))


def test_every_byte_of_data_counts_though_the_footer_is_sound(nights: Store) -> None:
    path = _file(nights, "samples")
    table = pq.read_table(path, partitioning=None)
    metadata = pq.read_schema(path).metadata
    times = table["time_ns"].to_pylist()
    times[0][0] += 1  # a nanosecond
    column = pa.array(times, table.schema.field("time_ns").type)
    changed = table.set_column(table.schema.get_field_index("time_ns"), table.schema.field("time_ns"), column)
    pq.write_table(changed.replace_schema_metadata(metadata), path)
    assert _faults(check(nights.medium)) == [("run-0410-s0.parquet", "damaged")]
    assert check(nights.medium, contents=False).is_sound  # which is why that is not the default


@pytest.mark.parametrize("kind", ["zero bytes", "cut short", "no parquet", "foreign", "foreign name"])
def test_what_is_damaged_or_foreign_is_a_fault(nights: Store, kind: str) -> None:
    path = _file(nights, "ranks")  # nothing but the check reads it
    whole = path.read_bytes()
    if kind == "foreign":
        pq.write_table(pa.table({"x": [1]}), path)
    elif kind == "foreign name":
        (path.parent / "part-0.parquet").write_bytes(whole)
    else:
        path.write_bytes({"zero bytes": b"", "cut short": whole[:-50], "no parquet": b"hello"}[kind])
    checkup = check(nights.medium)
    assert not checkup.is_sound
    name = "part-0.parquet" if kind == "foreign name" else path.name
    assert _faults(checkup) == [(name, "foreign" if kind.startswith("foreign") else "damaged")]


def test_a_file_under_another_runs_name_is_a_fault(nights: Store) -> None:
    _file(nights, "samples", "run-0410").write_bytes(_file(nights, "samples", "run-0420").read_bytes())
    assert _faults(check(nights.medium)) == [("run-0410-s0.parquet", "misnamed")]


def test_a_session_under_two_months_is_a_fault_of_both(nights: Store) -> None:
    path = _file(nights, "points")
    (nights.path / "points" / "month=2026-05" / path.name).write_bytes(path.read_bytes())
    assert _faults(check(nights.medium)) == [(path.name, "doubled"), (path.name, "doubled")]


@pytest.mark.parametrize("dataset", ["points", "samples", "ranks"])
def test_what_a_runs_row_promises_must_be_there(nights: Store, dataset: str) -> None:
    _file(nights, dataset).unlink()
    [finding] = check(nights.medium).findings
    assert finding.is_fault
    assert finding.where == "run run-0410, session 0"
    assert dataset in finding.what


def test_points_without_a_run_are_a_fault_unless_the_run_can_be_resumed(nights: Store) -> None:
    _file(nights, "runs").unlink()
    assert _faults(check(nights.medium)) == [("run-0410-s0.parquet", "its session has no row in runs")]
    journal = nights.journal_folder("run-0410")
    journal.mkdir(parents=True)
    (journal / "journal.jsonl").write_text("")
    checkup = check(nights.medium)
    assert checkup.is_sound
    assert len(checkup.findings) == 1


def test_leftovers_of_killed_writers_are_a_note(nights: Store) -> None:
    (nights.path / "_staging").mkdir(exist_ok=True)
    (nights.path / "_staging" / "host-1-abc").write_bytes(b"half a file")
    checkup = check(nights.medium)
    assert checkup.is_sound
    assert [finding.where for finding in checkup.findings] == [str(nights.path / "_staging")]


def test_a_copy_of_other_content_is_a_fault_and_one_out_of_use_a_note(nights: Store) -> None:
    list(compact(nights.medium))
    march, april = sorted(nights.path.glob("_cache/points/2026-0[34]*"))
    april.write_bytes(march.read_bytes())
    assert [where for where, _ in _faults(check(nights.medium))] == [april.name]
    april.rename(april.with_name("2026-04-0123456789abcdef.parquet"))
    checkup = check(nights.medium)
    assert checkup.is_sound
    assert len(checkup.findings) == 1


def test_a_damaged_list_of_what_was_pruned_hides_nothing(nights: Store) -> None:
    (nights.path / "_pruned").mkdir()
    (nights.path / "_pruned" / "x.json").write_text(json.dumps(["no list of keys"]))
    _file(nights, "samples").unlink()
    assert not check(nights.medium).is_sound
