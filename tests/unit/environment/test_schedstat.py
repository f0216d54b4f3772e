import threading
from pathlib import Path

from commbench.environment.schedstat import RunQueueWait


def _thread(tasks: Path, number: int, wait_ns: int) -> None:
    (tasks / str(number)).mkdir(parents=True, exist_ok=True)
    (tasks / str(number) / "schedstat").write_text(f"900 {wait_ns} 3\n")


def test_the_waits_of_all_threads_are_added_up(tmp_path: Path) -> None:
    _thread(tmp_path, 1, 100)
    _thread(tmp_path, 2, 23)
    wait = RunQueueWait(tmp_path)
    assert wait.is_available
    assert wait.read_ns() == 123
    _thread(tmp_path, 1, 150)
    assert wait.read_ns() == 173


def test_new_threads_are_seen_after_a_refresh(tmp_path: Path) -> None:
    _thread(tmp_path, 1, 100)
    wait = RunQueueWait(tmp_path)
    _thread(tmp_path, 2, 7)
    assert wait.read_ns() == 100
    wait.refresh()
    assert wait.read_ns() == 107


def test_a_thread_that_ends_takes_nothing_back() -> None:
    end, wait = threading.Event(), None
    thread = threading.Thread(target=end.wait)
    thread.start()
    wait = RunQueueWait()
    before = wait.read_ns()
    end.set()
    thread.join()
    assert wait.read_ns() >= before
    wait.refresh()
    assert wait.is_available


def test_a_kernel_that_does_not_count_is_said_to_be_so(tmp_path: Path) -> None:
    for tasks in (tmp_path / "none", tmp_path):
        wait = RunQueueWait(tasks)
        assert not wait.is_available
        assert wait.read_ns() == 0
        wait.refresh()


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_file_stays_open() -> None:
    before = _open_files()
    wait = RunQueueWait()
    wait.close()
    assert wait.read_ns() == 0
    assert RunQueueWait().is_available  # and one that nobody closes
    assert _open_files() == before
