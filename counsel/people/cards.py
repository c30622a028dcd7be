"""Cards: who somebody is, sealed to `office`. Made where nobody's keys are present, so the house vouches for the grant."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of
from counsel.access.sign_ins import SignedIn
from counsel.core.database import House, house_of
from counsel.core.errors import NotFoundError, UnreadableError
from counsel.core.ids import new_id
from counsel.crypto.blob import Kind
from counsel.crypto.context import Place
from counsel.crypto.derive import mac, new_key, subkey
from counsel.keys.boxes import OpenBox, create_box, open_box
from counsel.keys.bundle import Keyring
from counsel.keys.grants import Reader
from counsel.keys.groups import group_reader
from counsel.keys.many import open_boxes
from counsel.keys.models import Holder
from counsel.keys.trust import check_client, client_proof, holder_row
from counsel.people.models import Client, Student

# fmt: off
SOUND_STARTS = tuple(zip(
    "ABCDEFGHJKLMNOPQRSTWXYZ",
    (45217, 45253, 45761, 46318, 46826, 47010, 47297, 47614, 48119, 49062, 49324, 49896,
     50371, 50614, 50622, 50906, 51387, 51446, 52218, 52698, 52980, 53689, 54481),
    strict=True,
))
# fmt: on
LAST_COMMON = 55289
SOUNDS = {"曾": "Z", "单": "S", "解": "X", "仇": "Q", "区": "O", "查": "Z", "翟": "Z", "覃": "Q", "阮": "R", "纪": "J"}


@dataclass(frozen=True)
class StudentCard:
    """A student's card. `client_ids`: first = current; `link`: the secret that proves the client's public keys."""

    name: str
    student_no: str
    birth_date: str
    class_name: str
    client_ids: tuple[str, ...]
    link: str = field(repr=False)
    issue: int = 0
    contacts: tuple[dict[str, str], ...] = ()

    @property
    def client_id(self) -> UUID:
        """The current `client_id`."""
        return UUID(self.client_ids[0])

    @property
    def born(self) -> date:
        """Birth date."""
        return date.fromisoformat(self.birth_date)

    @property
    def link_bytes(self) -> bytes:
        """The 32-byte secret of the invitation."""
        return b64decode(self.link)


@dataclass(frozen=True)
class ClientCard:
    """A client's card: a snapshot of who it is and the student it points back to; empty for guests without a row."""

    name: str
    student_no: str = ""
    birth_date: str = ""
    class_name: str = ""
    student_id: str = ""
    contact: str = ""

    @property
    def initial(self) -> str:
        """What a list may show: one Latin letter, which says less than the surname itself."""
        return initial_of(self.name)


def initial_of(name: str) -> str:
    """Return the Latin initial of a name; common Chinese characters stand in GB 2312 in the order of their sound."""
    first = name.strip()[:1]
    if first in SOUNDS:
        return SOUNDS[first]
    try:
        raw = first.encode("gb2312")
    except UnicodeEncodeError:
        return "·"
    if len(raw) == 1:
        return first.upper() if first.isalpha() else "·"
    code = int.from_bytes(raw, "big")
    found = [letter for letter, start in SOUND_STARTS if start <= code <= LAST_COMMON]
    return found[-1] if found else "·"


def new_card(name: str, student_no: str, born: date, class_name: str, contacts: Iterable[dict[str, str]] = ()) -> StudentCard:
    """Return a new student's card; the `client_id` is drawn now, for every student, client or not."""
    link = b64encode(new_key()).decode()
    return StudentCard(name, student_no, born.isoformat(), class_name, (new_id().hex,), link, 0, tuple(contacts))


def _bytes(card: StudentCard | ClientCard) -> bytes:
    return json.dumps(asdict(card), ensure_ascii=False).encode()


def content_tags(house: House, card: StudentCard) -> tuple[bytes, bytes]:
    """Return (birth date tag, content tag) of a card: HMACs by which an import compares without opening."""
    key = subkey(house.secret, "roll")
    content = json.dumps([card.name, card.birth_date, card.class_name, list(card.contacts)], ensure_ascii=False)
    number = card.student_no.encode()
    return mac(key, b"born", number, card.birth_date.encode()), mac(key, b"content", number, content.encode())


