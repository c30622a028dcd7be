"""Wrong passphrases cost time: per account with growing delay, per address wide enough for a whole school behind one.

A known device has its own budget, so nobody can lock somebody else out of their own browser (security V6 6.3.1).
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from counsel.access.models import Throttle
from counsel.core.clock import now
from counsel.core.database import house_of, writing
from counsel.crypto.derive import mac, subkey

WINDOW = timedelta(minutes=15)
FREE_TRIES = 5
ADDRESS_TRIES = 300
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=15)


def tags(db: Session, login_tag: bytes, address: str, device: bytes | None) -> list[tuple[bytes, int]]:
    """Return the (tag, free tries) that one attempt is counted under."""
    key = subkey(house_of(db).secret, "throttle")
    who = mac(key, b"device", login_tag, device) if device else mac(key, b"account", login_tag)
    if device:  # somebody who was here before is not held up by whoever else sits behind the same address
        return [(who, FREE_TRIES)]
    return [(who, FREE_TRIES), (mac(key, b"address", address.encode()), ADDRESS_TRIES)]


def waits_until(db: Session, counted: list[tuple[bytes, int]]) -> datetime | None:
    """Return until when these must wait, or None."""
    rows = (db.get(Throttle, tag) for tag, _free in counted)
    ends = [row.wait_until for row in rows if row is not None and row.wait_until is not None and row.wait_until > now()]
    return max(ends, default=None)


def count_failure(db: Session, counted: list[tuple[bytes, int]]) -> None:
    """Count one failure; beyond the free tries each further one doubles the wait."""
    with writing(db):
        for tag, free in counted:
            row = db.get(Throttle, tag)
            if row is None or row.since + WINDOW < now():
                row = db.merge(Throttle(tag=tag, failures=0, since=now(), wait_until=None))
            row.failures += 1
            if row.failures >= free:
                doubled = FIRST_WAIT * 2 ** min(row.failures - free, 10)
                row.wait_until = now() + min(doubled, LONGEST_WAIT)
                row.since = now()


def forget_failures(db: Session, counted: list[tuple[bytes, int]]) -> None:
    """After a right passphrase the account's count starts anew; the address keeps its own."""
    for tag, free in counted:
        row = db.get(Throttle, tag)
        if row is not None and free == FREE_TRIES:
            db.delete(row)
