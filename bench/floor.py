"""The floor: the same bytes, the same cipher, the same fsync, without rules, audit names, objects or pages."""

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from counsel.crypto import blob, hybrid
from counsel.crypto.context import Context
from counsel.crypto.derive import blob_key

PAGE_BYTES, NOTES_PER_CASE, CASE_SHIFT = 8192, 100, 20
UNITS, REQUEST_BYTES = 10, 512
KEY = os.urandom(32)  # of every floor in this run: a file is opened again by another object
TABLES = """
CREATE TABLE IF NOT EXISTS taken(resource INTEGER, unit INTEGER, PRIMARY KEY (resource, unit));
CREATE TABLE IF NOT EXISTS requests(id INTEGER PRIMARY KEY, body BLOB, wraps BLOB, signature BLOB);
CREATE TABLE IF NOT EXISTS lines(seq INTEGER PRIMARY KEY, chain BLOB)
"""
PG_TABLES = """
CREATE TABLE IF NOT EXISTS taken(resource BIGINT, unit BIGINT, PRIMARY KEY (resource, unit));
CREATE TABLE IF NOT EXISTS requests(id BIGINT PRIMARY KEY, body BYTEA, wraps BYTEA, signature BYTEA);
CREATE TABLE IF NOT EXISTS lines(seq BIGSERIAL PRIMARY KEY, chain BYTEA)
"""
PG_TAKE = "INSERT INTO taken SELECT * FROM unnest(%s::bigint[], %s::bigint[])"


def argon2() -> None:
    """One bare Argon2id of the product's parameters."""
    Argon2id(salt=b"s" * 16, length=32, iterations=3, lanes=1, memory_cost=64 * 1024).derive(b"four words of somebody")


def connect(path: Path) -> sqlite3.Connection:
    """Open a file with the durability of the product's."""
    db = sqlite3.connect(path, isolation_level=None, timeout=30)
    for pragma in (f"page_size={PAGE_BYTES}", "journal_mode=WAL", "synchronous=FULL"):
        db.execute(f"PRAGMA {pragma}")
    return db


@contextmanager
def queued(path: Path) -> Iterator[None]:
    """Wait in the same fair queue as the product's writers."""
    with Path(f"{path}.queue").open("w") as ticket:
        fcntl.flock(ticket, fcntl.LOCK_EX)
        yield


class BareCipher:
    """One key for everything, a nonce before each text: the least that can be called sealed."""

    def __init__(self) -> None:
        self.cipher = AESGCM(KEY)

    def sealed(self, text: bytes) -> bytes:
        """Return nonce and ciphertext."""
        nonce = os.urandom(12)
        return nonce + self.cipher.encrypt(nonce, text, None)

    def opened(self, body: bytes) -> bytes:
        """Return the text."""
        return self.cipher.decrypt(body[:12], body[12:], None)


class DesignFormat:
    """The format the design lays down (§2), without the product: of each text a key of its own, from box key and lock, with
    context and commitment. The same cryptography as the product's, which is what a floor is measured with."""

    def __init__(self) -> None:
        self.box_key, self.lock, self.box = KEY, KEY, UUID(bytes=KEY[:16])

    def sealed(self, text: bytes) -> bytes:
        """Return the item's id and the blob."""
        item = uuid4()
        return item.bytes + blob.seal(self._key(item), text, blob.Kind.FORM, self._context(item), key_id=self.box, epoch=1)

    def opened(self, body: bytes) -> bytes:
        """Return the text."""
        item = UUID(bytes=body[:16])
        return blob.unseal(self._key(item), body[16:], blob.Kind.FORM, self._context(item))

    def _key(self, item: UUID) -> bytes:
        return blob_key(self.box_key, self.lock, item, 1, self._context(item))

    def _context(self, item: UUID) -> bytes:
        return Context("item", bytes(16), "bodies", item, self.box, 1, self.box).encode()


