"""NCCL's own debug log as evidence: of a run whose output it is printed into, of another run, or by itself."""

import json
import re

from commbench.fabric.log_summary import log_summary
from commbench.fabric.names import NVLINK
from commbench.fabric.nccl_facts import NcclLog
from commbench.fabric.nccl_log import parse_nccl_log
from commbench.importers import parsed
from commbench.importers.parsed import ParsedHost, ParsedRun
from commbench.importers.rows import UNKNOWN_FABRIC, Fabric
from commbench.model.evidence import Verdict
from commbench.model.point import HOST_LAUNCH, STREAMING

_MESSAGE = re.compile(r":\d{1,9}:\d{1,9} [^\n]{0,200}?\bNCCL (?:INFO|WARN)\b")  # host:pid:tid [gpu]
_RANKS = re.compile(r"\bn[rR]anks (\d{1,7})\b")


def looks_like(text: str) -> bool:
    """Return whether the text has messages of NCCL that tell a device, a connection, a network or its version."""
    if _MESSAGE.search(text) is None:
        return False
    log = parse_nccl_log(text)
    return bool(log.devices or log.connections or log.queue_pairs or log.networks or log.version)


def fabric_of(text: str, of_run: str = "") -> Fabric:
    """Return what the messages of NCCL in a text tell of its fabric; without any, that nothing is known."""
    if _MESSAGE.search(text) is None:
        return Fabric()
    log = parse_nccl_log(text)
    name, verdict, reason = _judge(log)
    return Fabric(name, verdict, reason, _evidence_json(log, of_run))


def parse(text: str, of_run: str = "") -> ParsedRun:
    """Return a log, cleaned of prefixes, as a run without points; `of_run` names the run that it is evidence for."""
    log = parse_nccl_log(text)
    ranks = [int(count) for count in _RANKS.findall(text)]
    hosts = dict.fromkeys([*log.devices, *(one.host for one in log.connections if one.host)])
    name, verdict, _ = _judge(log)
    subject = f"evidence for {of_run}: " if of_run else "evidence only: "
    return ParsedRun(
        source=parsed.NCCL_LOG,
        text="\n".join([text.strip(), *([f"of {of_run}"] if of_run else [])]),
        points=(),
        world_size=max(ranks, default=0),
        nodes=log.nodes or None,
        hosts=tuple(ParsedHost(host, ()) for host in hosts),
        backend="nccl",
        cadence=STREAMING,
        launch=HOST_LAUNCH,
        exit_state=parsed.COMPLETE,
        reason=f"{subject}fabric {name}, {verdict}",
        points_planned=0,
        nccl_version=log.version,
    )


def _judge(log: NcclLog) -> tuple[str, str, str]:
    """Return fabric, verdict and reason: queue pairs prove a fabric, channels of one known link type plan it."""
    planned, connected = log.planned_fabrics(), log.connected_fabrics()
    named = planned - {""}
    if len(connected) == 1 and named <= connected:
        return min(connected), Verdict.PROVEN, f"NCCL connected {len(log.queue_pairs)} queue pairs over it"
    if len(connected | named) > 1:
        return UNKNOWN_FABRIC, Verdict.UNKNOWN, f"NCCL's log names {', '.join(sorted(connected | named))}"
    if named and named == planned:
        return min(named), Verdict.PLANNED, "NCCL planned all its channels over it; nobody counted"
    if planned:
        return (
            UNKNOWN_FABRIC,
            Verdict.UNKNOWN,
            "NCCL's log does not name the link type of its channels' network",
        )
    inside = log.inside_host()
    if inside in {"shm", NVLINK}:
        return inside, Verdict.PLANNED, "NCCL planned all its connections inside the host over it"
    return UNKNOWN_FABRIC, Verdict.UNKNOWN, "NCCL's log has no channel that tells a fabric"


def _evidence_json(log: NcclLog, of_run: str) -> str:
    return json.dumps({**({"of_run": of_run} if of_run else {}), "nccl_log": log_summary(log)}, sort_keys=True)
