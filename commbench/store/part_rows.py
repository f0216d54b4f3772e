"""The columns of `points` that say how long the parts of a bucketed collective took: pack, communication, unpack."""

from typing import TYPE_CHECKING

from commbench.model.result import Samples
from commbench.model.summary import summarise
from commbench.statistics.headline import decompose

if TYPE_CHECKING:
    from commbench.model.result import PointResult

Row = dict[str, object]

PART_COLUMNS = ("pack_p50_us", "communication_p50_us", "unpack_p50_us")


def part_row(result: "PointResult", samples: "Samples | None") -> Row:
    """Return the medians of the parts; all are null where calls have none.

    Packing and unpacking are done by each rank for itself: the longest of all ranks counts. Communication is timed as
    whole calls are, from the last arrival on: a rank that packs slowly does not make the fabric slow.
    """
    if samples is None or samples.packed_ns is None or samples.communicated_ns is None:
        return dict.fromkeys(PART_COLUMNS)
    between = decompose(
        Samples(samples.packed_ns, samples.communicated_ns), result.clock_bound_ns, is_synchronising=True
    )
    parts = (
        (samples.packed_ns - samples.enter_ns).max(axis=0),
        between.headline_ns,
        (samples.exit_ns - samples.communicated_ns).max(axis=0),
    )
    return {name: summarise(part).p50_us for name, part in zip(PART_COLUMNS, parts, strict=True)}
