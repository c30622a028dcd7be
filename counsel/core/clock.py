"""The one clock: aware UTC inside, the school's local time on screen."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_PRETENDED: ContextVar[datetime | None] = ContextVar("pretended", default=None)


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return _PRETENDED.get() or datetime.now(UTC)


@contextmanager
def as_of(moment: datetime) -> Iterator[None]:
    """Let the block happen at another moment: the demonstration's past is made through the real services."""
    token = _PRETENDED.set(moment)
    try:
        yield
    finally:
        _PRETENDED.reset(token)


def local(moment: datetime, zone: str) -> datetime:
    """Return `moment` in the school's time zone."""
    return moment.astimezone(ZoneInfo(zone))


def today(zone: str) -> date:
    """Return the present date where the school is."""
    return local(now(), zone).date()


def at_local(day: date, minutes: int, zone: str) -> datetime:
    """Return the UTC moment of `minutes` after local midnight of `day`."""
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return (start + timedelta(minutes=minutes)).astimezone(UTC)


def working_days_after(day: date, count: int) -> date:
    """Return the day `count` working days later, Monday to Friday."""
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def age_on(birth: date, day: date) -> int:
    """Return completed years on `day`; someone born on 29 February comes of age on 1 March in common years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
