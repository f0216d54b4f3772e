"""What people bring to a choice between fabrics: a training step and prices, read from small TOML files."""

import tomllib
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from commbench.collectives import COLLECTIVES
from commbench.errors import UsageError
from commbench.fabric.names import plain
from commbench.plan.entries import OneOf
from commbench.plan.problems import Problem, render
from commbench.plan.toml_lines import TomlLines
from commbench.units import parse_size

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
HOURS_PER_YEAR = 8766.0  # 365.25 days
_WATTS_PER_KW = 1000.0


def _size(value: object) -> object:
    """Return the bytes of a size in words; UsageError becomes the ValueError that pydantic reports."""
    if not isinstance(value, str):
        return value
    try:
        return parse_size(value)
    except UsageError as error:
        raise ValueError(str(error)) from error


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Message(_Table):
    """So many calls of a collective with one size in every step."""

    collective: Annotated[str, OneOf(tuple(COLLECTIVES))]
    size_bytes: Annotated[int, BeforeValidator(_size), Field(gt=0, alias="size")]
    calls: Annotated[int, Field(gt=0)] = 1


class Workload(_Table):
    """One training step: what it computes, what it communicates, and which share of that computing can hide."""

    name: str
    compute_ms: Positive
    overlap_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    messages: Annotated[tuple[Message, ...], Field(min_length=1, strict=False)]


class Cost(_Table):
    """What something costs: bought (`capex`, ports and optics one by one), rented by the hour, and its power."""

    capex: NotNegative = 0.0
    ports: NotNegative = 0.0
    price_per_port: NotNegative = 0.0
    optics: NotNegative = 0.0
    price_per_optic: NotNegative = 0.0
    power_w: NotNegative = 0.0
    per_hour: NotNegative = 0.0

    @property
    def purchase(self) -> float:
        """Return what is paid once."""
        return self.capex + self.ports * self.price_per_port + self.optics * self.price_per_optic


class Prices(_Table):
    """The prices of fabrics, all in one currency; ratios will do.

    `cluster` is everything but the fabric. `years` is over how long purchases are spread; without it nothing that is
    bought has a cost per hour.
    """

    currency: str
    years: Positive | None = None
    power_price_per_kwh: NotNegative | None = None
    cluster: Cost | None = None
    fabrics: Annotated[dict[str, Cost], Field(min_length=1)]

    @model_validator(mode="after")
    def _power_has_a_price(self) -> Self:
        costs = [*self.fabrics.values(), *([self.cluster] if self.cluster else [])]
        if self.power_price_per_kwh is None and any(cost.power_w for cost in costs):
            raise ValueError("power_w needs power_price_per_kwh")
        return self

    def of(self, fabric: str) -> Cost | None:
        """Return what a fabric costs, by any of its names; the very name goes before another one."""
        known = plain(fabric)
        others = (cost for name, cost in self.fabrics.items() if plain(name) == known)
        return self.fabrics.get(fabric) or next(others, None)

    def per_hour(self, cost: Cost) -> float | None:
        """Return what something costs an hour; None where a purchase is not spread over years."""
        if cost.purchase and self.years is None:
            return None
        spread = cost.purchase / (self.years * HOURS_PER_YEAR) if self.years else 0.0
        return cost.per_hour + spread + cost.power_w / _WATTS_PER_KW * (self.power_price_per_kwh or 0.0)


# Examples, and called so wherever they are used: the shapes are common, the computing times are assumptions. The first
# has 1.3 GB of gradients in DDP's buckets of 25 MiB; the second 24 layers of experts, forward and backward, with an
# all-to-all of 8 MiB there and back.
EXAMPLES = (
    Workload(
        name="example: data parallel",
        compute_ms=250.0,
        overlap_share=0.7,
        messages=(Message.model_validate({"collective": "all_reduce", "size": "25MiB", "calls": 50}),),
    ),
    Workload(
        name="example: experts",
        compute_ms=120.0,
        overlap_share=0.0,
        messages=(Message.model_validate({"collective": "all_to_all", "size": "8MiB", "calls": 96}),),
    ),
)

_Read = TypeVar("_Read", bound=_Table)


def load_workload(path: Path) -> Workload:
    """Return the training step that a file describes.

    Raises:
        UsageError: it cannot be read, or has mistakes; the message lists all of them.
    """
    return _load(path, Workload)


def load_prices(path: Path) -> Prices:
    """Return the prices in a file.

    Raises:
        UsageError: it cannot be read, or has mistakes; the message lists all of them.
    """
    return _load(path, Prices)


def _load(path: Path, kind: type[_Read]) -> _Read:
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from error
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        found = [Problem(tuple(each["loc"]), each["msg"]) for each in error.errors(include_url=False)]
        raise UsageError(render(found, path.name, TomlLines(text))) from error
