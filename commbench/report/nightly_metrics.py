"""A night's verdict as OpenMetrics text, for node_exporter's textfile collector or any scraper.

Base units only (seconds, bytes, ratios). Labels are bounded: by the words of states and scopes, and by the series of
the suite; incident ids and run ids are no labels, for each would be a new time series for ever.
Source: OpenMetrics 1.0, https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from commbench.analysis.nightly.lines import Lines, SeriesLine
from commbench.analysis.nightly.verdict import NightVerdict, Outcome, ScopeKind, State
from commbench.units import BYTES_PER_GB

MOST_SERIES = 2_000  # of the suite, the rest is counted: a scraper must not choke on one file
_BANDWIDTH = "busbw_gb_s"
_US_PER_S = 1e6

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Family:
    """One metric: its name (which ends in its unit), help, and samples by labels."""

    name: str
    unit: str
    help: str
    samples: tuple[tuple[Labels, float], ...]


def openmetrics(lines: Lines) -> str:
    """Return the verdict and tonight's values as one exposition, which ends with # EOF."""
    return "".join(_text(family) for family in (*_of_night(lines.verdict), *_of_series(lines))) + "# EOF\n"


def _of_night(verdict: NightVerdict) -> Iterator[_Family]:
    own = {"cluster": verdict.cluster}
    outcomes = tuple(({**own, "outcome": str(each)}, float(verdict.outcome is each)) for each in Outcome)
    yield _Family("commbench_nightly_outcome", "", "1 for what the night came to, 0 for the others.", outcomes)
    started = verdict.night.started_at
    if started is not None:
        yield _Family(
            "commbench_nightly_start_timestamp_seconds",
            "seconds",
            "When the judged night's first run began: alert when this grows old.",
            ((own, started.timestamp()),),
        )
    counts = {
        "judged": verdict.judged,
        "learning": len(verdict.learning),
        "missing": len(verdict.missing.points),
        "suspect": len(verdict.suspects),
        "faulty": len({fault.series.series_id for fault in verdict.faults}),
        "faster": len({each.series.series_id for each in verdict.improvements}),
    }
    yield _Family(
        "commbench_nightly_series",
        "",
        "Series of the night by what became of them.",
        tuple(({**own, "state": name}, float(count)) for name, count in counts.items()),
    )
    yield from _of_incidents(verdict, own)
    failed = float(len(verdict.missing.failed_runs))
    yield _Family("commbench_nightly_failed_runs", "", "Runs of the night that did not end well.", ((own, failed),))


def _of_incidents(verdict: NightVerdict, own: Labels) -> Iterator[_Family]:
    counts = {(state, muted): 0 for state in State for muted in (False, True)}
    worst = dict.fromkeys(ScopeKind, 1.0)
    for incident in verdict.incidents:
        counts[incident.state, incident.is_muted] += 1
        if incident.is_red:
            worst[incident.scope.kind] = max(worst[incident.scope.kind], incident.effect.estimate)
    yield _Family(
        "commbench_nightly_incidents",
        "",
        "Incidents by state.",
        tuple(
            ({**own, "state": str(state), "muted": str(muted).lower()}, float(count))
            for (state, muted), count in counts.items()
        ),
    )
    yield _Family(
        "commbench_nightly_slowdown_ratio",
        "ratio",
        "Time after over time before of the worst red incident of each scope; 1 = none.",
        tuple(({**own, "scope": str(kind)}, effect) for kind, effect in worst.items()),
    )


def _of_series(lines: Lines) -> Iterator[_Family]:
    times = [line for line in lines.lines if line.metric != _BANDWIDTH]
    bandwidths = [line for line in lines.lines if line.metric == _BANDWIDTH]
    for name, unit, words, own, factor in (
        ("latency_seconds", "seconds", "Tonight's latency of each series.", times, 1 / _US_PER_S),
        ("bus_bandwidth_bytes_per_second", "bytes_per_second", "Tonight's bus bandwidth.", bandwidths, BYTES_PER_GB),
    ):
        samples = tuple(
            (_labels(line), line.values[-1] * factor)
            for line in own[:MOST_SERIES]
            if line.values and line.values[-1] is not None
        )
        if samples:
            yield _Family(f"commbench_nightly_{name}", unit, words, samples)
    left_out = float(sum(max(0, len(own) - MOST_SERIES) for own in (times, bandwidths)))
    own_labels = {"cluster": lines.verdict.cluster}
    yield _Family("commbench_nightly_series_left_out", "", "Series that this file lacks.", ((own_labels, left_out),))


def _labels(line: SeriesLine) -> Labels:
    series = line.series
    return {
        "cluster": series.cluster,
        "series_id": series.series_id,
        "metric": line.metric,
        "collective": series.collective,
        "fabric": series.fabric,
        "size_bytes": str(series.size_bytes),
        "nodes": str(series.nodes),
        "ranks": str(series.world_size),
    }


def _text(family: _Family) -> str:
    head = f"# TYPE {family.name} gauge\n"
    head += f"# UNIT {family.name} {family.unit}\n" if family.unit else ""
    head += f"# HELP {family.name} {family.help}\n"
    return head + "".join(f"{family.name}{{{_pairs(labels)}}} {value!r}\n" for labels, value in family.samples)


def _pairs(labels: Labels) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
