from hashlib import sha256
from pathlib import Path

import pytest

from commbench.assets import suite_files
from commbench.errors import ExitCode, SuiteError
from commbench.plan.load import load

from .suites_for_tests import loaded, suite_text, write

COLLECTIVES = (
    "(one of all_gather, all_reduce, all_to_all, all_to_all_v, broadcast, bucketed_all_reduce, "
    "bucketed_reduce_scatter, reduce_scatter, send_recv)"
)
NOT_A_SIZE = "is not a size; write bytes or a binary unit, such as 8, 64KiB, 1.5MiB or 8GiB"


def mistakes(path: object) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        load(str(path))
    assert caught.value.exit_code is ExitCode.USAGE
    return str(caught.value).splitlines()


def test_all_mistakes_of_a_file_are_reported_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """\
#:schema ./schema.json
[suite]
name = "bad one"
[sweep]
collectives = [  # not this ] one
    "all_reduce",
    "all_gahter", "all_reduce",
]
sizes = ["8..64MiB x4", "1KB2",
         0]
ranks = [2, 0, -1]
backend = "glo"
dtypes = []
cadense = ["isolated"]
[measure]
iterations = -5
verify = "yes"
"""
    assert mistakes(write(tmp_path, text, "smoke.toml")) == [
        "smoke.toml:3: suite.name: 'bad one' is no simple name; "
        "start with a letter and use only letters, digits, - and _",
        f"smoke.toml:7: sweep.collectives.1: no such value 'all_gahter'; did you mean 'all_gather'? {COLLECTIVES}",
        "smoke.toml:7: sweep.collectives.2: 'all_reduce' repeats 'all_reduce', entry 0 of the list",
        f"smoke.toml:9: sweep.sizes.1: '1KB2' {NOT_A_SIZE}",
        "smoke.toml:10: sweep.sizes.2: 0 is not a size; the smallest is 1 byte",
        "smoke.toml:11: sweep.ranks.1: must be at least 1, not 0",
        "smoke.toml:11: sweep.ranks.2: must be at least 1, not -1",
        "smoke.toml:12: sweep.backend: no such value 'glo'; did you mean 'gloo'? (one of auto, gloo, nccl, simulated)",
        "smoke.toml:13: sweep.dtypes: must not be empty",
        "smoke.toml:14: sweep.cadense: no such key 'cadense'; did you mean 'cadence'? (one of collectives, sizes, "
        "gradients, ranks, nodes, placement, fabrics, backend, dtypes, redops, in_place, traffic_skew, "
        "cadence, launch, shared_gpu)",
        "smoke.toml:16: measure.iterations: must be at least 1, not -5",
        "smoke.toml:17: measure.verify: must be true or false, not 'yes'",
    ]


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ('dtypes = ["float33"]', "sweep.dtypes.0: no such value 'float33'; did you mean 'float32'? (one of float32, "),
        ("dtypes = [4]", "sweep.dtypes.0: no such value 4 (one of float32, "),
        ('redops = ["avg"]', "sweep.redops.0: no such value 'avg' (one of sum, min, max)"),
        ("dtypes = 4", "sweep.dtypes: must be a list, not 4"),
        ('ranks = ["two"]', "sweep.ranks.0: must be a whole number, not 'two'"),
        ("ranks = [true]", "sweep.ranks.0: must be a whole number, not true"),
        ("ranks = [99999]", "sweep.ranks.0: must be at most 16384, not 99999"),
        ("ranks = []", "sweep.ranks: must not be empty"),
        ("sizes = []", "sweep.sizes: must not be empty"),
        (
            "sizes = [true]",
            "sweep.sizes.0: true is not a size; write bytes or a string such as '64KiB' or '8..64MiB x4'",
        ),
        ("sizes = [-4]", "sweep.sizes.0: -4 is not a size; the smallest is 1 byte"),
        ('sizes = ["64..8"]', "sweep.sizes.0: '64..8' is an empty range; write the smaller size first, and at least"),
        ('sizes = ["9999TiB"]', "sweep.sizes.0: '9999TiB' is larger than 1024 TiB"),
        ('sizes = ["1KiB", 1024]', "sweep.sizes.1: 1024 repeats '1KiB', entry 0 of the list"),
        ("in_place = [true, 1]", "sweep.in_place.1: must be true or false, not 1"),
        ("in_place = [true, true]", "sweep.in_place.1: true repeats true, entry 0 of the list"),
        ("traffic_skew = [1.0]", "sweep.traffic_skew: only all_to_all_v has it; add all_to_all_v to collectives or"),
        (
            "seed = 1",
            "sweep.seed: no such key 'seed' (one of collectives, sizes, gradients, ranks, nodes, ",
        ),
    ],
)
def test_a_mistake_in_sweep_is_one_line_that_says_what_is_allowed(tmp_path: Path, sweep: str, message: str) -> None:
    path = write(tmp_path, suite_text(sweep))
    line = path.read_text(encoding="utf-8").splitlines().index(sweep) + 1
    (mistake,) = mistakes(path)
    assert mistake.startswith(f"mine.toml:{line}: {message}")


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        ("budget_s = 1", "measure.budget_s: only with stopping = 'budget' or 'adaptive', and it is 'fixed'"),
        ('stopping = "budget"\niterations = 5', "measure.iterations: only with stopping = 'fixed', and it is 'budget'"),
        (
            'stopping = "budget"\nmin_iterations = 5000',
            "measure.min_iterations: min_iterations is 5000, more than max_iterations, which is 1000",
        ),
        ("point_limit_s = 0", "measure.point_limit_s: must be more than 0, not 0"),
        ("point_limit_s = inf", "measure.point_limit_s: must be a finite number, not inf"),
        ("iterations = 2.5", "measure.iterations: must be a whole number, not 2.5"),
        ("iterations = 2000000", "measure.iterations: must be at most 1000000, not 2000000"),
        (
            'stopping = "fixd"',
            "measure.stopping: no such value 'fixd'; did you mean 'fixed'? (one of fixed, budget, adaptive)",
        ),
    ],
)
def test_a_mistake_in_measure_is_one_line(tmp_path: Path, measure: str, message: str) -> None:
    path = write(tmp_path, suite_text(measure=measure))
    line = path.read_text(encoding="utf-8").splitlines().index(measure.splitlines()[-1]) + 1
    assert mistakes(path) == [f"mine.toml:{line}: {message}"]


