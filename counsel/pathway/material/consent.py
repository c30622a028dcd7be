"""F13: the yes to one recording: of which session, by which medium, who may hear it and what for, until when (篇4 四; R4-12).

What admits a recording is opened and checked in the counsellor's session. What stops its use stands in clear, so that it
stops everybody, with a key or without: the newest answer, and the day on which it ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import name_or_mark, roles_in
from counsel.access.gate import keys_of
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.roles import Role
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import InvalidError, UnreadableError
from counsel.core.ids import parse_id
from counsel.keys.boxes import open_box
from counsel.keys.grants import Reader
from counsel.keys.trust import check_recipient, holder_row, roles_of
from counsel.pathway.cases.agreement import GUARDIAN, THE_CLIENT, agreed_to, newest_answers
from counsel.pathway.cases.dossier import RECORDING, write_form
from counsel.pathway.cases.models import Case
from counsel.pathway.intake.consent import age_of
from counsel.pathway.sessions.models import CounsellingSession
from counsel.people.cards import client_cards
from counsel.people.conflicts import declared_against
from counsel.records.models import Item, Material
from counsel.records.services import items_in, newest_number, open_bodies

MEDIA = ("audio", "video")
OWN, SUPERVISION, TEACHING = PURPOSES = ("own", "supervision", "teaching")  # of a grant: why somebody may hear it
KEEPER = "keeper"  # holds the key for whoever may hear it, and does not hear it
HEARING = (Role.COUNSELLOR, Role.DIRECTOR, Role.SUPERVISOR)
ADULT, LONGEST_NUMBER = 18, 999


@dataclass(frozen=True)
class Recorded:
    """One consent. It admits a recording while `stands`; `withdrawn` when client or guardian said no after it was signed."""

    item: Item
    content: Mapping[str, Any]
    agreed: bool
    guardian_due: bool
    withdrawn: bool
    over: bool

    @property
    def stands(self) -> bool:
        """Everybody whose yes it needs stands by it, and its day has not passed."""
        return self.agreed and not (self.guardian_due or self.withdrawn or self.over)

    @property
    def session_no(self) -> int:
        """The session it is for."""
        return int(self.content["session_no"])

    @property
    def until(self) -> date:
        """The last day on which the recording may lie here."""
        return date.fromisoformat(self.content["until"])


def possible_viewers(db: Session, case: Case) -> list[tuple[str, str]]:
    """Return (holder as hex, name) of whoever else could be let hear a recording, by name; nobody kept away from the client."""
    barred, found = {*declared_against(db, case.client_id), case.counsellor_id}, []
    for row in db.scalars(select(Account).where(Account.kind == "staff", Account.status == "active")):
        holder = holder_row(db, row.holder_id) if row.holder_id else None
        roles = {*roles_in(row)} & {*roles_of(db, holder)} & {*HEARING} if holder is not None else set()
        if holder is not None and roles and holder.holder_id not in barred:
            found.append((holder.holder_id.hex, name_or_mark(db, row)))
    return sorted(found, key=lambda pair: pair[1])


def write_consent(
    db: Session, *, actor: SignedIn, case: Case, content: Mapping[str, Any], seen_version: int, sign: bool, number: int
) -> None:
    """Save the draft of a recording consent, or sign it for the client, and below 18 a guardian, to answer.

    :raises InvalidError: no such session, medium or colleague, nobody who may hear it, a day past or too far away.

    Records: ``pathway:f13:drafted`` or ``:signed``. Rule: 篇4 四.
    """
    people = dict(possible_viewers(db, case))
    if sign:
        _check(db, content, people)
    chosen = {
        holder: people[holder] for name in (SUPERVISION, TEACHING) for holder in content.get(name) or () if holder in people
    }
    place = {"content": {**content, "names": chosen}, "seen_version": seen_version, "sign": sign}
    write_form(db, actor=actor, case=case, kind=RECORDING, number=number, **place)  # type: ignore[arg-type]


def _check(db: Session, content: Mapping[str, Any], people: Mapping[str, str]) -> None:
    problems, settings = {}, house_of(db).settings
    session_no = str(content.get("session_no") or "")
    if not (session_no.isascii() and session_no.isdecimal() and 1 <= int(session_no) <= LONGEST_NUMBER):
        problems["session_no"] = "unknown"
    if not content.get("media") or not set(content["media"]) <= set(MEDIA):
        problems["media"] = "unknown"
    for name in (SUPERVISION, TEACHING):
        if not set(content.get(name) or ()) <= set(people):
            problems[name] = "unknown"
    if not any(content.get(name) for name in PURPOSES):
        problems[OWN] = "unknown"
    day, until = today(settings.time_zone), str(content.get("until") or "")
    if not until or date.fromisoformat(until) < day:
        problems["until"] = "past"
    elif date.fromisoformat(until) > day + timedelta(days=settings.recording_most_days):
        problems["until"] = "too_long_kept"
    if problems:
        raise InvalidError(**problems)


def newest_consent(db: Session, case: Case) -> int:
    """Return the highest number of a case's recording consents, drafts included; 0 without any."""
    return newest_number(db, case.shared_box_id, RECORDING.code)


