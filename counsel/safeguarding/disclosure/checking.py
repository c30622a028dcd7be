"""What the check of a disclosure needs to know: who may be told on an own page, who must hear nothing, what was released."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import name_or_mark, roles_in
from counsel.access.gate import keys_of
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.limits import LimitCode
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import UnreadableError
from counsel.core.ids import parse_id
from counsel.keys.models import Box
from counsel.keys.trust import holder_row, roles_of
from counsel.pathway.cases.services import case_at, cover_of
from counsel.pathway.plans.support import released
from counsel.people.cards import ClientCard, client_cards, guardians_of
from counsel.people.exclusions import excluded_for
from counsel.people.names import other_names_in
from counsel.risk.cards import is_watched
from counsel.risk.clocks import WATCHED
from counsel.safeguarding.disclosure.draft import IMMINENT, PAGE, Content, Known, texts_of
from counsel.safeguarding.disclosure.models import Disclosure


def colleagues_with_keys(db: Session) -> list[tuple[UUID, str, tuple[str, ...]]]:
    """Return (holder, name, certified roles) of everybody who can be told something on an own page, by name."""
    found = []
    for row in db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active")):
        holder = holder_row(db, row.holder_id) if row.holder_id else None
        roles = tuple(role for role in roles_of(db, holder) if role in roles_in(row)) if holder is not None else ()
        if holder is not None and roles:
            found.append((holder.holder_id, name_or_mark(db, row), roles))
    return sorted(found, key=lambda person: person[1])


def with_names(db: Session, content: Content) -> Content:
    """Return a disclosure whose recipients on an own page bear that colleague's name, whatever was typed."""
    names = {holder.hex: name for holder, name, _roles in colleagues_with_keys(db)}
    told = [
        {**to, "name": names[to["holder"]]} if to.get("way") == PAGE and to.get("holder") in names else to
        for to in content["recipients"]
    ]
    return {**content, "recipients": told}


def shown_client(db: Session, actor: SignedIn, row: Disclosure, content: Content) -> ClientCard:
    """Return whom a disclosure is about as its recipients may be told: by the card, or as typed for a card that does not open.

    The caller has its audit line.
    """
    client, _guardians = card_and_guardians(db, actor, row)
    return client if client.name else ClientCard(str(content.get("called") or ""))


def card_and_guardians(db: Session, actor: SignedIn, row: Disclosure) -> tuple[ClientCard, tuple[str, ...] | None]:
    """Open the client's card and the roll's guardians; what does not open is empty, or None, and holds up nothing."""
    client = ClientCard("")
    try:
        client = client_cards(db, keys_of(db, actor), [row.client_id]).get(row.client_id, client)
        return client, guardians_of(db, keys_of(db, actor), client)
    except UnreadableError:
        return client, None


def level_now(db: Session, *, actor: SignedIn, row: Disclosure, stated: int) -> int:
    """Return the level in force for a disclosure: the case's, where its counsellor sends.

    Whoever counsels the client no more, or has handed the case in, sees no level any longer: then somebody says yes first.
    Beside a case what was stated holds as long as duty watches over the client.
    """
    case = case_at(db, row.case_id)
    if case is not None and case.counsellor_id == actor.holder_id and not case.is_filed:
        return cover_of(db, actor=actor, case=case).level
    box = db.get_one(Box, row.box_id)
    if case is not None and box.parent_id == case.box_id:
        return min(stated, IMMINENT - 1)
    return stated if is_watched(db, row.client_id) else min(stated, WATCHED - 1)


def known_for(db: Session, *, actor: SignedIn, row: Disclosure, content: Content, level: int) -> Known:
    """Gather what a disclosure is checked against, in the session of the one who tells."""
    settings = house_of(db).settings
    day, colleagues = today(settings.time_zone), colleagues_with_keys(db)
    named = [str(recipient.get("name", "")) for recipient in content["recipients"]]
    client, guardians = card_and_guardians(db, actor, row)
    return Known(
        level=level,
        today=day,
        most_days=settings.disclosure_most_days,
        later_days=settings.told_later_days,
        roles={holder.hex: roles for holder, _name, roles in colleagues},
        names={holder.hex: name for holder, name, _roles in colleagues},
        excluded=excluded_for(db, actor=actor, client_id=row.client_id),
        others=tuple(other_names_in(db, actor=actor, texts=texts_of(content), but=[client.name, actor.name, *named])),
        release=_release(db, actor, row, content),
        guardians=guardians or (),
        nameless=not client.name,
    )


def _release(db: Session, actor: SignedIn, row: Disclosure, content: Content) -> Mapping[str, Any] | None:
    """Return what the client, and by age a guardian, has signed, as long as both stand by it; None otherwise."""
    case = case_at(db, row.case_id)
    if content.get("code") != LimitCode.EX5 or case is None or case.counsellor_id != actor.holder_id:
        return None
    return released(db, actor=actor, case=case, item_id=parse_id(str(content.get("release", ""))))
