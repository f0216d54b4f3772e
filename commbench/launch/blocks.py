"""Blocks until decided: after a block, ask whether more are wanted, and write down those that are not."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from commbench.journal.codec import result_to_json
from commbench.journal.folder import JournalFolder
from commbench.journal.read import Journal, read_journal
from commbench.journal.write import JournalWriter
from commbench.model.block import NOT_NEEDED
from commbench.model.result import PointResult, Status


@dataclass(frozen=True, slots=True)
class Wish:
    """How many more blocks would help; with 0 `why` says why none would, such as `decided`."""

    blocks: int
    why: str = ""


WantsMore = Callable[[Journal], Wish]


class BlocksUntilDecided:
    """Looks at what is measured when the suite's least number of blocks is done, and again after those it asked for.

    At most as many more are asked for at once as are done, because a spread known from few blocks is known badly.
    Looking seldom also keeps the risk of a wrong verdict near the one that each look has.
    """

    def __init__(self, wants_more: WantsMore | None) -> None:
        self._wants_more = wants_more
        self._next_look = 0

    def after_launch(self, folder: JournalFolder) -> None:
        """Skip all blocks to come if none is wanted."""
        journal = read_journal(folder)
        protocol = journal.plan.protocol
        if self._wants_more is None or not protocol.decide_share:
            return
        done = blocks_done(journal)
        if done is None or done < max(self._next_look, protocol.launches):
            return
        wish = self._wants_more(journal)
        if wish.blocks:
            self._next_look = done + min(wish.blocks, done)
        else:
            _skip_from(folder, journal, done, wish.why)


def blocks_done(journal: Journal) -> int | None:
    """Return how many blocks were measured; None in the middle of a block, and when there is no next one."""
    todo = journal.next_launch()
    if not todo:
        return None
    points = journal.plan.points
    following = points[todo[0][0]]
    starts = min(point.launch_index for point in points if point.block == following.block)
    return following.block if following.launch_index == starts else None


def _skip_from(folder: JournalFolder, journal: Journal, block: int, why: str) -> None:
    """Journal every point still to do of a block and all after it as skipped; the last line makes all durable."""
    superfluous = [each for each in journal.todo() if journal.plan.points[each[0]].block >= block]
    reason = f"{NOT_NEEDED}{why} after {block} blocks"
    with JournalWriter(folder) as writer:
        for point_id, attempt in superfluous:
            result = PointResult(journal.plan.points[point_id], attempt, Status.SKIPPED, time.time_ns(), error=reason)
            is_last = point_id == superfluous[-1][0]
            writer.write("result", durable=is_last, result=result_to_json(result), at_ns=time.time_ns())
