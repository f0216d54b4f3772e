"""What is in a store and what is wrong with it, as text and as JSON."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from commbench.report.words import count_of, one_line
from commbench.units import format_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commbench.store.check import Checkup
    from commbench.store.totals import Total, Totals

_TITLES = ("dataset", "files", "rows", "size", "bytes/row", "bytes/sample", "first month", "last month")
_MONTH_TITLES = ("dataset", "month", "files", "rows", "size")


def checkup_text(checkup: "Checkup") -> str:
    """Return one line per finding, faults first, and what was looked at."""
    findings = sorted(checkup.findings, key=lambda finding: (not finding.is_fault, finding.where))
    lines = [
        f"{'FAULT' if each.is_fault else 'note '}  {one_line(each.where)}\n       {one_line(each.what)}\n"
        f"       -> {one_line(each.advice)}\n"
        for each in findings
    ]
    faults = sum(each.is_fault for each in findings)
    how = "names, footers and contents" if checkup.contents else "names and footers (not the contents)"
    looked = f"{count_of(checkup.files, 'file')}, {count_of(checkup.rows, 'row')}, {format_size(checkup.size_bytes)}"
    return f"{''.join(lines)}{looked}: {how} checked; {count_of(faults, 'fault')}\n"


def checkup_json(checkup: "Checkup") -> str:
    """Return all of it as one JSON object."""
    return json.dumps(asdict(checkup) | {"is_sound": checkup.is_sound}, indent=1)


def totals_text(totals: "Totals", *, by_month: bool) -> str:
    """Return one line per dataset, or per month of each, and the runs."""
    rows = [_month_cells(total) for total in totals.months] if by_month else _dataset_rows(totals.months)
    lines = [list(_MONTH_TITLES if by_month else _TITLES), *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    table = "".join(
        "  ".join(
            cell.rjust(width) if place > 0 and "month" not in lines[0][place] else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        + "\n"
        for line in lines
    )
    return f"{table}{_runs(totals)}"


def totals_json(totals: "Totals") -> str:
    """Return all of it as one JSON object; times are ISO 8601."""
    return json.dumps(asdict(totals), indent=1, default=lambda time: time.isoformat())


def _runs(totals: "Totals") -> str:
    if totals.first is None or totals.last is None:
        return "no runs\n"
    cache = f"; copies in _cache: {format_size(totals.cache_bytes)}" if totals.cache_bytes else ""
    unreadable = sum(total.unreadable for total in totals.months)
    warning = f"; {count_of(unreadable, 'file')} unreadable: `commbench store check`" if unreadable else ""
    spoken = f"{count_of(totals.runs, 'run')} in {count_of(totals.sessions, 'session')}"
    return f"{spoken}, {totals.first:%Y-%m-%d} to {totals.last:%Y-%m-%d}{cache}{warning}\n"


def _dataset_rows(months: "Sequence[Total]") -> list[list[str]]:
    datasets = dict.fromkeys(total.dataset for total in months)
    return [_dataset_cells([total for total in months if total.dataset == dataset]) for dataset in datasets]


def _dataset_cells(months: "Sequence[Total]") -> list[str]:
    rows, samples = sum(total.rows for total in months), sum(total.samples for total in months)
    size_bytes = sum(total.size_bytes for total in months)
    return [
        months[0].dataset,
        str(sum(total.files for total in months)),
        str(rows),
        format_size(size_bytes),
        f"{size_bytes / rows:.0f}" if rows else "",
        f"{size_bytes / samples:.2f}" if samples else "",
        months[0].month,
        months[-1].month,
    ]


def _month_cells(total: "Total") -> list[str]:
    return [total.dataset, total.month, str(total.files), str(total.rows), format_size(total.size_bytes)]
