"""Invitations: staff for 72 hours, students on printed class sheets until term's end with the birth date beside the code.

Whoever activates makes keys nobody else has. Rule: 篇5 19 (no shared accounts); ASVS 6.4.1.
"""

import json
from base64 import b64decode
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from counsel.access.accounts import (
    StaffNames,
    find_account,
    login_tag,
    month_now,
    names_of,
    print_code,
    roles_in,
    roles_text,
    seal_names,
    set_passphrase,
)
from counsel.access.gate import keys_of, require
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn, end_all
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import KEY_HOLDING, STAFF, Role, combination_problem
from counsel.core.clock import now
from counsel.core.database import House, house_of, writing
from counsel.core.errors import ConflictError, InvalidError, NotFoundError, UnreadableError
from counsel.core.ids import new_id
from counsel.core.installation import is_demo
from counsel.crypto.blob import Kind, seal, unseal
from counsel.crypto.codes import code_keys, new_code
from counsel.crypto.context import Context
from counsel.crypto.derive import mac, new_key
from counsel.crypto.passphrase import SALT_BYTES
from counsel.keys.bundle import Keyring, new_keyring
from counsel.keys.leaving import revoke_holder
from counsel.keys.models import Holder
from counsel.keys.trust import holder_row, is_root
from counsel.people.cards import StudentCard, find_student, rewrite_student, student_card
from counsel.people.models import Invitation, Student
from counsel.people.passphrases import check_passphrase

MOST_TRIES = 5


def invite_staff(db: Session, *, actor: SignedIn, login: str, display: str, roles: set[Role]) -> str:
    """Invite a colleague and return the code for them alone; it lives 72 hours.

    :raises InvalidError: a taken sign-in name, no role, or roles one person must not combine.

    Records: ``people:staff:invited``. Rule: 篇5 19.
    """
    require(db, actor, Permission.STAFF_INVITE)
    house = house_of(db)
    problem = combination_problem(roles)
    if problem or not roles or not roles <= set(STAFF):
        raise InvalidError(roles=problem or "no_role")
    if find_account(db, login) is not None:
        raise InvalidError(login="taken")
    account = Account(
        account_id=new_id(),
        kind="staff",
        status="invited",
        login_tag=login_tag(house, login),
        roles=roles_text(roles),
        salt=new_key()[:SALT_BYTES],
        made_month=month_now(),
    )
    account.names_sealed = seal_names(house, account.account_id, StaffNames(display, login))
    ends = now() + timedelta(hours=house.settings.staff_invitation_hours)
    with recording(db) as record:
        db.add(account)
        code = _write_invitation(db, account.account_id, {"kind": "staff"}, ends)
        record.line("people:staff:invited", role=actor.role, actor_id=actor.staff_id, object_id=account.account_id)
    return code


def reinvite_staff(db: Session, *, actor: SignedIn, account_id: UUID) -> str:
    """Start a reset for a colleague: a new code for new keys. Opens no vault; the director must vouch again."""
    require(db, actor, Permission.STAFF_INVITE)
    account = db.get(Account, account_id)
    if account is None or account.kind != "staff" or account.status == "dismissed" or account_id == actor.account_id:
        raise NotFoundError("account")
    if set(roles_in(account)) & set(KEY_HOLDING) and actor.role is not Role.DIRECTOR:
        require(db, actor, Permission.STAFF_ADMIT, None, object_id=account_id)  # new keys cost the old ones: hers to decide
    holder = holder_row(db, account.holder_id) if account.holder_id else None
    if holder is not None and is_root(house_of(db), holder):
        raise NotFoundError("account")  # the pinned director has the printed code and nothing else
    ends = now() + timedelta(hours=house_of(db).settings.staff_invitation_hours)
    with recording(db) as record:
        code = _write_invitation(db, account_id, {"kind": "staff"}, ends)
        record.line("people:staff:reset", role=actor.role, actor_id=actor.staff_id, object_id=account_id)
    return code