def write_student(
    db: Session, *, tag: bytes, card: StudentCard, leaves_month: date, office: Reader, lock: bytes, box_id: UUID
) -> Student:
    """Add a student row with its sealed card. Needs nobody's private key.

    :param office: the group as a reader, looked up once for a whole roll; `lock`: made beforehand for the same reason.
    """
    student_id = new_id()
    born_tag, content_tag = content_tags(house_of(db), card)
    box = create_box(db, kind="card", readers=[office], granter=None, box_id=box_id, lock=lock)
    student = Student(
        student_id=student_id,
        login_tag=tag,
        leaves_month=leaves_month,
        card_box_id=box_id,
        card_sealed=_seal_card(box, "students", student_id, card),
        born_tag=born_tag,
        content_tag=content_tag,
    )
    db.add(student)
    return student


def write_news(db: Session, student: Student, card: StudentCard) -> None:
    """Seal what a later roll says about a student beside the card; `client_ids` and the secret stay in the card."""
    box = create_box(db, kind="card", readers=[group_reader(db, "office", "card")], granter=None)
    student.news_box_id = box.box_id
    student.news_sealed = _seal_card(box, "students/news", student.student_id, card)
    student.born_tag, student.content_tag = content_tags(house_of(db), card)


def write_guardians(db: Session, student: Student, guardians: tuple[dict[str, str], ...], tag: bytes) -> None:
    """Seal a student's guardians, as a list of them brought, beside the card."""
    box = create_box(db, kind="card", readers=[group_reader(db, "office", "card")], granter=None)
    plain = json.dumps(list(guardians), ensure_ascii=False).encode()
    place = Place("students/guardians", student.student_id, 0, student.student_id)
    student.guardians_box_id, student.guardians_tag = box.box_id, tag
    student.guardians_sealed = box.seal(plain, Kind.IDENTITY, place)


def _seal_card(box: Any, table: str, row_id: UUID, card: StudentCard | ClientCard) -> bytes:
    sealed: bytes = box.seal(_bytes(card), Kind.IDENTITY, Place(table, row_id, 0, row_id))
    return sealed


def rewrite_student(db: Session, keyring: Keyring, student: Student, card: StudentCard) -> None:
    """Seal a changed card again, at the same place."""
    box = open_box(db, keyring, student.card_box_id, keep=False)
    student.card_sealed = _seal_card(box, "students", student.student_id, card)
    student.news_box_id = student.news_sealed = None


def student_card(db: Session, keyring: Keyring, student: Student) -> StudentCard:
    """Open a student's card. Leaves no trace on the row: which cards were opened must not show (promise 1)."""
    card = _open_student(db, keyring, student.card_box_id, student.card_sealed, "students", student.student_id)
    if student.guardians_box_id is not None and student.guardians_sealed is not None:
        place = Place("students/guardians", student.student_id, 0, student.student_id)
        box = open_box(db, keyring, student.guardians_box_id, keep=False)
        listed = json.loads(box.unseal(student.guardians_sealed, Kind.IDENTITY, place))
        card = replace(card, contacts=tuple(listed))
    if student.news_box_id is None or student.news_sealed is None:
        return card
    news = _open_student(db, keyring, student.news_box_id, student.news_sealed, "students/news", student.student_id)
    changed = {
        "name": news.name,
        "birth_date": news.birth_date,
        "class_name": news.class_name,
        "contacts": card.contacts if student.guardians_sealed else news.contacts,
    }
    return replace(card, **changed)  # type: ignore[arg-type]


def _open_student(db: Session, keyring: Keyring, box_id: UUID, sealed: bytes, table: str, row_id: UUID) -> StudentCard:
    box = open_box(db, keyring, box_id, keep=False)
    fields = json.loads(box.unseal(sealed, Kind.IDENTITY, Place(table, row_id, 0, row_id)))
    return StudentCard(**{**fields, "client_ids": tuple(fields["client_ids"]), "contacts": tuple(fields["contacts"])})


def find_student(db: Session, keyring: Keyring, student_id: UUID) -> tuple[Student, StudentCard]:
    """Return a student with the card opened.

    :raises NotFoundError: no such row.
    """
    student = db.get(Student, student_id)
    if student is None:
        raise NotFoundError("student")
    return student, student_card(db, keyring, student)


