"""The verdict: did the fabric that was asked for carry the bytes?

From the strongest to the weakest: counters of every host's links over the timed phase; queue pairs in the library's
log; its channel lines joined with its device list; settings. One host or one connection that says otherwise is enough
to contradict.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from commbench.fabric.names import EFA, INFINIBAND, INSIDE_HOST, NVLINK, ROCE, Fabric
from commbench.fabric.nccl_facts import Connection, NcclLog
from commbench.fabric.traffic import HostTraffic, HostView, view
from commbench.model.evidence import Evidence, Verdict

_PLUGIN_OF = {EFA: "aws libfabric"}
_NCCL_NAMES = {
    "all_reduce": "AllReduce",
    "all_gather": "AllGather",
    "reduce_scatter": "ReduceScatter",
    "broadcast": "Broadcast",
    "all_to_all": "AlltoAll",
    "all_to_all_v": "AlltoAll",
}


@dataclass(frozen=True, slots=True)
class _Opinion:
    """What one source says; `is_measured` holds for counters that left it open: settings do not outweigh them."""

    verdict: Verdict
    reason: str
    is_measured: bool = False


def judge(
    fabric: Fabric,
    traffic: Sequence[HostTraffic],
    log: NcclLog | None = None,
    *,
    nodes: int,
    variables: Mapping[str, str] | None = None,
    link_rate_gbit_s: float | None = None,
) -> Evidence:
    """Return the verdict on one attempt at a point.

    `traffic` has one entry for each host that took part, `log` is the probe's, `variables` are those that selected the
    fabric. On one node no network is needed, so counters say nothing there.
    """
    views = [view(fabric, one) for one in traffic] if nodes > 1 and fabric.kind not in INSIDE_HOST else []
    opinions = [
        opinion
        for opinion in (_from_counters(views), _from_log(fabric, log, nodes), _from_settings(variables))
        if opinion is not None
    ]
    chosen = _strongest(opinions, _why_unknown(fabric, views, nodes))
    shares = [one.share for one in views if one.share is not None]
    return Evidence(
        verdict=chosen.verdict,
        reason=chosen.reason,
        expected_bytes=max((one.expected_bytes for one in traffic), default=None) if nodes > 1 else None,
        moved_share=min(shares, default=None),
        counters_json=_counters_json(traffic),
        link_rate_gbit_s=link_rate_gbit_s,
    )


def choice_of(log: NcclLog, collective: str, size_bytes: int, world_size: int) -> tuple[str, str]:
    """Return the algorithm and protocol that the log shows for a point; empty strings when it does not.

    `size_bytes` is nccl-tests' size; NCCL itself counts one rank's part for all_gather and reduce_scatter.
    """
    name = _NCCL_NAMES.get(collective, collective)
    share = collective in {"all_gather", "reduce_scatter"} and world_size > 0
    wanted = size_bytes // world_size if share else size_bytes
    for choice in reversed(log.choices):  # the last: earlier ones may be of warm-up calls with other settings
        if choice.size_bytes == wanted and choice.collective in {name, ""}:
            return choice.algorithm or choice.path, choice.protocol
    return "", ""


def _strongest(opinions: Sequence[_Opinion], otherwise: str) -> _Opinion:
    for verdict in (Verdict.CONTRADICTED, Verdict.PROVEN):
        if found := next((one for one in opinions if one.verdict is verdict), None):
            return found
    doubt = next((one for one in opinions if one.is_measured), None)
    planned = [one for one in opinions if one.verdict is Verdict.PLANNED]
    if planned and doubt is None:
        return planned[0]
    if planned and len(planned) > 1:  # the library's own words besides the settings
        return _Opinion(Verdict.PLANNED, f"{planned[0].reason}; but {doubt.reason}" if doubt else planned[0].reason)
    if doubt is not None:
        return doubt
    unknown = [one.reason for one in opinions if one.reason]
    return _Opinion(Verdict.UNKNOWN, "; ".join([*unknown, otherwise] if otherwise else unknown))


def _why_unknown(fabric: Fabric, views: Sequence[HostView], nodes: int) -> str:
    if fabric.kind in INSIDE_HOST:
        return ""
    if nodes <= 1:
        return "all ranks are on one host, where bytes need no network"
    return views[0].reason if views else "nothing was counted and the library's log was not read"


def _from_counters(views: Sequence[HostView]) -> _Opinion | None:
    if against := next((one for one in views if one.contradicts), None):
        return _Opinion(Verdict.CONTRADICTED, against.reason, is_measured=True)
    if views and all(one.carried for one in views):
        least = min(views, key=lambda one: one.share or 0.0)
        return _Opinion(Verdict.PROVEN, f"counters of {len(views)} hosts: {least.reason}", is_measured=True)
    if open_one := next((one for one in views if one.share is not None and not one.carried), None):
        return _Opinion(Verdict.UNKNOWN, open_one.reason, is_measured=True)
    return None


def _from_settings(variables: Mapping[str, str] | None) -> _Opinion | None:
    if not variables:
        return None
    settings = " ".join(f"{name}={value}" for name, value in sorted(variables.items()))
    return _Opinion(Verdict.PLANNED, f"asked for by {settings}; nobody counted")


def _from_log(fabric: Fabric, log: NcclLog | None, nodes: int) -> _Opinion | None:
    if log is None:
        return None
    if fabric.kind in INSIDE_HOST:
        return _inside_host(fabric, log)
    if nodes <= 1:
        return None  # what the log says is of the launch, and its network carried nothing between ranks of one host
    wrong = [one for one in _over_network(log) if one.fabric and not _is_of(fabric, one)]
    if wrong:
        names = ", ".join(device.label for device in wrong[0].devices)
        where = f"via {wrong[0].how}" + (f" ({names})" if names else "")
        return _Opinion(Verdict.CONTRADICTED, f"NCCL planned {wrong[0].fabric} instead of {fabric.name}: {where}")
    return _from_queue_pairs(fabric, log) or _from_channels(fabric, log)


def _from_queue_pairs(fabric: Fabric, log: NcclLog) -> _Opinion | None:
    connected = log.connected_fabrics()
    if fabric.kind not in {INFINIBAND, ROCE} or not connected:
        return None
    if connected == {fabric.kind}:
        pair = log.queue_pairs[0]
        name = pair.device.label if pair.device else f"device {pair.index}"
        return _Opinion(
            Verdict.PROVEN, f"NCCL connected {len(log.queue_pairs)} {fabric.kind} queue pairs, as on {name}"
        )
    others = " and ".join(sorted(connected - {fabric.kind}))
    return _Opinion(Verdict.CONTRADICTED, f"NCCL connected queue pairs over {others} instead of {fabric.name}")


def _from_channels(fabric: Fabric, log: NcclLog) -> _Opinion:
    channels = _over_network(log)
    if channels and all(_is_of(fabric, one) for one in channels):
        return _Opinion(
            Verdict.PLANNED, f"NCCL planned {len(channels)} channels, as via {channels[0].how}; nobody counted"
        )
    if channels:
        return _Opinion(Verdict.UNKNOWN, f"NCCL's log names no link type for via {channels[0].how}")
    return _Opinion(Verdict.UNKNOWN, "NCCL's log has no channel over a network")


def _inside_host(fabric: Fabric, log: NcclLog) -> _Opinion:
    transports = log.transports()
    against = {"NET", "COLLNET"} | ({"SHM"} if fabric.kind == NVLINK else {"P2P"})
    if wrong := next((one for one in log.connections if one.transport in against), None):
        return _Opinion(Verdict.CONTRADICTED, f"NCCL connected ranks via {wrong.how}, not by {fabric.name}")
    if log.inside_host() == fabric.kind:
        return _Opinion(
            Verdict.PLANNED, f"NCCL planned {sum(transports.values())} connections by {fabric.kind} and no other"
        )
    if transports:
        return _Opinion(Verdict.UNKNOWN, "NCCL's log says P2P, which may be NVLink or PCIe: set NCCL_P2P_LEVEL=NVL")
    return _Opinion(Verdict.UNKNOWN, "NCCL's log has no connection between ranks")


def _over_network(log: NcclLog) -> list[Connection]:
    return [one for one in log.connections if one.transport in {"NET", "COLLNET"}]


def _is_of(fabric: Fabric, connection: Connection) -> bool:
    network = _PLUGIN_OF.get(fabric.kind, fabric.kind.lower())
    return connection.fabric == fabric.kind or connection.network.lower() == network


def _counters_json(traffic: Sequence[HostTraffic]) -> str:
    """Return what every link that moved or stumbled counted, by host and link."""
    found = {
        one.host: {
            delta.link: {
                key: value
                for key, value in asdict(delta).items()
                if key in {"fabric", "tx_bytes", "rx_bytes", "notable", "saturated"} and value not in ({}, ())
            }
            for delta in one.deltas
            if delta.tx_bytes or delta.rx_bytes or delta.notable
        }
        for one in traffic
    }
    return json.dumps(found, sort_keys=True)
