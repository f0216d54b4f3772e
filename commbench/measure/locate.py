"""Search for slow links with real ranks: rank 0 says who sends to whom, receivers time it, rank 0 concludes.

No rank makes connections or groups of its own for it: the flows use those of the launch, as collectives do.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from commbench.backend import Backend, Group, Meeting
from commbench.errors import UnfitError
from commbench.journal.write import LineWriter
from commbench.measure.progress import CALLS, ProgressBoard
from commbench.measure.traffic import TrafficGauge
from commbench.model.environment import HostFacts
from commbench.model.placement import ranks_of
from commbench.model.plan import Plan
from commbench.statistics.link_search import Rails, Round, search
from commbench.statistics.slow_links import Link

LINE = "links"  # the kind of the journal line that holds what was found
_END = "[]"


class _Stopped(Exception):  # noqa: N818 - the user's wish, no error
    """Somebody has asked to stop."""


@dataclass(slots=True)
class FlowMeter:
    """One rank's part in the flows of a plan whose only point says their size."""

    plan: Plan
    backend: Backend
    meeting: Meeting
    board: ProgressBoard
    _orders: int = field(default=0)

    @property
    def group(self) -> Group:
        """Return the group of all ranks."""
        group = self.backend.group(ranks_of(self.plan, self.plan.points[0]))
        if group is None:
            raise UnfitError(f"the flows do not fit: {self.plan.points[0].skip_reason}; give a smaller --size")
        return group

    def hear(self) -> str:
        """Return rank 0's next order."""
        self._orders += 1
        return self.meeting.hear(f"flows/{self._orders}")

    def announce(self, order: str) -> None:
        """Tell all ranks, this one too, what is next."""
        self.meeting.announce(f"flows/{self._orders + 1}", order)

    def obey(self, order: str, before_round: Callable[[], None]) -> dict[Link, float]:
        """Make the rounds of an order and return the best rate in GB/s of each link, on rank 0."""
        best_ns: dict[int, int] = {}
        for links in json.loads(order):
            before_round()
            self._take_part(links, best_ns)
        mine = json.dumps([[sender, took_ns] for sender, took_ns in best_ns.items()])
        size_bytes = self.plan.points[0].size_bytes
        return {  # bytes per ns are GB/s
            (sender, receiver): size_bytes / took_ns
            for receiver, text in enumerate(self.group.gather_texts(mine))
            for sender, took_ns in json.loads(text)
        }

    def _take_part(self, links: Sequence[Sequence[int]], best_ns: dict[int, int]) -> None:
        rank, group = self.backend.rank, self.group
        to_rank = next((receiver for sender, receiver in links if sender == rank), None)
        from_rank = next((sender for sender, receiver in links if receiver == rank), None)
        # The first waits for whoever is late, and its messages wait behind what the last flows left in queues. The
        # second lets all leave at once: a sender that leaves later than its receiver would look like a slow link.
        group.barrier()
        group.barrier()
        self.board.numbers[CALLS] += 1
        if to_rank is None and from_rank is None:
            return
        took_ns = group.flow_ns(self.plan.points[0].size_bytes, to_rank, from_rank)
        if from_rank is not None:
            best_ns[from_rank] = min(took_ns, best_ns.get(from_rank, took_ns))


def follow(meter: FlowMeter, traffic: TrafficGauge) -> None:
    """Do what rank 0 orders until it says the end."""
    meter.board.begin(0)
    meter.group.gather_texts(_link_rate(traffic))
    while (order := meter.hear()) != _END:
        meter.obey(order, _nothing)


def lead(
    meter: FlowMeter,
    traffic: TrafficGauge,
    writer: LineWriter,
    wants_stop: Callable[[], bool],
    ranks: Sequence[HostFacts],
) -> None:
    """Search as rank 0 and journal what was found; nothing is journaled when somebody asks to stop."""
    meter.board.begin(0)
    link_rates = [json.loads(text) for text in meter.group.gather_texts(_link_rate(traffic))]

    rng = np.random.default_rng(meter.plan.seed)

    def before_round() -> None:
        # The supervisor gives each round the time of a point.
        writer.write("started", point_id=0, attempt=0, at_ns=time.time_ns(), durable=False)

    def measure(rounds: Sequence[Round], passes: int) -> Mapping[Link, float]:
        best: dict[Link, float] = {}
        for _ in range(passes):
            if wants_stop():
                raise _Stopped
            # In another order each time: what a flow leaves behind must not always meet the same link.
            order = [rounds[i] for i in rng.permutation(len(rounds))]
            meter.announce(json.dumps(order))
            for link, rate in meter.obey(meter.hear(), before_round).items():
                best[link] = max(rate, best.get(link, rate))
        return best

    try:
        located = search(measure, _rails(meter.plan), meter.plan.seed)
    except _Stopped:
        pass
    else:
        found: dict[str, Any] = {"hosts": [facts.hostname for facts in ranks], "link_rates_gbit_s": link_rates}
        writer.write(LINE, **found, **located.to_fields(), at_ns=time.time_ns())
    meter.announce(_END)


def _rails(plan: Plan) -> Rails:
    """Return how flows may go: between hosts, or between all ranks where there is one host only."""
    return Rails(plan.nodes, plan.ranks_per_node) if plan.nodes > 1 else Rails(plan.world_size)


def _link_rate(traffic: TrafficGauge) -> str:
    return json.dumps(traffic.nothing.link_rate_gbit_s if traffic.nothing else None)


def _nothing() -> None:
    """Do nothing."""
