"""One table for people who choose a fabric: plain facts for every view, with why where a number is missing."""

from dataclasses import dataclass

NOT_MEASURED, NOT_GIVEN = "not measured", "not given"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of one fabric; where `value` is None `why` says why. `note` is said beside it."""

    value: float | None
    why: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: `unit` is us, GB/s, share, ms, s, or money in the prices' currency. Figures are A's and B's."""

    topic: str
    name: str
    unit: str
    a: Figure
    b: Figure


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Whether the dearer fabric pays: the gain that it must bring and the one it was measured to bring.

    Gains are shares: 0.05 is 5 % more steps, or GB/s, in the same time. `low` and `high` are the measured gain's
    interval at 95 %. `basis` says what is bought and what gains.
    """

    dearer: str
    needed: float
    measured: float
    low: float
    high: float
    basis: str

    @property
    def pays(self) -> bool | None:
        """Return whether it pays for sure; None where the interval holds the gain that is needed."""
        if self.low > self.needed:
            return True
        return False if self.high < self.needed else None


@dataclass(frozen=True, slots=True)
class Choice:
    """The whole table; `no_break_even` says why there is none."""

    a: str
    b: str
    lines: tuple[Line, ...]
    break_even: BreakEven | None = None
    no_break_even: str = ""
    is_simulated: bool = False
