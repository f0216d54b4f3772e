"""What a search for slow links found, for people and for programs."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from commbench.report.words import bandwidth, one_line
from commbench.statistics.link_search import FULL_MATRIX_NODES
from commbench.statistics.slow_links import RECEIVER, SENDER, THRESHOLD, Located, SlowEnd, SlowPath, best_by_end
from commbench.units import format_size

_BITS_PER_BYTE = 8
_LOW_SHARE = 0.5  # of the line rate; TCP with large messages reaches 0.9 and more, so less is worth a word


@dataclass(frozen=True, slots=True)
class LinkReport:
    """The findings over one fabric; `hosts` and `link_rates_gbit_s` (None: unknown) have one entry a rank."""

    fabric: str
    backend: str
    size_bytes: int
    hosts: tuple[str, ...]
    link_rate_gbit_s: float | None
    located: Located

    def name(self, rank: int) -> str:
        """Return the rank's host, with the rank where the host has several."""
        host = one_line(self.hosts[rank])
        return host if Counter(self.hosts)[self.hosts[rank]] == 1 else f"{host} rank {rank}"

    @property
    def line_rate_share(self) -> float | None:
        """Return the reference over the line rate; None when that is unknown."""
        if not self.link_rate_gbit_s:
            return None
        return self.located.reference_gb_s * _BITS_PER_BYTE / self.link_rate_gbit_s


def report_of(line: Mapping[str, Any], fabric: str, backend: str, size_bytes: int, rate: float = 0.0) -> LinkReport:
    """Return the report in a journal line; `rate` is the line rate in Gbit/s that the suite gives, 0 for none."""
    rates = [each for each in line["link_rates_gbit_s"] if each]
    located = Located.from_fields(line)
    return LinkReport(fabric, backend, size_bytes, tuple(line["hosts"]), rate or min(rates, default=None), located)


def as_json(reports: Iterable[LinkReport]) -> str:
    """Return all findings as JSON; ranks are numbers, and `hosts` has their names."""
    return json.dumps(
        [
            {
                "fabric": report.fabric,
                "backend": report.backend,
                "size_bytes": report.size_bytes,
                "hosts": list(report.hosts),
                "link_rate_gbit_s": report.link_rate_gbit_s,
                "line_rate_share": report.line_rate_share,
                "threshold": THRESHOLD,
                **_fields(report.located),
            }
            for report in reports
        ],
        indent=1,
    )


def _fields(located: Located) -> dict[str, object]:
    return {
        "reference_gb_s": located.reference_gb_s,
        "alone_reference_gb_s": located.alone_reference_gb_s,
        "slow_tx": [_end_fields(end) for end in located.slow_tx],
        "slow_rx": [_end_fields(end) for end in located.slow_rx],
        "slow_path": [{"from": path.link[0], "to": path.link[1], "ratio": path.ratio} for path in located.slow_path],
        "together_gb_s": _rates(located.together),
        "alone_gb_s": _rates(located.alone),
    }


def _end_fields(end: SlowEnd) -> dict[str, object]:
    return {"rank": end.rank, "ratio": end.ratio, "tried_alone_with": list(end.partners)}


def _rates(rates: Mapping[tuple[int, int], float]) -> list[dict[str, float]]:
    return [{"from": link[0], "to": link[1], "gb_s": rate} for link, rate in sorted(rates.items())]


def as_text(report: LinkReport) -> str:
    """Return the matrix of rates, the verdicts with what they rest on, and what to do next."""
    located = report.located
    fabric = f" over {one_line(report.fabric)}" if report.fabric else ""
    share = report.line_rate_share
    of_line = f", {share:.0%} of the line rate of {report.link_rate_gbit_s:g} Gbit/s" if share is not None else ""
    return "\n".join(
        [
            f"{len(report.hosts)} ranks{fabric} ({report.backend}), flows of {format_size(report.size_bytes)}",
            "",
            *_matrix(report),
            "",
            f"reference: {bandwidth(located.reference_gb_s)} GB/s (upper quartile){of_line}",
            *_verdicts(report),
        ]
    )


def _matrix(report: LinkReport) -> list[str]:
    located, ranks = report.located, range(len(report.hosts))
    if len(report.hosts) > FULL_MATRIX_NODES:
        return _extremes(report)
    names = [report.name(rank) for rank in ranks]
    width = max(8, *(len(name) for name in names)) + 2
    rows = [
        "".join(bandwidth(located.together.get((sender, receiver))).rjust(width) or "" for receiver in ranks)
        for sender in ranks
    ]
    first = "GB/s, best of all; from the host of the row to that of the column"
    return [first, " " * width + "".join(name.rjust(width) for name in names)] + [
        names[sender].rjust(width) + row for sender, row in enumerate(rows)
    ]


def _extremes(report: LinkReport) -> list[str]:
    """Return the spread of what many ranks send and receive at best."""
    lines = ["GB/s, best of each rank over its partners: smallest, median, largest"]
    for end, word in ((SENDER, "sends"), (RECEIVER, "receives")):
        best = sorted(best_by_end(report.located.together, end).values())
        few = (best[0], best[len(best) // 2], best[-1])
        lines.append(f"{word:>8}" + "".join(bandwidth(rate).rjust(10) for rate in few))
    return lines


def _verdicts(report: LinkReport) -> list[str]:
    located = report.located
    lines = [_end_words(report, end, SENDER) for end in located.slow_tx]
    lines += [_end_words(report, end, RECEIVER) for end in located.slow_rx]
    lines += [_path_words(report, path) for path in located.slow_path]
    if lines:
        return lines
    share = report.line_rate_share
    if share is not None and share < _LOW_SHARE:
        return ["nothing is slower than the rest, and all are slow: look for what they share (MTU, cores, a switch)"]
    return [f"nothing is slow: every rank and every link reaches {THRESHOLD:.0%} of the reference"]


def _end_words(report: LinkReport, end: SlowEnd, side: int) -> str:
    verb, preposition = ("sends", "to") if side == SENDER else ("receives", "from")
    links = [(end.rank, other) if side == SENDER else (other, end.rank) for other in end.partners]
    proof = ", ".join(
        f"{preposition} {report.name(link[1 - side])} {bandwidth(report.located.alone.get(link))}" for link in links
    )
    name = report.name(end.rank)
    return f"SLOW {name} {verb} at {end.ratio:.2f} of the reference, whoever the partner ({proof} GB/s, alone)"


def _path_words(report: LinkReport, path: SlowPath) -> str:
    sender, receiver = (report.name(rank) for rank in path.link)
    alone = bandwidth(report.located.alone.get(path.link))
    why = "its two ends are fast with others"
    if len(report.hosts) == 2:  # noqa: PLR2004 - no third rank to ask
        why = "either end or what is between them: two ranks cannot tell"
    return f"SLOW {sender} to {receiver} at {path.ratio:.2f} of the reference ({alone} GB/s, alone): {why}"
