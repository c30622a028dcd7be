"""My devices: one's own sign-ins, seen and ended one by one (ASVS 7.5.2)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import account_tag
from counsel.access.models import SignIn
from counsel.access.sign_ins import SignedIn, token_hash
from counsel.core.clock import now
from counsel.core.database import house_of, writing


@dataclass(frozen=True)
class Device:
    """One of my own sign-ins, for the page that ends them."""

    number: str
    device: str
    idle_until: datetime
    here: bool


def my_devices(db: Session, *, actor: SignedIn) -> list[Device]:
    """Return the sign-ins of my account that have not ended."""
    mine = account_tag(house_of(db), actor.account_id)
    rows = db.scalars(select(SignIn).where(SignIn.account_tag == mine, SignIn.idle_until > now()))
    here = token_hash(actor.token)
    return [Device(row.token_hash.hex()[:16], row.device, row.idle_until, row.token_hash == here) for row in rows]


def end_device(db: Session, *, actor: SignedIn, number: str) -> bool:
    """End one of my own sign-ins; return whether there was one."""
    mine = account_tag(house_of(db), actor.account_id)
    with writing(db):
        rows = db.scalars(select(SignIn).where(SignIn.account_tag == mine)).all()
        for row in rows:
            if row.token_hash.hex()[:16] == number:
                db.delete(row)
                return True
    return False
