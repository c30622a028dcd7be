"""What a level sets going, and how soon; by the clock, through nights and holidays (domain §3.3)."""

from dataclasses import dataclass
from datetime import timedelta

from counsel.core.settings import Settings

WATCHED = 2  # from here on others know: duty holds a card, the director sees the list, a crisis record is due
IMMINENT, ADULT = 4, 18
GUARDIAN, LEADER = "guardian", "leader"


@dataclass(frozen=True)
class Clocks:
    """The deadlines of one level, each None where the level asks for nothing.

    :param record: until the crisis record F07 is signed; `contact`: until the client has been spoken to again;
        `supervision`: until the counsellor has spoken to a supervisor; `duty`: until duty or the director has looked.
    """

    record: timedelta | None
    contact: timedelta | None
    supervision: timedelta | None = None
    duty: timedelta | None = None


def clocks_of(settings: Settings, level: int) -> Clocks:
    """Return the deadlines of a level."""
    records = {4: settings.level_4_record_hours, 3: settings.level_3_record_hours, 2: settings.level_2_record_hours}
    contacts = {
        4: settings.level_4_contact_hours,
        3: settings.level_3_contact_hours,
        2: settings.level_2_contact_hours,
        1: settings.level_1_contact_hours,
    }
    supervisions = {
        4: settings.level_4_supervision_hours,
        3: settings.level_3_supervision_hours,
        2: settings.level_2_supervision_hours,
    }
    duty = {4: settings.level_4_duty_minutes, 3: settings.level_3_duty_minutes, 2: settings.level_2_duty_minutes}
    looked = timedelta(minutes=duty[level]) if level in duty else None
    return Clocks(_hours(records.get(level)), _hours(contacts.get(level)), _hours(supervisions.get(level)), looked)


def owed_to(settings: Settings, level: int, age: int | None) -> dict[str, timedelta]:
    """Return who must be told at a level, and how soon: guardian and leader.

    The guardian of somebody of age is told at level 4 alone, by limit EX1; an unknown age counts as a minor.
    """
    guardians = {
        4: timedelta(minutes=settings.level_4_guardian_minutes),
        3: timedelta(minutes=settings.level_3_guardian_minutes),
        2: timedelta(hours=settings.level_2_guardian_hours),
    }
    leaders = {
        4: timedelta(minutes=settings.level_4_leader_minutes),
        3: timedelta(minutes=settings.level_3_leader_minutes),
    }
    of_age = age is not None and age >= ADULT
    found = {GUARDIAN: guardians[level]} if level in guardians and (level == IMMINENT or not of_age) else {}
    return {**found, **({LEADER: leaders[level]} if level in leaders else {})}


def _hours(hours: int | None) -> timedelta | None:
    return timedelta(hours=hours) if hours else None