def test_a_skew_must_not_be_negative(tmp_path: Path) -> None:
    path = write(tmp_path, suite_text('collectives = ["all_to_all_v"]\ntraffic_skew = [0.0, -1]'))
    assert mistakes(path) == ["mine.toml:8: sweep.traffic_skew.1: must be at least 0, not -1"]


def test_a_key_in_the_wrong_table_is_told_its_place(tmp_path: Path) -> None:
    assert mistakes(write(tmp_path, suite_text("seed = 1")))[0].endswith("; seed belongs to [suite]")


def test_a_misspelled_table_is_one_mistake_not_two(tmp_path: Path) -> None:
    text = suite_text().replace("[sweep]", "[sweeps]")
    assert mistakes(write(tmp_path, text)) == [
        "mine.toml:3: sweeps: no such table 'sweeps'; did you mean 'sweep'? "
        "(one of suite, sweep, measure, fabrics, simulated)"
    ]


def test_missing_keys_and_tables_are_named(tmp_path: Path) -> None:
    assert mistakes(write(tmp_path, '[suite]\nname = "mine"\n')) == ["mine.toml:1: sweep: missing table"]
    assert mistakes(write(tmp_path, '[suite]\nname = "mine"\n[sweep]\nsizes = [8]\n')) == [
        "mine.toml:3: sweep.collectives: missing key"
    ]
    assert mistakes(write(tmp_path, "")) == ["mine.toml:1: suite: missing table", "mine.toml:1: sweep: missing table"]


