"""What a level sets going, and how soon; by the clock, through nights and holidays (domain §3.3)."""

from dataclasses import dataclass
from datetime import timedelta

from counsel.core.settings import Settings

WATCHED = 2  # from here on others know: duty holds a card, the director sees the list, a crisis record is due


@dataclass(frozen=True)
class Clocks:
    """The deadlines of one level, each None where the level asks for nothing.

    :param record: until the crisis record F07 is signed; `contact`: until the client has been spoken to again.
    """

    record: timedelta | None
    contact: timedelta | None


def clocks_of(settings: Settings, level: int) -> Clocks:
    """Return the deadlines of a level."""
    records = {4: settings.level_4_record_hours, 3: settings.level_3_record_hours, 2: settings.level_2_record_hours}
    contacts = {
        4: settings.level_4_contact_hours,
        3: settings.level_3_contact_hours,
        2: settings.level_2_contact_hours,
        1: settings.level_1_contact_hours,
    }
    record, contact = records.get(level), contacts.get(level)
    return Clocks(timedelta(hours=record) if record else None, timedelta(hours=contact) if contact else None)
