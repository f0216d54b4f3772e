"""What becomes of a run when its store fails it: nothing that was finished is lost, and everybody notices."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from commbench.cli.main import main
from commbench.errors import ExitCode
from commbench.store import bucket

from .command import LONG, TINY, TINY_POINTS, Workplace

SWEEP = LONG.replace("1KiB..50KiB", "1KiB..16KiB")  # a second or two, and 250 kB of journal
SWEEP_POINTS = 48

AWAY = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "AKIDNEVERWRITTEN",
    "AWS_SECRET_ACCESS_KEY": "never-written-down",
    "AWS_REGION": "us-east-1",
}


@dataclass(frozen=True)
class Said:
    """What a command said in this process, where its patience can be shortened."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def here(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    monkeypatch.chdir(workplace.path)
    monkeypatch.setattr(bucket, "PATIENCE_S", 0.3)
    for name in ("COMMBENCH_STORE", "COMMBENCH_SPOOL"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["commbench", *words])
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        out, err = capsys.readouterr()
        return Said(int(ended.value.code or 0), out, err)

    return run


def assert_spooled_once(workplace: Workplace, done: Said, points: int) -> Path:
    """Check that the message names a room with all the points; return the room."""
    assert "Traceback" not in done.stderr
    match = re.search(r"waits in (\S+), nothing is lost; publish it later: commbench store push", done.stderr)
    assert match, done.stderr
    room = workplace.path / match[1]
    rows = pd.read_parquet(room / "points")
    assert len(rows) == points
    assert not rows.duplicated(["run_id", "point_id", "attempt"]).any()
    return room


