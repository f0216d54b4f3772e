"""NCCL is asked once, before a fabric's first launch, how it will use it; the answer is evidence."""

from collections.abc import Mapping
from pathlib import Path

from commbench.environment.place import PROBE
from commbench.fabric.counters import LinkDelta
from commbench.journal.folder import JournalFolder
from commbench.journal.packed_text import packed
from commbench.journal.read import read_journal
from commbench.journal.write import JournalWriter
from commbench.launch.launched import Command, Launched, LaunchRequest
from commbench.launch.probe import probe_fabric
from commbench.launch.session import create_journal
from commbench.measure.proof import evidence_of
from commbench.measure.traffic import HostCount
from commbench.model.plan import Plan
from commbench.plan.expand import expand
from commbench.plan.load import load

SUITE = """
[suite]
name = "s"
[sweep]
collectives = ["all_reduce"]
sizes = ["64MiB"]
nodes = [2]
backend = "{backend}"
{fabrics}
"""
LOG = """
h0:10:20 [0] NCCL INFO NET/IB : Using [0]mlx5_0:1/IB [RO]; OOB eth0:10.0.0.1<0>
h0:10:20 [0] NCCL INFO Channel 00/0 : 0[0] -> 1[0] [send] via NET/IB/0/GDRDMA
h0:10:20 [0] NCCL INFO AllReduce: 67108864 Bytes -> Algo RING proto SIMPLE channel{Lo..Hi}={0..15}
"""


class Button:
    presses = 0


class Probing:
    """An engine whose launches end at once; the probe's says `log` of itself, or fails when that is None."""

    launcher, can_repeat, start_limit_s = "fake", True, 5.0

    def __init__(self, log: str | None) -> None:
        self.log, self.asked = log, list[Mapping[str, str]]()
        self._folder: JournalFolder | None = None

    def prepare(self, request: LaunchRequest) -> Command:
        self.asked.append(dict(request.variables))
        return self

    def start(self, folder: JournalFolder, log: Path) -> Launched:
        if self.log is not None:
            with JournalWriter(folder) as writer:
                writer.write("probe", fabric="infiniband", log=packed(self.log), at_ns=1)
        return self

    def poll(self) -> int | None:
        return 1 if self.log is None else 0

    def why_dead(self, exit_code: int, during: str) -> str:
        return "rank 1 died"

    def who_is_silent(self, ranks: int) -> str:
        return ""

    def who_is_missing(self) -> str:
        return ""

    def end(self) -> None:
        """Nothing runs."""


def plan_of(tmp_path: Path, backend: str = "nccl", fabrics: str = 'fabrics = ["ib"]') -> Plan:
    path = tmp_path / "s.toml"
    path.write_text(SUITE.format(backend=backend, fabrics=fabrics))
    return expand(load(str(path)), 2, nodes=2, memory_bytes_available=2**40)


def begun(tmp_path: Path, plan: Plan) -> JournalFolder:
    folder = create_journal(tmp_path / "journal" / "run", plan)
    with JournalWriter(folder) as writer:
        writer.write("session", at_ns=1)
    return folder


def test_a_fabric_is_probed_once_with_the_probes_variable_on_every_rank(tmp_path: Path) -> None:
    engine, folder = Probing(LOG), begun(tmp_path, plan_of(tmp_path))
    for _ in range(3):
        probe_fabric(folder, 0, engine, Button())
    assert engine.asked == [{PROBE: "1"}]
    log = read_journal(folder).probe_of("infiniband")
    assert log is not None
    assert log.planned_fabrics() == {"infiniband"}


def test_a_probe_that_fails_is_not_tried_again_and_proves_nothing(tmp_path: Path) -> None:
    engine, folder = Probing(None), begun(tmp_path, plan_of(tmp_path))
    for _ in range(2):
        probe_fabric(folder, 0, engine, Button())
    assert len(engine.asked) == 1
    log = read_journal(folder).probe_of("infiniband")
    assert log is not None
    assert not log.connections


def test_only_nccl_is_asked_and_only_about_fabrics_that_somebody_chose(tmp_path: Path) -> None:
    tables = 'fabrics = ["a"]\n[fabrics.a]\nkind = "tcp"'
    for place, plan in enumerate([plan_of(tmp_path, "gloo", tables), plan_of(tmp_path, "nccl", "")]):
        engine = Probing(LOG)
        probe_fabric(begun(tmp_path / str(place), plan), 0, engine, Button())
        assert engine.asked == []


def test_what_the_log_says_of_a_point_is_stored_with_it(tmp_path: Path) -> None:
    plan, folder = plan_of(tmp_path), begun(tmp_path, plan_of(tmp_path))
    probe_fabric(folder, 0, Probing(LOG), Button())
    (point,) = plan.points
    silent = LinkDelta("mlx5_0:1", "infiniband", None, None)
    counts = tuple(HostCount(host, ("mlx5_0:1",), 400.0, calls=10, moved=(silent,)) for host in ("h0", "h1"))
    evidence = evidence_of(plan, point, counts, read_journal(folder).probe_of("infiniband"))
    assert evidence is not None
    assert (evidence.verdict, evidence.algorithm, evidence.protocol) == ("planned", "RING", "SIMPLE")
    assert evidence.link_rate_gbit_s == 400.0


def test_a_log_that_names_another_fabric_contradicts(tmp_path: Path) -> None:
    plan, folder = plan_of(tmp_path), begun(tmp_path, plan_of(tmp_path))
    probe_fabric(folder, 0, Probing(LOG.replace("/IB [RO]", "/RoCE [RO]")), Button())
    counts = tuple(HostCount(host, (), None, calls=10) for host in ("h0", "h1"))
    evidence = evidence_of(plan, plan.points[0], counts, read_journal(folder).probe_of("infiniband"))
    assert evidence is not None
    assert evidence.verdict == "contradicted"
    assert "roce" in evidence.reason
