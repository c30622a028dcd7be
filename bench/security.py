"""The cost of security: the same services with sealing switched off, and with signatures off as well, in the same run.

The switch exists here and nowhere else; it reaches into the product's modules from outside and needs a house of its own,
because what is sealed cannot be read with the switch off, nor the other way round.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.measure import Figure, Plan, Side, interleaved, judged, replaced, say
from bench.opening import all_notes
from bench.saving import Draft, new_draft
from bench.stage import NOTES, new_case, staged, write_notes
from counsel.crypto import blob, derive, passphrase, signatures
from counsel.crypto.context import NOBODY
from tests.conftest import Centre

LIMITS = {"open_all_notes": 1.15, "save_draft": 1.1}


def plain_seal(
    _key: bytes, plaintext: bytes, kind: blob.Kind, _context: bytes, *, key_id: UUID = NOBODY, epoch: int = 0
) -> bytes:
    """Return the same number of bytes in the same format, with the padded text in clear."""
    header = blob.HEADER.pack(blob.MAGIC, blob.VERSION, blob.SUITE, kind, blob.PADDED, key_id.bytes, epoch)
    return header.ljust(blob.BODY_AT, b"\0") + blob.pad(plaintext) + bytes(blob.TAG_BYTES)


def plain_unseal(_key: bytes, sealed: bytes, _kind: blob.Kind, _context: bytes) -> bytes:
    """Return what `plain_seal` was given; the header is read, nothing is checked."""
    blob.read_header(sealed)
    return blob.unpad(sealed[blob.BODY_AT : -blob.TAG_BYTES])


def one_key(*_arguments: Any) -> bytes:
    """Stand for the derivation of a blob's key."""
    return bytes(derive.KEY_BYTES)


def two_keys(*_arguments: Any) -> tuple[bytes, bytes]:
    """Stand for the stretching of a passphrase."""
    return one_key(), one_key()


SEALING = {blob.seal: plain_seal, blob.unseal: plain_unseal, derive.blob_key: one_key, passphrase.stretch: two_keys}
SIGNATURES = {signatures.verifies: lambda *_arguments: True}


@contextmanager
def sealing_off() -> Iterator[None]:
    """Switch sealing off inside the block."""
    with replaced(SEALING):
        yield


@contextmanager
def sealing_and_signatures_off() -> Iterator[None]:
    """Switch sealing and the verification of signatures off inside the block."""
    with replaced(SEALING | SIGNATURES):
        yield


def cost_of_security(folder: Path, plan: Plan) -> Figure:
    """Measure two small houses in turn: the one sealed, the other with the switch off."""
    say("cost of security: a house with sealing, one without")
    with staged(folder / "sealed") as sealed, ExitStack() as stack:
        with sealing_off():
            plain = stack.enter_context(staged(folder / "plain"))
            plain_case = _case(plain)
        return _compared(plan, (sealed, _case(sealed)), (plain, plain_case))


def _case(centre: Centre) -> UUID:
    case_id = new_case(centre, "B1")
    write_notes(centre, case_id, NOTES)
    return case_id


def _compared(plan: Plan, sealed: tuple[Centre, UUID], plain: tuple[Centre, UUID]) -> Figure:
    draft = new_draft(*sealed)
    with sealing_off():
        bare: Draft = new_draft(*plain)
    acts = {
        "open_all_notes": (lambda: all_notes(*sealed), lambda: all_notes(*plain)),
        "save_draft": (draft.save, bare.save),
    }
    return {name: _cost(plan, *pair, LIMITS[name]) for name, pair in acts.items()}


def _cost(plan: Plan, sealed: Any, plain: Any, limit: float) -> Figure:
    rounds = interleaved(
        replace(plan, rounds=plan.rounds + 2, seconds=plan.seconds / 2),
        sealed=sealed,
        sealing_off=Side(plain, sealing_off),
        signatures_off_too=Side(plain, sealing_and_signatures_off),
    )
    costs = {"cost": rounds.ratio("sealed", "sealing_off"), "cost_with_signatures": rounds.ratio("sealed", "signatures_off_too")}
    return judged(rounds.figure() | costs, "cost", limit)
