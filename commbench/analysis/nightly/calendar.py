"""Which night a run belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from commbench.errors import UsageError

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Calendar:
    """A night lasts `length` and begins `before` ahead of the UTC date that it is called by.

    By default a night is called by the UTC date on whose noon it ends: what starts at 22:00 and is measured again at
    01:00 is one night. `by_hand` gives runs a night by its label. Shorter nights, for tests and for those who measure
    every hour, are called by their beginning.
    """

    length: timedelta = _DAY
    before: timedelta = timedelta(hours=12)
    by_hand: Mapping[str, str] = field(default_factory=dict)

    def number(self, at: datetime) -> int:
        """Return the night's place in the calendar; consecutive nights have consecutive numbers."""
        return (at - _EPOCH + self._before) // self.length

    def label(self, number: int) -> str:
        """Return what a night is called: its date, or its beginning where nights are not days."""
        if self.length == _DAY:
            return (_EPOCH + number * _DAY).date().isoformat()
        return (_EPOCH + number * self.length).isoformat()

    def number_of(self, label: str) -> int:
        """Return the place of the night that is called so.

        Raises:
            UsageError: no night can be called so.
        """
        try:
            at = datetime.fromisoformat(label)
        except ValueError:
            raise UsageError(f"a night is called by its date, such as 2026-05-03, not {label!r}") from None
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return (at - _EPOCH) // self.length

    @property
    def _before(self) -> timedelta:
        return self.before if self.length == _DAY else timedelta(0)
