"""Turn what pydantic found wrong with a suite into sentences, one for each mistake."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from pydantic import BaseModel, ValidationError

from commbench.plan.entries import OWN_MESSAGE
from commbench.plan.suite import Suite
from commbench.plan.toml_lines import Location, TomlLines
from commbench.plan.wording import closest, no_such, shown


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake and where it is: the keys and indices that lead to it."""

    location: Location
    message: str


_WRONG_TYPE = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "a table",
    "dict_type": "a table",
}

# Each gets pydantic's context and the value.
_MESSAGES: dict[str, Callable[[dict[str, Any], Any], str]] = {
    "greater_than": lambda context, value: f"must be more than {context['gt']:g}, not {value}",
    "greater_than_equal": lambda context, value: f"must be at least {context['ge']:g}, not {value}",
    "less_than_equal": lambda context, value: f"must be at most {context['le']}, not {value}",
    "finite_number": lambda _context, value: f"must be a finite number, not {value}",
    "too_short": lambda _context, _value: "must not be empty",
    "string_pattern_mismatch": lambda _context, value: (
        f"{value!r} is no simple name; start with a letter and use only letters, digits, - and _"
    ),
}


def from_pydantic(error: ValidationError) -> list[Problem]:
    """Return one problem for each mistake that pydantic found."""
    details = error.errors(include_url=False)
    unknown = {tuple(detail["loc"]) for detail in details if detail["type"] == "extra_forbidden"}
    misspelled = {(*location[:-1], closest(location[-1], _keys(location[:-1]))) for location in unknown}
    return [
        Problem(tuple(detail["loc"]), _message(detail["type"], detail["loc"], detail.get("ctx", {}), detail["input"]))
        for detail in details
        # A misspelled key is one mistake, not two: it is not missing as well.
        if not (detail["type"] == "missing" and tuple(detail["loc"]) in misspelled)
        # pydantic does not count wrong elements: a list of nothing else is not empty as well.
        if not (detail["type"] == "too_short" and detail["input"])
    ]


def render(problems: Iterable[Problem], file_name: str, lines: TomlLines) -> str:
    """Return all problems in the order of the file, one line each: `smoke.toml:6: sweep.ranks.1: message`."""
    located = [(lines.find(problem.location), problem) for problem in problems]
    return "\n".join(
        f"{file_name}:{line}: {'.'.join(map(str, problem.location))}: {problem.message}"
        for line, problem in sorted(located, key=itemgetter(0))
    )


def _message(kind: str, location: Sequence[str | int], context: dict[str, Any], value: Any) -> str:
    if kind == OWN_MESSAGE:
        return str(context["message"])
    if kind == "extra_forbidden":
        return _no_such_key(location)
    if kind == "missing":
        return f"missing {'table' if len(location) == 1 else 'key'}"
    if kind in _WRONG_TYPE:
        return f"must be {_WRONG_TYPE[kind]}, not {shown(value)}"
    if kind in _MESSAGES:
        return _MESSAGES[kind](context, value)
    # This kind comes from a newer pydantic or a new rule: say at least what was written.
    return f"{value!r} cannot be right ({kind})"


def _no_such_key(location: Sequence[str | int]) -> str:
    *parent, name = location
    message = no_such("key" if parent else "table", name, _keys(parent))
    owners = [table for table in _keys(()) if [table] != list(parent) and name in _keys((table,))]
    return f"{message}; {name} belongs to [{owners[0]}]" if owners else message


def _keys(location: Sequence[str | int]) -> tuple[str, ...]:
    """Return what may be written in a table of a suite; nothing for what is no table."""
    model: type[BaseModel] | None = Suite
    for part in location:
        fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()} if model else {}
        inner = fields.get(str(part))
        model = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None
    return tuple(field.alias or name for name, field in model.model_fields.items()) if model else ()