def invite_student(db: Session, *, actor: SignedIn, student_id: UUID, ends: datetime) -> tuple[str, StudentCard]:
    """Issue, or issue again, a student's code; needs an unlocked `office` member. Earlier codes stop working.

    Records: ``people:student:invited`` without saying whom. Rule: 篇7 五.
    """
    require(db, actor, Permission.STUDENT_INVITE)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        student, card = find_student(db, keyring, student_id)
        card = replace(card, issue=card.issue + 1)
        rewrite_student(db, keyring, student, card)
        account = db.scalar(select(Account).where(Account.login_tag == student.login_tag))
        if account is None:
            account = Account(
                account_id=new_id(),
                kind="student",
                status="invited",
                login_tag=student.login_tag,
                roles=Role.STUDENT,
                salt=new_key()[:SALT_BYTES],
                made_month=month_now(),
            )
            db.add(account)
        payload = {"kind": "student", "student_id": student_id.hex, "issue": card.issue, **_snapshot(card)}
        code = _write_invitation(db, account.account_id, payload, ends, born=card.born)
        record.by(actor, "people:student:invited")
    return code, card


def invite_class(db: Session, *, actor: SignedIn, class_name: str, ends: datetime) -> list[tuple[str, StudentCard]]:
    """Issue codes for everybody of a class who has not activated yet, in the order of their numbers, for printed sheets.

    Opens every card to find the class, so it leaves no trace of whose card was looked for.

    Records: ``people:student:invited`` once per code. Rule: 篇7 五.
    """
    require(db, actor, Permission.STUDENT_INVITE)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        record.by(actor, "people:names:searched")
    active = set(db.scalars(select(Account.login_tag).where(Account.kind == "student", Account.status == "active")))
    cards = [(row, student_card(db, keyring, row)) for row in db.scalars(select(Student)) if row.login_tag not in active]
    wanted = sorted((card.student_no, row.student_id) for row, card in cards if card.class_name == class_name)
    with recording(db):
        return [invite_student(db, actor=actor, student_id=student_id, ends=ends) for _number, student_id in wanted]


def look_up_student(db: Session, *, actor: SignedIn, student_no: str) -> tuple[Student, StudentCard]:
    """Find one student by number, for a code at the desk.

    :raises InvalidError: field ``student_no``, not on the roll.

    Records: ``people:name:searched``, found or not.
    """
    require(db, actor, Permission.STUDENT_INVITE)
    keyring = keys_of(db, actor)
    with recording(db) as record:
        row = db.scalar(select(Student).where(Student.login_tag == login_tag(house_of(db), student_no)))
        card = student_card(db, keyring, row) if row is not None else None
        record.by(actor, "people:name:searched")
    if row is None or card is None:
        raise InvalidError(student_no="not_on_roll")
    return row, card


def _snapshot(card: StudentCard) -> dict[str, Any]:
    fields = {
        "name": card.name,
        "student_no": card.student_no,
        "birth_date": card.birth_date,
        "class_name": card.class_name,
    }
    return {"card": fields, "client_id": card.client_ids[0], "link": card.link}


def _write_invitation(db: Session, account_id: UUID, payload: dict[str, Any], ends: datetime, *, born: date | None = None) -> str:
    house = house_of(db)
    code = new_code()
    finder, key = code_keys(code)
    db.execute(delete(Invitation).where(Invitation.account_id == account_id))
    sealed = seal(_payload_key(key, born), json.dumps(payload).encode(), Kind.SECRET, _context(house, finder))
    db.add(Invitation(finder=finder, account_id=account_id, payload_sealed=sealed, expires_at=ends, tries=0))
    return code


def _payload_key(key: bytes, born: date | None) -> bytes:
    return mac(key, born.isoformat().encode() if born else b"")


def _context(house: House, finder: bytes) -> bytes:
    return Context("invitation", house.installation, "invitations", item=UUID(bytes=finder[:16])).encode()


