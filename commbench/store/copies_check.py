"""Whether monthly copies hold what the published files hold now."""

import json
from typing import TYPE_CHECKING

import pyarrow as pa

from commbench.store import copies
from commbench.store.finding import Finding, fault, note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from commbench.store.medium import Medium
    from commbench.store.verify import Verified

_REMOVE = "remove it, or `commbench store compact` again once the files are sound"


def check_copies(
    medium: "Medium", sizes: "Mapping[str, Mapping[str, int]]", sound: "Mapping[str, Verified]"
) -> "Iterator[Finding]":
    """Yield what is wrong with copies in use, and one note for all that are out of use."""
    unused = 0
    for dataset in copies.COPIED:
        months = copies.months(sizes[dataset])
        months.pop("", None)
        current = {copies.copy_key(dataset, month, files): files for month, files in months.items()}
        for key in medium.keys(copies.folder_of(dataset)):
            if key not in current:
                unused += 1
            elif what := _fault(medium, key, {each: sound.get(each) for each in current[key]}):
                yield fault(medium.name(key), what, _REMOVE)
    if unused:
        what = f"{unused} copies out of use, as files came or went since"
        yield note(medium.name(copies.folder_of("")), what, "`commbench store compact` renews them")


def _fault(medium: "Medium", key: str, files: "Mapping[str, Verified | None]") -> str:
    try:
        fragment = medium.fragment(key)
        sources = json.loads(fragment.physical_schema.metadata[copies.SOURCES_KEY])
        copied = {str(name): str(content_hash) for name, _, content_hash in sources}
        rows = fragment.to_table(columns=[]).num_rows
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        return f"damaged: {' '.join(str(error).split())}"
    known = {name: each for name, each in files.items() if each is not None}  # the others have a finding of their own
    if any(copied.get(name) != each.content_hash for name, each in known.items()):
        return "it was made of other content than the files of its month hold"
    is_short = len(known) == len(files) and rows != sum(each.rows for each in known.values())
    return "it does not hold every row of its month" if is_short else ""
