"""A plan as JSON and back, exactly: how the controlling process hands it to the ranks."""

import json
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import lru_cache
from typing import Any, get_args, get_origin, get_type_hints

from commbench.errors import UnfitError
from commbench.model.plan import Plan

FORMAT = 1  # raise it when a plan's fields change their meaning
_REMEDY = "it is damaged or of another version of commbench; start a new run"


def to_json(plan: Plan) -> str:
    """Return the plan as one line of JSON."""
    return json.dumps({"format": FORMAT, "plan": asdict(plan)}, allow_nan=False)


@lru_cache(maxsize=2)  # a journal is read several times a launch, and its plan never changes
def from_json(text: str) -> Plan:
    """Return the plan that `to_json` wrote.

    Raises:
        UnfitError: the text is no plan, or one of another version of commbench.
    """
    try:
        document = json.loads(text)
        plan: Plan = _decode(Plan, document["plan"])
    except (ValueError, TypeError, KeyError) as error:
        raise UnfitError(f"cannot read the plan ({error}); {_REMEDY}") from error
    if document.get("format") != FORMAT:
        raise UnfitError(f"cannot read the plan (its format is {document.get('format')}, not {FORMAT}); {_REMEDY}")
    return plan


def _decode(kind: Any, value: Any) -> Any:
    """Return a JSON value as the type that a field declares: a dataclass, a tuple of one type or a plain value."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        known = {field.name for field in fields(kind)}
        # A field that came later has a default that says what was so before: an older run can still be resumed.
        needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
        if not isinstance(value, dict) or not needed <= set(value) <= known:
            raise ValueError(f"{getattr(kind, '__name__', kind)} has other fields than this commbench knows")
        return kind(**{name: _decode(hints[name], value[name]) for name in value})  # type: ignore[operator]
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{value!r} is not a list")
        return tuple(_decode(get_args(kind)[0], item) for item in value)
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise ValueError(f"{value!r} is not of type {kind.__name__}")
    return value
