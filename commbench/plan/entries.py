"""The kinds of suite entries that pydantic does not know, such as a word out of a list, a size, a percentage."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from commbench.errors import UsageError
from commbench.model.gradients import GRADIENT_SETS
from commbench.plan.gradients import mistake_in
from commbench.plan.wording import no_such, shown
from commbench.units import format_size, parse_sizes

MAX_SIZE_BYTES = 2**50  # no machine holds more: a larger number is a slip of the pen
OWN_MESSAGE = "commbench"  # the pydantic error type of messages that are shown as they are


def _mistake(message: str) -> PydanticCustomError:
    return PydanticCustomError(OWN_MESSAGE, "{message}", {"message": message})


@dataclass(frozen=True, slots=True)
class OneOf:
    """Annotation for a string that must be one of the choices; editors get them as an enum."""

    choices: tuple[str, ...]

    def check(self, value: Any) -> str:
        """Return the value if it is one of the choices."""
        if not isinstance(value, str) or value not in self.choices:
            raise _mistake(no_such("value", value, self.choices))
        return value

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell pydantic to ask `check` and nothing else, so that one mistake gives one message."""
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Tell editors what can be written."""
        return {"type": "string", "enum": list(self.choices)}


@dataclass(frozen=True, slots=True)
class GradientEntry:
    """Annotation for one entry of `gradients`: a known set, or a file of shapes."""

    def check(self, value: Any) -> str:
        """Return the entry if it is one or the other; the file is read when the plan is made."""
        if mistake := mistake_in(value):
            raise _mistake(mistake)
        return str(value)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell pydantic to ask `check` and nothing else, so that one mistake gives one message."""
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Tell editors what can be written."""
        return {"anyOf": [{"type": "string", "enum": list(GRADIENT_SETS)}, {"type": "string", "pattern": "[.]toml$"}]}


@dataclass(frozen=True, slots=True)
class Percentage:
    """Annotation for a share of more than nothing and less than all, written as `3%`."""

    _PATTERN: ClassVar[str] = r"^(0?\.[0-9]*[1-9][0-9]*|[1-9][0-9]?(\.[0-9]+)?) ?%$"

    def check(self, value: Any) -> str:
        """Return the value if it is such a percentage."""
        if not isinstance(value, str) or re.fullmatch(self._PATTERN, value) is None:
            raise _mistake(f"{shown(value)} is no margin; write a percentage above 0 and below 100, such as '3%'")
        return value

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell pydantic to ask `check` and nothing else, so that one mistake gives one message."""
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Tell editors what can be written."""
        return {"type": "string", "pattern": self._PATTERN}


@dataclass(frozen=True, slots=True)
class SizeEntry:
    """Annotation for one entry of `sizes`: bytes, a size such as 64KiB or a range such as 8..64MiB x4."""

    def check(self, value: Any) -> tuple[int, ...]:
        """Return the sizes in bytes that the entry names."""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise _mistake(f"{shown(value)} is not a size; write bytes or a string such as '64KiB' or '8..64MiB x4'")
        try:
            sizes = (value,) if isinstance(value, int) else parse_sizes(value)
        except UsageError as error:
            raise _mistake(str(error)) from error
        if min(sizes) < 1:
            raise _mistake(f"{value!r} is not a size; the smallest is 1 byte")
        if max(sizes) > MAX_SIZE_BYTES:
            raise _mistake(f"{value!r} is larger than {format_size(MAX_SIZE_BYTES)}")
        return sizes

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell pydantic to ask `check` and nothing else, so that one mistake gives one message."""
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Tell editors what can be written."""
        return {
            "type": ["string", "integer"],
            "minimum": 1,
            "examples": ["64KiB", "8..64MiB x4", "1MiB..4MiB +1MiB", 4096],
        }