def consents(db: Session, *, actor: SignedIn, case: Case) -> list[Recorded]:
    """Open a case's signed recording consents, the newest first; the caller has passed the gate.

    Records: ``pathway:f13:read``.
    """
    items = [item for item in items_in(db, [case.shared_box_id]) if item.kind == RECORDING.code and item.state == "signed"]
    if not items:
        return []
    with recording(db) as record:
        found = [_opened(db, actor, case, item) for item in items]
        record.by(actor, "pathway:f13:read", subject_id=case.client_id, object_id=case.case_id)
    return sorted(found, key=lambda one: -one.item.number)


def _opened(db: Session, actor: SignedIn, case: Case, item: Item) -> Recorded:
    content = open_bodies(db, box=open_box(db, keys_of(db, actor), case.shared_box_id), item=item)[0]
    agreed = agreed_to(db, actor=actor, case=case, item=item) is not None
    guardian = not _is_minor(db, actor, case) or agreed_to(db, actor=actor, case=case, item=item, party=GUARDIAN) is not None
    over = date.fromisoformat(content["until"]) < today(house_of(db).settings.time_zone)
    return Recorded(item, content, agreed, not guardian, is_withdrawn(db, item.item_id), over)


def _is_minor(db: Session, actor: SignedIn, case: Case) -> bool:
    """Return whether a guardian must agree too; an unknown age counts as a minor's (form F13)."""
    try:
        age = age_of(db, client_cards(db, keys_of(db, actor), [case.client_id])[case.client_id])
    except UnreadableError:
        return True
    return age is None or age < ADULT


def is_withdrawn(db: Session, item_id: UUID) -> bool:
    """Return whether the newest answer of client or guardian is a no; whoever has not answered has withdrawn nothing."""
    return any(not answer.agreed for answer in newest_answers(db, item_id).values())


def may_be_heard(db: Session, row: Material) -> bool:
    """Return whether the use of a recording has not been stopped: asked again before every few seconds of it are given out.

    Rule: 篇4 四; R4-13.
    """
    item = db.get(Item, row.consent_id) if row.consent_id is not None else None
    answers = newest_answers(db, item.item_id) if item is not None else {}
    answer = answers.get(THE_CLIENT)
    if item is None or answer is None or answer.revision != item.revision or row.keep_until is None:
        return False
    stands = all(one.agreed for one in answers.values())
    return stands and row.keep_until >= today(house_of(db).settings.time_zone)


def fitting_consent(db: Session, *, actor: SignedIn, case: Case, consent_id: UUID | None, kind: str) -> Recorded:
    """Return the consent that admits a recording of this kind: it stands, is for this medium, and its session was held.

    :raises InvalidError: there is none: nothing is stored. Rule: R4-12.
    """
    found = next((one for one in consents(db, actor=actor, case=case) if one.item.item_id == consent_id), None)
    if found is None or not found.stands or kind not in found.content["media"]:
        raise InvalidError(file="no_consent")
    if db.get(CounsellingSession, (case.case_id, found.session_no)) is None:
        raise InvalidError(file="no_session")
    return found


def own_purpose(found: Recorded) -> str:
    """Return for what the counsellor holds the key: to hear it, or to keep it for those who may."""
    return OWN if found.content.get(OWN) else KEEPER


def viewers_of(db: Session, case: Case, found: Recorded) -> list[Reader]:
    """Return who is let hear a recording besides the counsellor, each with the purpose that was agreed, until its day is over.

    Whoever is kept away since, or whose keys are not theirs, is left out.
    """
    barred, readers = declared_against(db, case.client_id), {}
    for purpose in (TEACHING, SUPERVISION):  # whoever is named for both hears it for supervision
        for text in found.content.get(purpose) or ():
            holder = holder_row(db, parse_id(text)) if parse_id(text) is not None else None  # type: ignore[arg-type]
            if holder is None or holder.revoked or holder.holder_id in barred:
                continue
            try:
                check_recipient(db, holder)
            except UnreadableError:
                continue
            readers[holder.holder_id] = Reader(holder, purpose, _end_of(found.until))
    return list(readers.values())


def _end_of(day: date) -> datetime:
    """Return a moment by which a day is over wherever the school is."""
    return datetime.combine(day + timedelta(days=2), time(), UTC)