class Notes:
    """Sealed notes in one table, clustered by case, and a chained line per change in the same durable commit."""

    def __init__(self, folder: Path, cipher: BareCipher | DesignFormat | None = None) -> None:
        self.cipher = cipher or DesignFormat()
        self.path = folder / f"floor-{type(self.cipher).__name__}.sqlite"
        self.db = connect(self.path)
        self.db.execute("CREATE TABLE IF NOT EXISTS notes(id INTEGER PRIMARY KEY, body BLOB)")
        self.db.execute("CREATE TABLE IF NOT EXISTS lines(seq INTEGER PRIMARY KEY, chain BLOB)")
        self.chain = b""

    def save(self, text: bytes) -> None:
        """Save one note."""
        body = self.cipher.sealed(text)
        with queued(self.path):
            self.db.execute("BEGIN IMMEDIATE")
            self.chain = hashlib.sha256(self.chain + body[:12]).digest()
            self.db.execute("INSERT INTO notes(body) VALUES (?)", (body,))
            self.db.execute("INSERT INTO lines(chain) VALUES (?)", (self.chain,))
            self.db.execute("COMMIT")

    def fill(self, notes: int, text: bytes) -> None:
        """Bring the table to `notes` rows: cases of a hundred, each note sealed."""
        have = self.db.execute("SELECT count(*) FROM notes").fetchone()[0]
        rows = (((n // NOTES_PER_CASE << CASE_SHIFT) + n % NOTES_PER_CASE, self.cipher.sealed(text)) for n in range(have, notes))
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO notes VALUES (?, ?)", rows)
        self.db.execute("COMMIT")

    def open_case(self, case: int) -> list[bytes]:
        """Decrypt the notes of one case."""
        first = case << CASE_SHIFT
        query = "SELECT body FROM notes WHERE id BETWEEN ? AND ? ORDER BY id"
        rows = self.db.execute(query, (first, first + NOTES_PER_CASE - 1)).fetchall()
        return [self.cipher.opened(body) for (body,) in rows]

    def bytes_per_note(self, notes: int) -> float:
        """Return the bytes of the file for each of its notes."""
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return self.path.stat().st_size / notes


class Request:
    """What a booking must seal in any case: a short text, its key wrapped for client and office, one signature."""

    def __init__(self) -> None:
        self.public, self.sign_key = hybrid.public_of(hybrid.new_private()), Ed25519PrivateKey.generate()

    def sealed(self) -> tuple[bytes, bytes, bytes]:
        """Return body, wraps and signature."""
        key, nonce = os.urandom(32), os.urandom(12)
        body = nonce + AESGCM(key).encrypt(nonce, bytes(REQUEST_BYTES), None)
        wraps = b"".join(hybrid.wrap(key, self.public, b"") for _reader in range(2))
        return body, wraps, self.sign_key.sign(wraps)


class Slots:
    """Booking on SQLite: one unique row per resource and unit, look first, then take all or nothing in the queue."""

    def __init__(self, path: Path) -> None:
        self.path, self.db, self.request = path, connect(path), Request()
        self.db.executescript(TABLES)

    def book(self, slot: int, who: int) -> bool:
        """Take a slot's units of counsellor, room and client; return whether they were free."""
        if self.db.execute("SELECT 1 FROM taken WHERE resource = 0 AND unit = ?", (slot * UNITS,)).fetchone():
            return False
        sealed = self.request.sealed()
        with queued(self.path):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                self.db.executemany("INSERT INTO taken VALUES (?, ?)", units(slot, who))
            except sqlite3.IntegrityError:
                self.db.execute("ROLLBACK")
                return False
            self.db.execute("INSERT INTO requests VALUES (?, ?, ?, ?)", (who, *sealed))
            self.db.execute("INSERT INTO lines(chain) VALUES (?)", (hashlib.sha256(sealed[0]).digest(),))
            self.db.execute("COMMIT")
        return True


class PgSlots:
    """The same booking on PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.db, self.request = psycopg.connect(url), Request()

    def prepare(self) -> None:
        """Make the tables."""
        self.db.execute(PG_TABLES)
        self.db.commit()

    def book(self, slot: int, who: int) -> bool:
        """Take a slot's units of counsellor, room and client; return whether they were free."""
        if self.db.execute("SELECT 1 FROM taken WHERE resource = 0 AND unit = %s", (slot * UNITS,)).fetchone():
            self.db.rollback()
            return False
        sealed = self.request.sealed()
        try:
            self.db.execute(PG_TAKE, [list(column) for column in zip(*units(slot, who), strict=True)])
        except psycopg.errors.UniqueViolation:
            self.db.rollback()
            return False
        self.db.execute("INSERT INTO requests VALUES (%s, %s, %s, %s)", (who, *sealed))
        self.db.execute("INSERT INTO lines(chain) VALUES (%s)", (hashlib.sha256(sealed[0]).digest(),))
        self.db.commit()
        return True


def units(slot: int, who: int) -> list[tuple[int, int]]:
    """Return the rows a booking occupies: counsellor 0, room 1, and the client, whom numbers from 1000 name."""
    return [(resource, slot * UNITS + n) for resource in (0, 1, 1000 + who) for n in range(UNITS)]
