"""Take and free time: units of five minutes UTC; holds and offers occupy like confirmed times (R10-01; ASVS 2.3.4)."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from counsel.core.errors import ConflictError
from counsel.roster.models import Occupancy

UNIT_SECONDS = 300


def units(starts_at: datetime, ends_at: datetime) -> range:
    """Return the units of a span; a started unit counts whole."""
    first, last = int(starts_at.timestamp()) // UNIT_SECONDS, -(-int(ends_at.timestamp()) // UNIT_SECONDS)
    return range(first, last)


def take(db: Session, *, resources: Iterable[UUID], starts_at: datetime, ends_at: datetime, appointment_id: UUID) -> None:
    """Occupy several resources for a span, all or none, inside the caller's write transaction.

    :raises ConflictError: ``slot_taken``, when somebody was faster.
    """
    span = units(starts_at, ends_at)
    rows = [
        {"resource_id": resource, "unit": unit, "appointment_id": appointment_id}
        for resource in sorted(set(resources))
        for unit in span
    ]
    try:
        db.execute(insert(Occupancy), rows)
    except IntegrityError as error:
        raise ConflictError("slot_taken") from error


def free(db: Session, appointment_id: UUID) -> None:
    """Give back everything an appointment occupies."""
    db.execute(delete(Occupancy).where(Occupancy.appointment_id == appointment_id))


def taken_units(db: Session, resources: Iterable[UUID], starts_at: datetime, ends_at: datetime) -> dict[UUID, set[int]]:
    """Return the occupied units of some resources in a span."""
    span = units(starts_at, ends_at)
    ids = set(resources)
    rows = db.execute(
        select(Occupancy.resource_id, Occupancy.unit).where(
            Occupancy.resource_id.in_(ids), Occupancy.unit >= span.start, Occupancy.unit < span.stop
        )
    )
    found: dict[UUID, set[int]] = {resource: set() for resource in ids}
    for resource, unit in rows:
        found[resource].add(unit)
    return found
