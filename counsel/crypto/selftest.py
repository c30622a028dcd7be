"""Known answers for every format and derivation; `doctor` and start-up fail closed when one is not met."""

import json
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

from counsel.core.errors import UnreadableError
from counsel.crypto import hybrid, signatures
from counsel.crypto.blob import Kind, padme, unseal
from counsel.crypto.codes import code_keys
from counsel.crypto.context import Context
from counsel.crypto.derive import blob_key, digest, mac, subkey
from counsel.crypto.passphrase import stretch


def known_answers() -> dict[str, Any]:
    """Return the frozen vectors."""
    answers: dict[str, Any] = json.loads(files("counsel.data").joinpath("vectors.json").read_text("utf-8"))
    return answers


def computed(vectors: dict[str, Any]) -> dict[str, str]:
    """Compute every vector anew from its inputs."""
    given = {name: bytes.fromhex(value) for name, value in vectors["inputs"].items()}
    item, box, author = (UUID(bytes=given[name]) for name in ("item", "box", "author"))
    context = Context("item", given["installation"], "bodies", item, box, 3, author).encode()
    key = blob_key(given["box_key"], given["lock"], item, 3, context)
    verifier, unlock = stretch("qingshan lvshui mingyue wanfeng", given["salt"], given["author"], given["secret"])
    public = signatures.public_of(given["sign_private"])
    found = {
        "context": context,
        "blob_key": key,
        "mac": mac(given["secret"], b"one", b"two"),
        "digest": digest(b"one", b"two"),
        "subkey": subkey(given["secret"], "login"),
        "verifier": verifier,
        "unlock": unlock,
        "code_finder": code_keys("7K3M-0000-AAAA-BBBB-CCCC-ZZZZ")[0],
        "code_key": code_keys("7K3M-0000-AAAA-BBBB-CCCC-ZZZZ")[1],
        "sign_public": public,
        "signature": signatures.sign(given["sign_private"], b"statement"),
        "fingerprint": signatures.fingerprint(public),
        "kem_public_print": digest(hybrid.public_of(given["kem_private"])),
        "opened_blob": unseal(key, given["blob"], Kind.NOTE, context),
        "opened_wrap": hybrid.unwrap(given["wrap"], given["kem_private"], b"info"),
        "padme": ",".join(str(padme(n)) for n in (0, 513, 1025, 5000, 70000)).encode(),
    }
    return {name: value.hex() for name, value in found.items()}


@cache
def selftest() -> tuple[str, ...]:
    """Return the names of vectors that are not met; empty when all is well."""
    vectors = known_answers()
    try:
        found = computed(vectors)
    except (UnreadableError, ValueError, KeyError) as error:
        return (type(error).__name__,)
    return tuple(sorted(name for name, value in vectors["answers"].items() if found.get(name) != value))
