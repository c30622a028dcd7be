"""Formats and derivations: frozen answers, round trips, and everything altered refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counsel.core.errors import UnreadableError
from counsel.crypto import hybrid, passphrase, signatures
from counsel.crypto.blob import BODY_AT, HEADER, Kind, pad, padme, read_header, seal, unpad, unseal
from counsel.crypto.codes import ALPHABET, code_keys, new_code, normalise_code
from counsel.crypto.selftest import computed, known_answers, selftest

KEY = bytes(range(32))


def test_every_known_answer_is_met() -> None:
    """Frozen vectors of version 1: a change in any derivation or format fails here first."""
    vectors = known_answers()
    assert computed(vectors) == vectors["answers"]
    assert selftest() == ()


def test_a_wrong_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The self-test fails closed: it says which vector is not met."""
    vectors = known_answers()
    vectors["answers"]["mac"] = "00"
    monkeypatch.setattr("counsel.crypto.selftest.known_answers", lambda: vectors)
    selftest.cache_clear()
    assert selftest() == ("mac",)
    selftest.cache_clear()


@given(st.binary(max_size=40_000), st.binary(max_size=40))
def test_what_is_sealed_opens(plain: bytes, context: bytes) -> None:
    """Any text under any context comes back, and the blob's length tells only its bucket."""
    blob = seal(KEY, plain, Kind.NOTE, context)
    assert unseal(KEY, blob, Kind.NOTE, context) == plain
    assert len(seal(KEY, bytes(len(plain)), Kind.NOTE, context)) == len(blob)


@given(st.integers(0, 700), st.integers(0, 7))
def test_one_flipped_bit_is_noticed(at: int, bit: int) -> None:
    """Wherever it lies: header, salt, commitment, chunk or tag."""
    blob = bytearray(seal(KEY, b"x" * 500, Kind.NOTE, b"c"))
    blob[at % len(blob)] ^= 1 << bit
    with pytest.raises(UnreadableError):
        unseal(KEY, bytes(blob), Kind.NOTE, b"c")


@pytest.mark.parametrize("cut", [0, 3, HEADER.size, BODY_AT, BODY_AT + 15])
def test_a_short_blob_is_no_blob(cut: int) -> None:
    """Anything too short to be ours is refused before any key is used."""
    with pytest.raises(UnreadableError):
        read_header(seal(KEY, b"", Kind.NOTE, b"")[:cut])


def test_another_kind_key_or_context_does_not_open() -> None:
    """One error for all of them."""
    blob = seal(KEY, b"x", Kind.NOTE, b"c")
    for key, kind, context in ((bytes(32), Kind.NOTE, b"c"), (KEY, Kind.FORM, b"c"), (KEY, Kind.NOTE, b"d")):
        with pytest.raises(UnreadableError):
            unseal(key, blob, kind, context)


def test_padding_has_few_sizes_and_none_below_512() -> None:
    """Padmé: at most 12 % more."""
    sizes = {padme(n) for n in range(1, 65_000)}
    assert min(sizes) == 512 and len(sizes) < 130
    assert all(padme(n) <= max(512, n * 1.12 + 1) for n in range(1, 65_000, 7))
    assert unpad(pad(b"")) == b""
    with pytest.raises(UnreadableError):
        unpad(bytes(512))


def test_hybrid_wrap_is_bound_to_its_info() -> None:
    """Another info, another reader or altered bytes do not open."""
    private, other = hybrid.new_private(), hybrid.new_private()
    wrapped = hybrid.wrap(KEY, hybrid.public_of(private), b"info")
    assert (len(wrapped), hybrid.unwrap(wrapped, private, b"info")) == (1168, KEY)
    for attempt in ((wrapped, private, b"other"), (wrapped, other, b"info"), (wrapped[:-1] + b"\0", private, b"info")):
        with pytest.raises(UnreadableError):
            hybrid.unwrap(*attempt)
    with pytest.raises(UnreadableError):
        hybrid.wrap(KEY, b"short", b"info")


def test_signatures_fail_as_false() -> None:
    """A wrong key, message or length is simply not a signature."""
    private = signatures.new_private()
    public, signature = signatures.public_of(private), signatures.sign(private, b"m")
    assert signatures.verifies(public, signature, b"m")
    assert not signatures.verifies(public, signature, b"n")
    assert not signatures.verifies(b"short", signature, b"m")
    assert len(signatures.spoken(signatures.fingerprint(public)).split()) == 4


@given(st.text(alphabet=ALPHABET + "oiIlLO -", min_size=24, max_size=40))
def test_a_code_is_read_as_people_type_it(text: str) -> None:
    """Small letters, dashes, spaces and look-alikes do not matter."""
    plain = normalise_code(text)
    assert plain is None or (len(plain) == 24 and set(plain) <= set(ALPHABET))


def test_codes_have_120_bits_and_two_keys() -> None:
    """The finder may be stored; it is not the key."""
    code = new_code()
    assert len(code.replace("-", "")) == 24
    finder, key = code_keys(code.lower().replace("-", " "))
    assert finder != key and (finder, key) == code_keys(code)
    with pytest.raises(ValueError, match="not a code"):
        code_keys("too short")


def test_a_passphrase_is_the_same_on_every_keyboard() -> None:
    """NFKC and single spaces; another account or server secret gives other keys."""
    place = (b"s" * 16, b"account", b"secret")
    assert passphrase.stretch("ｑing  shan", *place) == passphrase.stretch("qing shan", *place)
    assert passphrase.stretch("qing shan", b"s" * 16, b"other", b"secret") != passphrase.stretch("qing shan", *place)
