"""The gradient sets that a suite names: those that commbench knows, and lists of shapes in files."""

import re
import tomllib
from collections.abc import Iterable
from hashlib import blake2b
from math import prod
from pathlib import Path
from typing import Any

from commbench.errors import SuiteError
from commbench.model.gradients import GRADIENT_SETS, GradientSet, known_set
from commbench.plan.wording import no_such, shown

SHAPES_SUFFIX = ".toml"
MAX_TENSORS = 1_000_000
MAX_ELEMENTS = 2**38  # what one bucket can hold: commbench.bucketing.plan
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_HASH_BYTES = 4  # files of one name with other shapes must not share a series; nobody has thousands of them
_FORM = "a file of shapes is one line: shapes = [[1024, 1024], [1024]]"


def mistake_in(entry: Any) -> str:
    """Return what is wrong with an entry of sweep.gradients, or an empty string."""
    if isinstance(entry, str) and (entry in GRADIENT_SETS or entry.endswith(SHAPES_SUFFIX)):
        return ""
    return f"{no_such('gradient set', entry, GRADIENT_SETS)}; a file of shapes ends in {SHAPES_SUFFIX}"


def gradient_sets(entries: Iterable[str], folder: Path) -> tuple[GradientSet, ...]:
    """Return the sets of some entries; files are looked for beside the suite, in `folder`.

    Raises:
        SuiteError: a file that cannot be read or does not hold shapes.
    """
    sets = tuple(known_set(each) if each in GRADIENT_SETS else _from_file(folder / each) for each in entries)
    names = [each.name for each in sets]
    if len(set(names)) < len(names):
        raise SuiteError(f"sweep.gradients: two entries are the same set ({', '.join(names)}); remove one")
    return sets


def _from_file(path: Path) -> GradientSet:
    try:
        text = path.read_bytes().decode()
        document = tomllib.loads(text)
    except FileNotFoundError as error:
        raise SuiteError(f"{path}: no such file of shapes; sweep.gradients names it, beside the suite") from error
    except OSError as error:
        raise SuiteError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # no UTF-8, or no TOML
        raise SuiteError(f"{path}: not TOML ({error}); {_FORM}") from error
    if set(document) != {"shapes"}:
        raise SuiteError(f"{path}: has the keys {', '.join(map(repr, document)) or 'none'}; {_FORM}")
    counts = _counts(document["shapes"], path)
    if not _NAME.fullmatch(path.stem):
        raise SuiteError(
            f"{path}: its name becomes the set's; start with a letter and use only letters, digits, - and _"
        )
    digest = blake2b(repr(counts).encode(), digest_size=_HASH_BYTES).hexdigest()
    return GradientSet(f"{path.stem}-{digest}", counts)


def _counts(shapes: Any, path: Path) -> tuple[int, ...]:
    if not isinstance(shapes, list) or not 1 <= len(shapes) <= MAX_TENSORS:
        raise SuiteError(f"{path}: shapes must be a list of 1 to {MAX_TENSORS:,} shapes; {_FORM}")
    for index, shape in enumerate(shapes):
        if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
            raise SuiteError(f"{path}: shapes.{index}: {shown(shape)} is no shape; {_FORM}")
    counts = tuple(prod(shape) for shape in shapes)
    if not 1 <= sum(counts) <= MAX_ELEMENTS:
        raise SuiteError(f"{path}: {sum(counts):,} elements in all; a bucket holds 1 to {MAX_ELEMENTS:,}")
    return counts