def write_client(db: Session, *, client_id: UUID, card: ClientCard) -> Client:
    """Add a client row with its sealed card, once; an existing one stays."""
    known = db.get(Client, client_id)
    if known is not None:
        return known
    box = create_box(db, kind="card", readers=[group_reader(db, "office", "card")], granter=None)
    sealed = _seal_card(box, "clients", client_id, card)
    client = Client(client_id=client_id, card_box_id=box.box_id, card_sealed=sealed)
    db.add(client)
    db.flush()
    return client


def rewrite_client(db: Session, keyring: Keyring, client_id: UUID, card: ClientCard) -> None:
    """Seal a client's changed card again, at the same place."""
    row = db.get_one(Client, client_id)
    row.card_sealed = _seal_card(open_box(db, keyring, row.card_box_id), "clients", client_id, card)


def client_cards(db: Session, keyring: Keyring, ids: Iterable[UUID]) -> dict[UUID, ClientCard]:
    """Open the cards of several clients: n symmetric openings once each has been opened.

    :raises UnreadableError: one of them does not open.
    """
    rows = db.scalars(select(Client).where(Client.client_id.in_(set(ids)))).all()
    if keyring.find_groups is not None and rows:  # cards open through `office`, never by an own grant
        find, keyring.find_groups = keyring.find_groups, None
        find()
    boxes = open_boxes(db, keyring, [row.card_box_id for row in rows])
    return {row.client_id: _client_card(boxes, row) for row in rows}


def _client_card(boxes: dict[UUID, OpenBox], row: Client) -> ClientCard:
    if row.card_box_id not in boxes:
        raise UnreadableError("card")
    plain = boxes[row.card_box_id].unseal(row.card_sealed, Kind.IDENTITY, Place("clients", row.client_id, 0, row.client_id))
    return ClientCard(**json.loads(plain))


def publish_client(db: Session, *, actor: SignedIn) -> UUID:
    """First contact of a student: the client row with its card, and the client's public keys with their proof.

    Client world only; the account world is not written. A new passphrase brings new keys as a further version.
    """
    keyring = keys_of(db, actor)
    assert keyring.link is not None and keyring.student_id is not None
    snapshot = {key: keyring.card.get(key, "") for key in ("name", "student_no", "birth_date", "class_name")}
    write_client(db, client_id=keyring.holder_id, card=ClientCard(**snapshot, student_id=keyring.student_id.hex))
    known = holder_row(db, keyring.holder_id, keyring.version)
    if known is None:
        db.add(client_holder(db, keyring))
        db.flush()
    elif known.kem_public != keyring.kem_public:
        raise UnreadableError("client keys")
    return keyring.holder_id


def guardians_of(db: Session, keyring: Keyring, client: ClientCard) -> tuple[str, ...]:
    """Return the names that the roll lists as a client's guardians today; none for guests. The caller has the audit line."""
    student = db.get(Student, UUID(client.student_id)) if client.student_id else None
    if student is None:
        return ()
    contacts = student_card(db, keyring, student).contacts
    return tuple(contact.get("name", "").strip() for contact in contacts if contact.get("name", "").strip())


def client_holder(db: Session, keyring: Keyring) -> Holder:
    """Return the public half of a client's keyring, proven by the secret of the invitation."""
    assert keyring.link is not None
    place = (keyring.holder_id, keyring.version, keyring.kem_public, keyring.sign_public)
    proof = client_proof(house_of(db), keyring.link, *place)
    kem, signing = place[2], place[3]
    return Holder(holder_id=place[0], version=place[1], kind="client", kem_public=kem, sign_public=signing, proof=proof)


def proven_client(db: Session, keyring: Keyring, client_id: UUID) -> tuple[Holder, bytes] | None:
    """Return a client's newest public keys and the secret that proves them, or None for a client without keys.

    :raises TamperError: when the keys in the database are not the invited person's.
    """
    holder = holder_row(db, client_id)
    if holder is None:
        return None
    card = client_cards(db, keyring, [client_id])[client_id]
    _student, known = find_student(db, keyring, UUID(card.student_id))
    check_client(house_of(db), holder, known.link_bytes)
    return holder, known.link_bytes
