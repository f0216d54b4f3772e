"""Put the truth table into docs/methodology.md, between its markers: `python -m tests.truth.publish TABLE`."""

import datetime as dt
import platform
import sys
from pathlib import Path

import psutil

from commbench.environment.commit import commit

METHODOLOGY = Path(__file__).parents[2] / "docs" / "methodology.md"
BEGIN, END = "<!-- truth:begin -->", "<!-- truth:end -->"


def with_table(page: str, table: str, caption: str) -> str:
    """Return the page with what is between the markers replaced."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, f"no {BEGIN} ... {END} in the page"
    return f"{before}{BEGIN}\n{caption}\n\n{table}{END}{after}"


def caption() -> str:
    """Return when and where the table was made."""
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    return f"*{today}, commit {commit()[:10]}: {_processor()}, {psutil.cpu_count()} cores, Linux {platform.release()}.*"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    rows = Path(sys.argv[1]).read_text(encoding="utf-8")
    print(rows)
    METHODOLOGY.write_text(with_table(METHODOLOGY.read_text(encoding="utf-8"), rows, caption()), encoding="utf-8")