def invitation_kind(db: Session, code: str) -> str | None:
    """Return ``staff`` or ``student`` for a code that can be used now, else None."""
    try:
        row = db.get(Invitation, code_keys(code)[0])
    except ValueError:
        return None
    if row is None or row.expires_at <= now() or row.tries >= MOST_TRIES:
        return None
    return db.get_one(Account, row.account_id).kind


def activate(
    db: Session, *, code: str, passphrase: str, login: str = "", born: date | None = None
) -> tuple[Account, Keyring, str]:
    """Use an invitation: make the account's keys, seal them, and return them with the printed recovery code.

    :param login: students, to whom the account belongs is proven by the number and the birth date together.
    :raises NotFoundError: unknown, used up or expired code, wrong birth date; five wrong ones end it.
    :raises InvalidError: a passphrase that is too short or well known.

    Records: ``people:account:activated``, for students without saying whom. Writes the account world only.
    """
    house = house_of(db)
    try:
        finder, key = code_keys(code)
    except ValueError as error:
        raise NotFoundError("invitation") from error
    row = db.get(Invitation, finder)
    if row is None or row.expires_at <= now() or row.tries >= MOST_TRIES:
        raise NotFoundError("invitation")
    account = db.get_one(Account, row.account_id)
    if account.status == "dismissed":
        raise NotFoundError("invitation")
    payload = _open_payload(db, house, row, key, born if account.kind == "student" else None)
    if account.kind == "student" and account.login_tag != login_tag(house, login):
        raise NotFoundError("invitation")
    personal = _personal(house, account, payload)
    check_passphrase(passphrase, staff=account.kind == "staff", personal=personal, demo=is_demo(db))
    return _activate(db, row, account, payload, passphrase)


def _open_payload(db: Session, house: House, row: Invitation, key: bytes, born: date | None) -> dict[str, Any]:
    try:
        plain = unseal(_payload_key(key, born), row.payload_sealed, Kind.SECRET, _context(house, row.finder))
    except UnreadableError as error:
        with writing(db):
            row.tries += 1
        raise NotFoundError("invitation") from error
    payload: dict[str, Any] = json.loads(plain)
    return payload


def _personal(house: House, account: Account, payload: dict[str, Any]) -> list[str]:
    if account.kind == "student":
        return list(payload["card"].values())
    names = names_of(house, account)
    return [names.display, names.login]


def _activate(
    db: Session, row: Invitation, account: Account, payload: dict[str, Any], passphrase: str
) -> tuple[Account, Keyring, str]:
    house = house_of(db)
    finder, account_id = row.finder, account.account_id
    keyring = _new_keys(db, account, payload)
    with recording(db) as record:
        if db.execute(delete(Invitation).where(Invitation.finder == finder)).rowcount != 1:  # type: ignore[attr-defined]
            raise ConflictError("code_used")
        account = db.get_one(Account, account_id)
        set_passphrase(house, account, keyring, passphrase)
        code = print_code(house, account, keyring)
        account.status = "active"
        end_all(db, account_id)
        if account.kind == "staff":
            revoke_holder(db, keyring.holder_id)  # after a reset nothing opens for the old keys, nor by itself for the new
            account.holder_id = keyring.holder_id
            db.add(staff_holder(keyring))
        record.line("people:account:activated", role="staff" if account.kind == "staff" else "somebody")
    return account, keyring, code


def _new_keys(db: Session, account: Account, payload: dict[str, Any]) -> Keyring:
    if account.kind == "staff":
        known = holder_row(db, account.holder_id) if account.holder_id else None
        return new_keyring(known.holder_id, version=known.version + 1) if known else new_keyring(new_id())
    return new_keyring(
        UUID(payload["client_id"]),
        version=payload["issue"],
        link=b64decode(payload["link"]),
        student_id=UUID(payload["student_id"]),
        card=payload["card"],
    )


def staff_holder(keyring: Keyring) -> Holder:
    """Return the public half of a staff member's keyring."""
    return Holder(
        holder_id=keyring.holder_id,
        version=keyring.version,
        kind="staff",
        kem_public=keyring.kem_public,
        sign_public=keyring.sign_public,
    )
