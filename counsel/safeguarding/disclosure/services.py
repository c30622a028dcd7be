"""Begin a disclosure, fill it in, submit it, say yes or no to it, send it (篇4 五六; 篇9 二5).

Its record lies in a box of its own: the sender's, the case's when there is one, and, once submitted, that of whoever must
say yes. Nobody who says yes opens anything else of the case.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.facts import Facts
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.telling import Approval
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError
from counsel.core.ids import new_id
from counsel.keys.boxes import OpenBox, adopt, create_box
from counsel.keys.grants import Reader
from counsel.keys.rotation import open_for_writing
from counsel.keys.trust import holder_row
from counsel.pathway.cases.lifecycle import OPEN_STATES
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.opening import next_number
from counsel.pathway.cases.services import case_facts, cover_of
from counsel.people.conflicts import barred_now
from counsel.people.deputies import second_persons
from counsel.records.models import Item
from counsel.records.services import open_bodies, save_draft, sign_item, start_item
from counsel.risk.cards import has_card, is_watched, raise_card
from counsel.risk.clocks import WATCHED
from counsel.safeguarding.disclosure.approving import ask_for_yes
from counsel.safeguarding.disclosure.checking import known_for, level_now, with_names
from counsel.safeguarding.disclosure.draft import IMMINENT, Content, approval_of, empty, is_listed, problems_of
from counsel.safeguarding.disclosure.found import FORM, counsellor_beside, disclosure_facts, form_of, read_form
from counsel.safeguarding.disclosure.models import Disclosure
from counsel.safeguarding.disclosure.sending import withdraw_row
from counsel.tasks.services import open_task


def start(db: Session, *, actor: SignedIn, client_id: UUID | None, case: Case | None = None, level: int = 0) -> Disclosure:
    """Begin a disclosure; it says nothing to nobody yet.

    :param case: the client's case, when its counsellor begins; else duty or the director begins, with the level they see.

    Records: ``safeguarding:disclosure:started``. Rule: 篇4 五; R4-17.
    """
    case = case or _open_case(db, client_id)
    about = case_facts(db, case) or Facts(client_id=client_id)
    place = {"watched": is_watched(db, client_id), "barred": barred_now(db, client_id)}
    facts = Facts(client_id=client_id, assigned_to=about.assigned_to, state=about.state, **place)  # type: ignore[arg-type]
    require(db, actor, Permission.DISCLOSURE_START, facts if client_id else None, object_id=client_id)
    assert client_id is not None and actor.holder_id is not None
    own = case is not None and case.counsellor_id == actor.holder_id
    with recording(db) as record:
        level = cover_of(db, actor=actor, case=case).level if case is not None and own else max(0, min(level, IMMINENT))
        box = _make_box(db, actor, case)
        row = Disclosure(
            disclosure_id=new_id(),
            number=next_number(db, "disclosure"),
            client_id=client_id,
            case_id=case.case_id if case is not None else None,
            box_id=box.box_id,
            state="draft",
            sender_id=actor.holder_id,
            sender_account=actor.staff_id,
            by_director=second_persons(db, account_id=actor.staff_id)[0],
            on_day=today(house_of(db).settings.time_zone),
        )
        db.add(row)
        start_item(db, box=box, kind=FORM, author=actor.holder_id, content=empty(level))
        _set_going(db, actor, row, level)
        record.by(actor, "safeguarding:disclosure:started", subject_id=client_id, object_id=row.disclosure_id)
    return row


def _open_case(db: Session, client_id: UUID | None) -> Case | None:
    return db.scalar(select(Case).where(Case.client_id == client_id, Case.state.in_(OPEN_STATES)).limit(1))


def _make_box(db: Session, actor: SignedIn, case: Case | None) -> OpenBox:
    """Make the record's box: the sender's own; of the case when its counsellor sends, else the counsellor's beside it."""
    keyring = keys_of(db, actor)
    me = holder_row(db, keyring.holder_id, keyring.version)
    assert me is not None
    readers = [Reader(me, "sender"), *counsellor_beside(db, case, actor=actor)]
    box = create_box(db, kind="disclosure", readers=readers, granter=keyring)
    db.flush()
    if case is not None and case.counsellor_id == actor.holder_id and not case.is_filed:
        adopt(db, child=box, parent=open_for_writing(db, keyring, case.box_id), keep=[keyring.holder_id])
    return box


