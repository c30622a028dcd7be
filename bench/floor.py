"""The floor: the same bytes, the same cipher, the same fsync, without rules, audit names or pages."""

import hashlib
import os
import sqlite3
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id


def argon2() -> None:
    """One bare Argon2id of the product's parameters."""
    Argon2id(salt=b"s" * 16, length=32, iterations=3, lanes=1, memory_cost=64 * 1024).derive(b"four words of somebody")


class Notes:
    """Encrypted insert and a chained audit row in one durable commit."""

    def __init__(self, folder: Path) -> None:
        self.db = sqlite3.connect(folder / "floor.sqlite", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self.db.execute(f"PRAGMA {pragma}")
        self.db.execute("CREATE TABLE notes(id INTEGER PRIMARY KEY, body BLOB)")
        self.db.execute("CREATE TABLE lines(seq INTEGER PRIMARY KEY, chain BLOB)")
        self.cipher, self.chain = AESGCM(os.urandom(32)), b""

    def save(self, text: bytes) -> None:
        """Save one note."""
        nonce = os.urandom(12)
        self.chain = hashlib.sha256(self.chain + nonce).digest()
        self.db.execute("BEGIN IMMEDIATE")
        self.db.execute("INSERT INTO notes(body) VALUES (?)", (nonce + self.cipher.encrypt(nonce, text, None),))
        self.db.execute("INSERT INTO lines(chain) VALUES (?)", (self.chain,))
        self.db.execute("COMMIT")

    def open_all(self) -> int:
        """Decrypt every note; return how many."""
        rows = self.db.execute("SELECT body FROM notes").fetchall()
        return sum(bool(self.cipher.decrypt(row[0][:12], row[0][12:], None)) for row in rows)


class Slots:
    """One unique row per unit, BEGIN IMMEDIATE."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "slots.sqlite"
        with sqlite3.connect(self.path) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("CREATE TABLE taken(unit INTEGER PRIMARY KEY, who INTEGER)")

    def book(self, first: int, who: int) -> bool:
        """Take ten units; return whether they were free."""
        db = sqlite3.connect(self.path, isolation_level=None, timeout=30)
        db.execute("PRAGMA synchronous=FULL")
        try:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO taken VALUES (?, ?)", [(first + n, who) for n in range(10)])
            db.execute("COMMIT")
        except sqlite3.IntegrityError:
            db.execute("ROLLBACK")
            return False
        finally:
            db.close()
        return True
