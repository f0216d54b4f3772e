import pytest

from commbench.errors import StoreError
from commbench.store.columns import DATASETS
from commbench.store.store import Store
from commbench.store.verify import verify

from .any_rows import AT_US, fixed_row, publish

AT_NS = AT_US * 1000


def test_rows_published_twice_are_there_once(store: Store) -> None:
    rows = [fixed_row("incidents", 0), fixed_row("incidents", 1)]
    for _ in range(2):
        store.append_rows("incidents", rows, "night-1", AT_NS)
    assert list(store.incidents()["incident_id"]) == ["text 0 é", "text 1 é"]
    with pytest.raises(StoreError, match="is there with another content"):
        store.append_rows("incidents", rows[:1], "night-1", AT_NS)


def test_rows_say_which_version_wrote_them(store: Store) -> None:
    row = {name: value for name, value in fixed_row("kernel", 0).items() if name != "schema_version"}
    store.append_rows("kernel", [row], "run-0", AT_NS)
    assert list(store.kernel()["schema_version"]) == [3]
    assert list(store.kernel(competitor="text 0 é")["case_id"]) == [0]
    assert len(store.kernel(competitor="another")) == 0


def test_events_are_read_in_the_order_in_which_they_were_written(store: Store) -> None:
    for name, number in (("b", 2), ("a", 7), ("c", 1)):
        store.append_rows("incidents", [fixed_row("incidents", number)], name, AT_NS)
    assert list(store.incidents()["members"]) == [1, 2, 7]


def test_what_does_not_fit_is_refused_whole(store: Store) -> None:
    row = fixed_row("kernel", 0)
    refusals = {
        "has no column colour, taste": [row | {"taste": 1, "colour": 2}],
        "lack case_id, which must be known": [row, row | {"case_id": None}],
        "have the same run_id, case_id": [row, row | {"competitor": "another"}],
        "have another run_id than 'run-0'": [row, fixed_row("kernel", 1)],
        "there are no rows for kernel": [],
        "does not fit its column in kernel": [row | {"samples_ns": [2**63]}],
    }
    for words, rows in refusals.items():
        with pytest.raises(StoreError, match=words):
            store.append_rows("kernel", rows, "run-0", AT_NS)
    assert not (store.path / "kernel").exists()


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/b", "", ".hidden", "x\0"])
def test_a_name_cannot_leave_the_store(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="cannot name a run"):
        store.append_rows("kernel", [fixed_row("kernel", 0) | {"run_id": name}], name, AT_NS)
    assert not (store.path / "kernel").exists()


def test_stray_bytes_of_a_command_line_are_kept_readable(store: Store) -> None:
    word = b"caf\xe9".decode(errors="surrogateescape")
    store.append_rows("incidents", [fixed_row("incidents", 0) | {"why": word, "runs": [word]}], "night-1", AT_NS)
    (row,) = store.incidents().to_dict("records")
    assert row["why"] == row["runs"][0] == "caf\\udce9"


def test_what_was_published_passes_the_check_of_the_store(store: Store) -> None:
    for dataset in DATASETS:
        publish(store, dataset, [fixed_row(dataset, 0)])
    for dataset in DATASETS:
        (key,) = store.medium.keys(dataset)
        assert verify(store.medium, dataset, key).rows == 1
