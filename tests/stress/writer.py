"""What the processes of the stress tests do: write runs and acknowledge them, or read without end."""

import logging
import os
from collections.abc import Mapping, Sequence
from multiprocessing.synchronize import Event
from pathlib import Path

from commbench.store.store import Store
from tests.unit.store.factory import make_point, make_record, make_result

CONTESTED_EVERY = 4  # one run in so many is published by every writer, under the same name
POINTS_A_RUN = 2


def run_name(writer: int, run: int) -> str:
    """Return the id of a writer's run; contested ones have no writer in it."""
    return f"shared-{run}" if run % CONTESTED_EVERY == 0 else f"writer{writer}-{run}"


def write(place: str, variables: Mapping[str, str], acknowledged: Path, writer: int, runs: int) -> None:
    """Publish runs one after another, each acknowledged by a line on disk; go on after the last one acknowledged.

    A run that was cut short by a kill, before or after it was published, is published again.
    """
    os.environ.update(variables)  # a child has the environment of the server that it was forked from
    store = Store.open(place, create=True)
    done = acknowledged.read_bytes().count(b"\n") if acknowledged.exists() else 0
    with acknowledged.open("ab", buffering=0) as file:
        for run in range(done, runs):
            results = [make_result(make_point(point, requested_bytes=1024 + run)) for point in range(POINTS_A_RUN)]
            store.append(make_record(run_name(writer, run), *results))
            file.write(f"{run_name(writer, run)}\n".encode())
            os.fsync(file.fileno())


class _Loud(logging.Handler):
    """Makes a warning of the store, such as a skipped file, an error of the reader."""

    def emit(self, record: logging.LogRecord) -> None:
        raise AssertionError(record.getMessage())


def read(place: str, variables: Mapping[str, str], report: Path, stop: Event, reader: str) -> None:
    """Read until told to stop; leave one line a read: what was read, or how it failed."""
    os.environ.update(variables)
    logging.getLogger("commbench.store").addHandler(_Loud())
    with report.open("a") as file:
        while not stop.is_set():
            try:
                rows = len(_points(place, reader))
                line = f"ok {rows}"
            except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to see it
                line = f"failed {type(error).__name__}: {' '.join(str(error).split())}"
            print(line, file=file, flush=True)
            stop.wait(0.5)


def _points(place: str, reader: str) -> Sequence[object]:
    if reader == "pandas":
        import pandas as pd

        root = Path(place) / "points"
        if not root.is_dir():
            return ()
        frame = pd.read_parquet(root)
    else:
        frame = Store.open(place, create=False).points()
    keys = frame[["run_id", "point_id", "attempt"]]
    assert not keys.duplicated().any(), "a point is there twice"
    assert (keys.groupby("run_id").size() == POINTS_A_RUN).all(), "a run is there in part"
    return list(keys.itertuples())
