"""Open a case: its number, its two boxes, its cover (T00, T01, T24; 篇10 二)."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.orm import Session

from counsel.access.gate import keys_of
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.core.clock import today
from counsel.core.database import house_of
from counsel.core.errors import TransitionError
from counsel.core.ids import new_id
from counsel.keys.boxes import OpenBox, adopt, create_box
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader
from counsel.keys.trust import holder_row
from counsel.pathway.cases.covers import Cover, seal_cover
from counsel.pathway.cases.evidence import Evidence
from counsel.pathway.cases.models import Case, Counter
from counsel.pathway.cases.moving import checked, log_move
from counsel.people.cards import proven_client
from counsel.people.staff import may_take_cases
from counsel.risk.cards import has_card
from counsel.risk.clocks import WATCHED


def next_number(db: Session, name: str) -> int:
    """Return the next gap-free number of a series, inside the caller's write transaction."""
    counter = db.get(Counter, name, with_for_update=True, populate_existing=True)
    if counter is None:
        counter = Counter(name=name, value=0)
        db.add(counter)
    counter.value += 1
    return counter.value


def open_case(
    db: Session,
    *,
    actor: SignedIn,
    client_id: UUID,
    initial: str,
    source: str,
    evidence: Iterable[Evidence],
    to: str = "intake",
    previous_id: UUID | None = None,
    known: Iterable[UUID] = (),
) -> Case:
    """T01 (T00 from paper, T24 after an earlier episode): open a case with the actor as counsellor.

    Its box has one reader, the shared one two.

    :param previous_id: the closed case it follows; `known`: every id of the person.

    :raises TransitionError: ``CREDENTIAL`` without a valid one (R6-02), or missing evidence.

    Records: ``pathway:case:opened``. Rule: 篇10 二.
    """
    if actor.holder_id is None or not may_take_cases(db, actor.holder_id):
        raise TransitionError("CREDENTIAL")
    step = checked(None, to, evidence)
    keyring = keys_of(db, actor)
    case_id = new_id()
    with recording(db) as record:
        box, shared = _make_boxes(db, keyring, client_id)
        case = Case(
            case_id=case_id,
            case_no=next_number(db, "case"),
            client_id=client_id,
            counsellor_id=actor.holder_id,
            state=to,
            previous_id=previous_id,
            source=source,
            box_id=box.box_id,
            shared_box_id=shared.box_id,
            cover_revision=0,
            cover_sealed=b"",
            opened_on=today(house_of(db).settings.time_zone),
        )
        watched = any(has_card(db, one) for one in {client_id, *known})  # nobody is lowered by coming back
        seal_cover(box, case, Cover(initial, level=WATCHED if watched else 0))
        db.add(case)
        log_move(db, case, step, None, evidence, actor)
        record.by(actor, "pathway:case:opened", subject_id=client_id, object_id=case_id)
    return case


def _make_boxes(db: Session, keyring: Keyring, client_id: UUID) -> tuple[OpenBox, OpenBox]:
    me = holder_row(db, keyring.holder_id, keyring.version)
    assert me is not None
    box = create_box(db, kind="case", readers=[Reader(me, "assigned")], granter=keyring)
    proven = proven_client(db, keyring, client_id)
    readers = [Reader(proven[0], "client")] if proven else []
    shared = create_box(db, kind="shared", readers=readers, granter=keyring)
    db.flush()
    adopt(db, child=shared, parent=box, keep=[client_id])
    return box, shared
