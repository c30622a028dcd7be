"""Look for viruses with a ClamAV daemon, where the settings name one; where none is, the page says so (security A26)."""

import socket
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from counsel.core.database import house_of
from counsel.core.errors import BusyError, InvalidError

PIECE_BYTES, WAIT_SECONDS = 64 * 1024, 60
TEST_FILE, TEST_WITHIN = b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE", 256  # in two, so that no scanner takes this page for it


def is_scanning(db: Session) -> bool:
    """Return whether a daemon is named."""
    return bool(house_of(db).settings.clamd_address)


def scan(db: Session, data: bytes) -> None:
    """Hand bytes to the daemon over its socket, `INSTREAM`; where none is named only the scanners' own test file is known.

    :raises InvalidError: it found something; :raises BusyError: it does not answer, and nothing is kept unlooked at.
    """
    if TEST_FILE in data[:TEST_WITHIN]:
        raise InvalidError(file="virus")
    address = house_of(db).settings.clamd_address
    if not address:
        return
    try:
        with _connected(address) as daemon:
            answer = _ask(daemon, data)
    except OSError as error:
        raise BusyError("clamd") from error
    if answer.endswith(b"FOUND"):
        raise InvalidError(file="virus")
    if not answer.endswith(b"OK"):
        raise BusyError("clamd")


def _connected(address: str) -> socket.socket:
    if address.startswith("/"):
        daemon = socket.socket(socket.AF_UNIX)
        daemon.settimeout(WAIT_SECONDS)
        daemon.connect(address)
        return daemon
    place = urlsplit(f"//{address}")
    return socket.create_connection((place.hostname or "localhost", place.port or 3310), WAIT_SECONDS)


def _ask(daemon: socket.socket, data: bytes) -> bytes:
    daemon.sendall(b"zINSTREAM\0")
    for at in range(0, len(data), PIECE_BYTES):
        piece = data[at : at + PIECE_BYTES]
        daemon.sendall(len(piece).to_bytes(4, "big") + piece)
    daemon.sendall(bytes(4))
    answer = b""
    while not answer.endswith(b"\0") and (piece := daemon.recv(4096)):
        answer += piece
    return answer.rstrip(b"\0\n")
