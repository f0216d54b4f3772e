"""Apache Otava on series from standard input, in an environment of its own: `python otava_reads.py < series.json`.

Input: a JSON list of series, each a list of numbers. Output: for each, the places at which a run of all nights up to
there finds its newest change point within the last five nights, and for the worse.
"""

import json
import sys

from otava.series import AnalysisOptions, Metric, Series

WINDOW, RECENT, FIRST = 60, 5, 20


def alarms(values: list[float]) -> list[int]:
    found = []
    for last in range(FIRST, len(values)):
        part = values[max(0, last + 1 - WINDOW) : last + 1]
        options = AnalysisOptions()
        options.max_pvalue, options.min_magnitude = 0.001, 0.0
        series = Series(
            test_name="s", branch=None, time=list(range(len(part))), metrics={"x": Metric(1, 1.0, "us")},
            data={"x": list(part)}, attributes={},
        )  # fmt: skip
        points = series.analyze(options).change_points["x"]
        if points and len(part) - points[-1].index <= RECENT and points[-1].stats.mean_2 > points[-1].stats.mean_1:
            found.append(last)
    return found


if __name__ == "__main__":
    print(json.dumps([alarms(values) for values in json.load(sys.stdin)]))
