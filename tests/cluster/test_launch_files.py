"""The Kubernetes files of the documentation: held against Kubernetes' own schemas, and their command really run."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.conftest import HostsRun
from tests.cluster.emulation import FAB_A, Cluster

pytestmark = pytest.mark.ranks
LAUNCH = Path(__file__).parents[2] / "docs/launch"
JOB, CRON_JOB = LAUNCH / "indexed-job.yaml", LAUNCH / "nightly-cronjob.yaml"


def is_valid(path: Path) -> bool:
    validator = Path(sys.executable).with_name("kubernetes-validate")
    done = subprocess.run([validator, "--strict", str(path)], capture_output=True, text=True, check=False)
    assert "passed" in done.stdout + done.stderr or "failed" in done.stdout + done.stderr, done
    return done.returncode == 0


@pytest.mark.parametrize("path", [JOB, CRON_JOB], ids=lambda path: path.name)
def test_kubernetes_schema_knows_every_field(path: Path) -> None:
    assert is_valid(path)


def test_the_schema_refuses_a_field_that_it_does_not_know(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(JOB.read_text().replace("completionMode:", "completionMood:"))
    assert not is_valid(wrong)


def job_of(path: Path) -> dict[str, Any]:
    documents = list(yaml.safe_load_all(path.read_text()))
    spec: dict[str, Any] = documents[-1]["spec"]
    inner: dict[str, Any] = spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec
    return inner


def test_every_night_runs_the_same_job_with_the_suite_for_regressions() -> None:
    once, nightly = job_of(JOB), job_of(CRON_JOB)
    (container,) = once["template"]["spec"]["containers"]
    suite = next(each for each in container["env"] if each["name"] == "SUITE")
    assert suite["value"] == "quick"
    suite["value"] = "nightly"
    container["args"] = [words.replace("commbench run", "commbench nightly") for words in container["args"]]
    assert once == nightly


def test_the_jobs_command_measures_over_its_pods(
    cluster: Callable[..., Cluster], hosts_run: Callable[[Cluster], HostsRun]
) -> None:
    lab = cluster(hosts=2, aliases={0: "commbench-0.commbench"})
    run = hosts_run(lab)
    suite = run.suite(ranks="[4]", iterations=10, limit=60, sizes='["1KiB"]')
    job = job_of(JOB)
    (container,) = job["template"]["spec"]["containers"]
    words = [*container["command"], *container["args"]]
    values = {"JOB_NAME": "commbench", "SUITE": str(suite), "STORE": str(run.store), "RANKS_PER_NODE": "2"}
    assert {each["name"] for each in container["env"]} == set(values)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    pods = [
        subprocess.Popen(
            lab.command(host, *words),
            env={**os.environ, **values, "PATH": path, "JOB_COMPLETION_INDEX": str(host), "GLOO_SOCKET_IFNAME": FAB_A},
            stderr=subprocess.PIPE,
            text=True,
        )
        for host in range(job["completions"])
    ]
    said = [pod.communicate(timeout=100)[1] for pod in pods]
    assert [pod.returncode for pod in pods] == [0, 0], said
    assert list(run.points()["status"]) == ["ok"]
