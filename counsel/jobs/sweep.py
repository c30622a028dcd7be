"""Put away what has run out: sign-ins, invitations, throttles, uploads nobody went on with."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from counsel.access.models import SignIn, Throttle
from counsel.core.clock import now
from counsel.core.database import writing
from counsel.outbox.notices import forget_old_notices
from counsel.people.models import Invitation
from counsel.records.material import sweep_parts


def sweep_expired(db: Session) -> str:
    """Delete rows whose time is over; return how many of each."""
    with writing(db):
        counts = [
            db.execute(delete(SignIn).where((SignIn.idle_until < now()) | (SignIn.ends_at < now()))).rowcount,  # type: ignore[attr-defined]
            db.execute(delete(Invitation).where(Invitation.expires_at < now())).rowcount,  # type: ignore[attr-defined]
            db.execute(delete(Throttle).where(Throttle.since < now() - timedelta(days=1))).rowcount,  # type: ignore[attr-defined]
        ]
    counts += [forget_old_notices(db), sweep_parts(db)]
    return "{} sign-ins, {} invitations, {} throttles, {} notices, {} parts of files".format(*counts)
