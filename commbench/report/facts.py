"""The parts of the page that come from the runs: when, on what, with which suite, and what a sample is."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd

from commbench.report.markup import Markup, details, element, join, section, table
from commbench.report.words import imported_from, is_null, one_line
from commbench.units import format_duration, format_size

Facts = Mapping[str, object]

_UNKNOWN = "-"
_ROWS = (
    ("kernel", "kernel"),
    ("CPU", "cpu_model"),
    ("CPUs", "cpu_count"),
    ("memory", "memory_bytes"),
    ("GPUs", "gpus"),
    ("GPU driver", "driver_version"),
    ("Python", "python_version"),
    ("torch", "torch_version"),
    ("CUDA of torch", "cuda_version"),
    ("NCCL loaded", "nccl_version"),
    ("NCCL library", "nccl_library"),
    ("NCCL torch was built with", "nccl_build_version"),
    ("MTU of interfaces", "mtus"),
    ("variables", "variables"),
    ("NCCL conf files", "conf_files"),
)

_METHOD = (
    "A sample is one call as all ranks saw it, their stamps on one clock. L, the latency, is from the last rank's "
    "arrival to the last result: the fabric's. S, the skew, is from the first arrival to the last: the hosts'. "
    "T = S + L is what the job waits. Where the ranks' clocks could not be compared, the rank that waited least is "
    "taken for the last to arrive.",
    "p50, p95, p99 and worst are of L, and of T where a call may end before the last rank has come (collectives with a "
    "root, one-way traffic): quantiles over single calls by nearest rank, so each is a time that really "
    "happened; n is the number of timed calls. Of a point that several launches measured, p50, p95 and p99 are the "
    "median of the launches', the worst is that of all of them, and n is their sum.",
    "algbw is the message size over p50; busbw corrects it for the work that the collective has to do, as nccl-tests "
    "defines it, so that it compares with the hardware's peak at any rank count. GB/s are 10⁹ bytes per second, sizes "
    "are binary: 1 KiB is 1,024 bytes.",
    "The data is checked element by element: on calls of their own before and after the timed ones, and on a share of "
    "the timed calls, between the stamps of one call and those of the next (not where calls are made back to back). "
    "#wrong counts wrong elements over all ranks; N/A means that it was not checked.",
)


def runs_section(runs: pd.DataFrame) -> Markup:
    """Return one line per session, and the suites behind them."""
    if runs.empty:
        return section("Runs", element("p", "The store holds no record of the runs behind these points."))
    titles = ("run", "session", "started (UTC)", "took", "suite", "backend", "ranks", "launcher", "points", "ended")
    rows = [_run_row(row.to_dict()) for _, row in runs.iterrows()]
    return section("Runs", table(titles, rows, ("session", "took", "ranks", "points")), *_suites(runs))


def _run_row(row: Mapping[object, object]) -> list[object]:
    started, ended = pd.Timestamp(str(row["started_at"])), pd.Timestamp(str(row["ended_at"]))
    state = one_line(row["exit_state"]).replace("_", " ")
    reason = one_line(row["reason"])
    if tool := imported_from(row):
        state = f"{state}, imported from {tool}"
    return [
        one_line(row["run_id"]),
        row["session"],
        started.strftime("%Y-%m-%d %H:%M:%S"),
        format_duration((ended - started).total_seconds()),
        one_line(row["suite"]),
        one_line(row["backend"]),
        row["world_size"],
        one_line(row["launcher"]),
        f"{row['points_final']}/{row['points_planned']}",
        f"{state}: {reason}" if reason else state,
    ]


def _suites(runs: pd.DataFrame) -> Iterable[Markup]:
    for _, row in runs.drop_duplicates("suite_hash").iterrows():
        command = element("p", "Command: ", element("code", " ".join(str(word) for word in row["argv"])))
        yield details(f"Suite {one_line(row['suite'])}", command, element("pre", row["suite_toml"]))


def environment_section(runs: pd.DataFrame) -> Markup:
    """Return each distinct environment as a table of facts, hosts that are alike side by side in one column."""
    tables = [
        _environment(str(row["environment_json"]), one_line(row["run_id"]))
        for _, row in runs.drop_duplicates("env_id").iterrows()
        if not is_null(row["environment_json"])
    ]
    return section("Environment", *(tables or [element("p", "Nothing is known about it.")]))


def _environment(text: str, run_id: str) -> Markup:
    try:
        environment = json.loads(text)
        hosts = [{**host} for host in environment["hosts"]]
    except (ValueError, TypeError, KeyError):
        return element("p", f"The record of run {run_id} cannot be read: ", element("code", text))
    alike = _alike(hosts)
    titles = ["", *(", ".join(one_line(host.get("hostname")) for host in group) for group in alike)]
    rows: list[list[object]] = [["ranks", *(_ranks(group) for group in alike)]]
    rows += [[name, *(_fact(group[0].get(key), key) for group in alike)] for name, key in _ROWS]
    version = f"{environment.get('commbench_version', '')} {environment.get('commbench_commit', '')}".strip()
    rows.append(["commbench", *[version or _UNKNOWN] * len(alike)])
    return table(titles, rows)


def _alike(hosts: Iterable[Facts]) -> list[list[Facts]]:
    """Return the hosts grouped by their facts, their names and ranks aside."""
    known: dict[str, list[Facts]] = {}
    for host in hosts:
        facts = {key: value for key, value in host.items() if key not in {"hostname", "ranks"}}
        known.setdefault(json.dumps(facts, sort_keys=True), []).append(host)
    return list(known.values())


def _ranks(group: Iterable[Facts]) -> str:
    ranks = sorted({int(str(rank)) for host in group for rank in _items(host.get("ranks"))})
    if len(ranks) > 1 and ranks == list(range(ranks[0], ranks[-1] + 1)):
        return f"{ranks[0]} to {ranks[-1]}"
    return ", ".join(map(str, ranks)) or _UNKNOWN


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _fact(value: object, key: str) -> object:
    if not value:
        return _UNKNOWN
    if key == "memory_bytes":
        return format_size(int(str(value)))
    if isinstance(value, Mapping):
        return join(element("div", element("code", f"{name}={text}")) for name, text in sorted(value.items()))
    if isinstance(value, list | tuple):
        counts = Counter(str(each) for each in value)
        return join(element("div", f"{count} x {each}" if count > 1 else each) for each, count in counts.items())
    return value


def method_section() -> Markup:
    """Return what the numbers mean."""
    return section("What a number means", *(element("p", text) for text in _METHOD))