def _set_going(db: Session, actor: SignedIn, row: Disclosure, level: int) -> None:
    """At level 4 the telling comes first and its record is due; whoever is in danger has a card from the first moment."""
    if level >= IMMINENT:
        due = now() + timedelta(hours=house_of(db).settings.disclosure_record_hours)
        open_task(db, kind="report", due_at=due, client_id=row.client_id, object_id=row.disclosure_id)
    if level >= WATCHED and not has_card(db, row.client_id):
        raise_card(db, actor=actor, client_id=row.client_id, level=level, content={"by": actor.name})


def save(db: Session, *, actor: SignedIn, row: Disclosure, content: Content, seen_version: int) -> int:
    """Save the draft and return its version; the level is the server's own and stays.

    :raises ConflictError: another tab was faster, or it has been submitted.
    """
    with drafting(db, actor, row) as (box, item):
        full = {**with_names(db, content), "level": _level(db, actor, row, box, item)}
        return save_draft(db, box=box, item=item, author=keys_of(db, actor).holder_id, content=full, seen_version=seen_version)


def submit(db: Session, *, actor: SignedIn, row: Disclosure) -> Approval:
    """Sign the form as it stands; from now on it never changes. Where somebody must say yes they are asked.

    :raises InvalidError: what keeps it from leaving, field by field; :raises ConflictError: submitted already.

    Records: ``safeguarding:disclosure:submitted``. Rule: 篇4 五; R4-17.
    """
    content = read_form(db, actor=actor, row=row)
    with drafting(db, actor, row) as (box, item):
        level = _level(db, actor, row, box, item)
        known = known_for(db, actor=actor, row=row, content=content, level=level)
        problems = problems_of(content, known)
        if problems:
            raise InvalidError(**problems)
        listed = [{**to, "listed": is_listed(to["name"], known.guardians)} for to in content["recipients"]]
        full, keyring = {**content, "level": level, "recipients": listed}, keys_of(db, actor)
        sign_item(db, box=box, item=item, keyring=keyring, content=full, seen_version=item.draft_version)
        approval = approval_of(full, level)
        row.state = "approved" if approval in (Approval.NOBODY, Approval.CLIENT) else "submitted"
        if row.state == "submitted":
            ask_for_yes(db, actor=actor, row=row, box=box, approval=approval)
        with recording(db) as record:
            record.by(
                actor, "safeguarding:disclosure:submitted", subject_id=row.client_id, object_id=row.disclosure_id, detail=approval
            )
    return approval


def problems_now(db: Session, *, actor: SignedIn, row: Disclosure) -> dict[str, str]:
    """Return what keeps a draft from leaving as it stands, field by field."""
    require(db, actor, Permission.DISCLOSURE_SEND, disclosure_facts(db, row), object_id=row.disclosure_id)
    content = read_form(db, actor=actor, row=row)
    return problems_of(content, known_for(db, actor=actor, row=row, content=content, level=int(content["level"])))


def disclosures_of(db: Session, *, actor: SignedIn) -> list[Disclosure]:
    """Return the actor's own disclosures, the newest first; nothing is opened."""
    require(db, actor, Permission.DISCLOSURE_LIST)
    query = select(Disclosure).where(Disclosure.sender_id == actor.holder_id, Disclosure.state != "withdrawn")
    return list(db.scalars(query.order_by(Disclosure.number.desc()).limit(50)))


def withdraw(db: Session, *, actor: SignedIn, row: Disclosure) -> None:
    """Give up a disclosure that has not left; its number stays taken. Records: ``safeguarding:disclosure:withdrawn``."""
    require(db, actor, Permission.DISCLOSURE_SEND, disclosure_facts(db, row), object_id=row.disclosure_id)
    with recording(db) as record:
        db.refresh(row, with_for_update=True)
        if row.state in ("sent", "withdrawn"):
            raise ConflictError("faster")
        withdraw_row(db, row)
        record.by(actor, "safeguarding:disclosure:withdrawn", subject_id=row.client_id, object_id=row.disclosure_id)


@contextmanager
def drafting(db: Session, actor: SignedIn, row: Disclosure) -> Iterator[tuple[OpenBox, Item]]:
    """Hold a disclosure that its sender may still change, for the length of the block, with its box open."""
    require(db, actor, Permission.DISCLOSURE_SEND, disclosure_facts(db, row), object_id=row.disclosure_id)
    with recording(db):
        db.refresh(row, with_for_update=True)
        if row.state != "draft":
            raise ConflictError("faster")
        yield open_for_writing(db, keys_of(db, actor), row.box_id), form_of(db, row)


def _level(db: Session, actor: SignedIn, row: Disclosure, box: OpenBox, item: Item) -> int:
    return level_now(db, actor=actor, row=row, stated=int(open_bodies(db, box=box, item=item)[0]["level"]))