def test_a_table_that_is_no_table_is_a_mistake(tmp_path: Path) -> None:
    assert mistakes(write(tmp_path, 'sweep = 3\n[suite]\nname = "mine"')) == [
        "mine.toml:1: sweep: must be a table, not 3"
    ]
    assert mistakes(write(tmp_path, suite_text().replace("[sweep]", "[[sweep]]")))[0].startswith(
        "mine.toml:3: sweep: must be a table, not [{"
    )


def test_simulated_belongs_to_the_simulated_backend_only(tmp_path: Path) -> None:
    assert mistakes(write(tmp_path, suite_text(extra="[simulated]"))) == [
        "mine.toml:11: simulated: only with sweep.backend = 'simulated'; set that or remove the table"
    ]


def test_a_syntax_error_has_line_and_column(tmp_path: Path) -> None:
    (mistake,) = mistakes(write(tmp_path, '[suite]\nname = "mine\n'))
    assert mistake.startswith("mine.toml:2:13: not TOML: ")
    (mistake,) = mistakes(write(tmp_path, "[suite]\nname = [1,\n"))
    assert mistake.startswith("mine.toml:2: not TOML: ")


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "x = " + "9" * 5000])
def test_absurd_toml_is_a_message_not_a_traceback(tmp_path: Path, text: str) -> None:
    (mistake,) = mistakes(write(tmp_path, text))
    assert mistake.startswith("mine.toml: ")


def test_text_that_is_not_utf_8_is_a_message_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b"[suite]\n# caf\xe9\n")
    assert mistakes(path) == ["latin.toml:2: not UTF-8 text (byte 0xe9); save the file as UTF-8"]


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeff" + suite_text())
    assert load(str(path)).suite.about.name == "mine"


def test_a_missing_file_a_directory_and_an_impossible_name_are_messages(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path / "no.toml")
    assert mistake.startswith(
        f"{tmp_path / 'no.toml'}: no such file; the suites that come with commbench are fabrics_demo, "
    )
    (mistake,) = mistakes(tmp_path)
    assert mistake.startswith(f"{tmp_path}: is a directory; ")
    (mistake,) = mistakes("a\0b.toml")
    assert "cannot be read: embedded null byte" in mistake


def test_an_unknown_name_lists_the_suites_that_come_with_commbench() -> None:
    (mistake,) = mistakes("smok")
    assert mistake.startswith("no suite 'smok'; did you mean 'smoke'? (there are fabrics_demo, ")


@pytest.mark.parametrize("path", suite_files(), ids=lambda path: path.stem)
def test_every_shipped_suite_loads_by_its_name(path: Path) -> None:
    suite = load(path.stem)
    assert suite.path == path
    assert suite.suite.about.name == path.stem
    assert suite.suite.about.description
    assert suite.text.startswith("#:schema ./schema.json\n")


def test_a_suite_keeps_its_text_and_hash(tmp_path: Path) -> None:
    suite = loaded(tmp_path)
    assert suite.text == suite_text()
    assert suite.hash == sha256(suite_text().encode()).hexdigest()


def test_defaults_are_what_the_schema_says(tmp_path: Path) -> None:
    suite = load(str(write(tmp_path, '[suite]\nname = "a"\n[sweep]\ncollectives = ["broadcast"]\nsizes = [8]'))).suite
    assert (suite.about.purpose, suite.about.cluster, suite.about.seed) == ("adhoc", "", 1)
    assert (suite.sweep.backend, suite.sweep.ranks, suite.sweep.in_place) == ("auto", (), ())
    assert (suite.sweep.dtypes, suite.sweep.redops, suite.sweep.cadence) == (("float32",), ("sum",), ("isolated",))
    assert (suite.measure.stopping, suite.measure.iterations, suite.measure.verify) == ("fixed", 50, True)