def test_a_bucket_that_is_away_does_not_stop_a_sweep_and_a_push_publishes_it(
    workplace: Workplace, here: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in AWAY.items():
        monkeypatch.setenv(name, value)
    workplace.write("tiny.toml", TINY)
    done = here("run", "./tiny.toml", "--store", "s3://nights/team")
    assert done.returncode == ExitCode.UNFIT, done.stderr  # a night that is only on this disk must be noticed
    assert "cannot be reached; check AWS_ENDPOINT_URL and the network; measuring all the same" in done.stderr
    room = assert_spooled_once(workplace, done, TINY_POINTS)
    assert list((room / "_journal").iterdir()) == []
    again = here("store", "push")
    assert again.returncode == ExitCode.UNFIT
    assert "s3://nights/team" in again.stderr
    assert "0 sessions published, 1 still wait in commbench-spool" in again.stdout
    assert here("show", "--store", str(room)).returncode == ExitCode.OK
    pushed = here("store", "push", "--store", "elsewhere")
    assert pushed.returncode == ExitCode.OK, pushed.stderr
    assert "1 sessions published, 0 still wait" in pushed.stdout
    assert len(pd.read_parquet(workplace.path / "elsewhere" / "points")) == TINY_POINTS
    assert list(room.rglob("*.parquet")) == []
    assert "0 sessions published" in here("store", "push").stdout
    written = [path.read_bytes() for path in workplace.path.rglob("*") if path.is_file()]
    assert not any(secret in data for data in written for secret in (b"never-written-down", b"AKIDNEVERWRITTEN"))


def _interrupt_under_way(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not any(
        path.stat().st_size > 20_000 for path in folder.rglob("journal.jsonl")
    ):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


def test_a_run_interrupted_while_its_bucket_is_away_is_resumed(
    workplace: Workplace, here: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in AWAY.items():
        monkeypatch.setenv(name, value)
    workplace.write("sweep.toml", SWEEP)
    interrupt = threading.Thread(target=_interrupt_under_way, args=(workplace.path,))
    interrupt.start()
    done = here("run", "./sweep.toml", "--store", "s3://nights/team")
    interrupt.join()
    assert done.returncode == ExitCode.INTERRUPTED, done.stderr
    resumed = here("run", "./sweep.toml", "--store", "s3://nights/team", "--resume")
    assert resumed.returncode == ExitCode.UNFIT, resumed.stderr
    assert_spooled_once(workplace, resumed, SWEEP_POINTS)


def test_a_slip_in_a_local_path_still_fails_at_once(workplace: Workplace) -> None:
    workplace.write("tiny.toml", TINY)
    done = workplace.run("run", "./tiny.toml", "--store", "/proc/nowhere")
    assert done.returncode == ExitCode.UNFIT
    assert "the store /proc/nowhere cannot be written" in done.stderr
    assert not (workplace.path / "commbench-spool").exists()


def test_a_folder_removed_under_a_sweep_costs_nothing_that_was_finished(workplace: Workplace) -> None:
    workplace.write("sweep.toml", SWEEP)
    running = workplace.start("run", "./sweep.toml")
    workplace.wait_for_results(3)
    shutil.rmtree(workplace.store, ignore_errors=True)  # again below: the run may have added a file meanwhile
    shutil.rmtree(workplace.store, ignore_errors=True)
    _, stderr = running.communicate(timeout=100)
    done = Said(running.returncode, "", stderr)
    assert done.returncode == ExitCode.UNFIT, stderr
    assert "was removed or is full; the journal is in" in stderr
    assert "the folder was removed, moved or unmounted since the store was opened" in stderr
    assert_spooled_once(workplace, done, SWEEP_POINTS)
    assert not workplace.store.exists()  # perhaps a mount point: nothing may be hidden below it
    pushed = workplace.run("store", "push")
    assert pushed.returncode == ExitCode.OK, pushed.stderr
    assert len(workplace.rows()) == SWEEP_POINTS


def test_a_sweep_interrupted_after_its_folder_was_removed_is_resumed_from_the_spool(workplace: Workplace) -> None:
    workplace.write("sweep.toml", SWEEP)
    running = workplace.start("run", "./sweep.toml")
    workplace.wait_for_results(3)
    shutil.rmtree(workplace.store, ignore_errors=True)
    running.terminate()
    _, stderr = running.communicate(timeout=100)
    assert running.returncode == ExitCode.INTERRUPTED, stderr
    workplace.store.mkdir()
    resumed = workplace.run("run", "./sweep.toml", "--resume")
    assert resumed.returncode == ExitCode.OK, resumed.stderr
    rows = workplace.rows()
    assert len(rows) == SWEEP_POINTS
    assert not rows.duplicated(["run_id", "point_id", "attempt"]).any()
    assert workplace.run("store", "push").returncode == ExitCode.OK
    assert len(workplace.rows()) == SWEEP_POINTS


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 120 KiB."""
    mount = tmp_path / "small"
    mount.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=120k", "tmpfs", str(mount)]
    if os.geteuid() != 0 or subprocess.run(words, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here: it takes root")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def test_a_disk_that_fills_under_a_sweep_costs_nothing_that_was_finished(
    workplace: Workplace, small_disk: Path
) -> None:
    workplace.write("sweep.toml", SWEEP)
    store = ("--store", str(small_disk / "results"))
    full = workplace.run("run", "./sweep.toml", *store)
    assert full.returncode == ExitCode.RANK, full.stderr  # one point was lost when the journal could not be written
    assert "Traceback" not in full.stderr
    assert "No space left on device" in full.stderr
    room = assert_spooled_once(workplace, Said(full.returncode, "", full.stderr), SWEEP_POINTS)
    assert (pd.read_parquet(room / "points")["status"] == "ok").sum() == SWEEP_POINTS - 1
    (small_disk / "results").rename(small_disk / "old")
    shutil.rmtree(small_disk / "old")
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    resumed = workplace.run("run", "./sweep.toml", *store, "--resume")
    assert resumed.returncode == ExitCode.OK, resumed.stderr
    assert workplace.run("store", "push").returncode == ExitCode.OK
    rows = pd.read_parquet(small_disk / "results" / "points")
    assert (rows["status"] == "ok").sum() == SWEEP_POINTS
    assert not rows.duplicated(["run_id", "point_id", "attempt"]).any()
