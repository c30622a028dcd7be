"""What a file is, by what is in it and never by its name; what is two things at once, or could do something, is refused.

Sound and pictures of sessions are known by their first bytes. Documents and pictures are looked through whole, in memory.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pikepdf
from PIL import Image, ImageOps

from counsel.core.errors import InvalidError

DOCUMENT, PICTURE, AUDIO, VIDEO = "document", "picture", "audio", "video"
FAMILIES = {"audio": (AUDIO,), "video": (VIDEO,)}  # what may be kept as a recording of a kind
WRITTEN = (DOCUMENT, PICTURE)
LONGEST_INDEX = 8 * 1024 * 1024
MOST_PIXELS = 40_000_000
MOST_ENTRIES, MOST_UNPACKED, MOST_RATIO = 2000, 256 * 1024 * 1024, 120
HEAD_BYTES, DEEPEST = 4096, 12


@dataclass(frozen=True)
class FileType:
    """One type that may be kept. `name`: its ending, which is all that a saved copy is called by."""

    name: str
    mime: str
    family: str


TYPES = {
    one.name: one
    for one in (
        FileType("pdf", "application/pdf", DOCUMENT),
        FileType("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", DOCUMENT),
        FileType("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", DOCUMENT),
        FileType("odt", "application/vnd.oasis.opendocument.text", DOCUMENT),
        FileType("txt", "text/plain", DOCUMENT),
        FileType("jpg", "image/jpeg", PICTURE),
        FileType("png", "image/png", PICTURE),
        FileType("webp", "image/webp", PICTURE),
        FileType("mp3", "audio/mpeg", AUDIO),
        FileType("m4a", "audio/mp4", AUDIO),
        FileType("wav", "audio/wav", AUDIO),
        FileType("ogg", "audio/ogg", AUDIO),
        FileType("flac", "audio/flac", AUDIO),
        FileType("mp4", "video/mp4", VIDEO),
        FileType("webm", "video/webm", VIDEO),
    )
}
OFFICE = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx"}
ACTIVE = ("vbaproject.bin", "activex", "oleobject", "macros/", "scripts/", "basic/")


def type_of(head: bytes) -> FileType:
    """Return what the first bytes of a file say it is; an office document is told apart when it is looked through.

    :raises InvalidError: nothing that may be kept.
    """
    found = _by_magic(head[:HEAD_BYTES])
    if found is None:
        raise InvalidError(file="type_unknown")
    return TYPES[found]


def fitting(head: bytes, kind: str) -> FileType:
    """Return the type of a file that may be kept as this kind; whether a container holds sound alone is asked of the whole.

    :raises InvalidError: ``wrong_kind``, or as `type_of`.
    """
    found = type_of(head)
    if found.name == "mp4" and kind == "audio":
        return TYPES["m4a"]
    if found.family not in FAMILIES.get(kind, WRITTEN):
        raise InvalidError(file="wrong_kind")
    return found


def is_sound_alone(read: Callable[[int, int], bytes], size: int) -> bool:
    """Return whether an MP4 has tracks of sound and none of pictures, as telephones record it.

    :param read: gives bytes by (start, length); only the file's own index is read.
    """
    at = 0
    while at + 8 <= size:
        head = read(at, min(16, size - at))
        length = int.from_bytes(head[:4], "big")
        length = int.from_bytes(head[8:16], "big") if length == 1 else length or size - at
        if head[4:8] == b"moov":
            index = read(at, min(length, size - at, LONGEST_INDEX))
            kinds = {index[found + 12 : found + 16] for found in _places(index, b"hdlr")}
            return b"soun" in kinds and b"vide" not in kinds and length <= LONGEST_INDEX
        if length < 8:
            return False
        at += length
    return False


def _places(data: bytes, mark: bytes) -> Iterator[int]:
    found = data.find(mark)
    while found >= 0:
        yield found
        found = data.find(mark, found + 1)


def _by_magic(head: bytes) -> str | None:
    if head.startswith(b"%PDF-"):
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return "docx"
    for magic, name in (
        (b"\xff\xd8\xff", "jpg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"ID3", "mp3"),
        (b"fLaC", "flac"),
        (b"OggS", "ogg"),
    ):
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF":
        return {b"WEBP": "webp", b"WAVE": "wav"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return "m4a" if head[8:12] in (b"M4A ", b"M4B ") else "mp4"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "webm" if b"webm" in head[:64] else None
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2:
        return "mp3"
    return "txt" if _is_text(head, whole=False) else None


def _is_text(data: bytes, *, whole: bool) -> bool:
    """Plain words: no control characters, and nothing a browser would take for a page."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if whole or error.start < len(data) - 3:
            return False
        text = data[: error.start].decode("utf-8")
    return (
        bool(text.strip())
        and not any(ord(ch) < 32 and ch not in "\t\r\n" for ch in text)
        and not text.lstrip("\ufeff \t\r\n").startswith("<")
    )


def look_through(data: bytes, claimed: FileType) -> FileType:
    """Look through a whole document or picture and return what it is.

    :raises InvalidError: broken, too large once unpacked, with macros or scripts, or something else besides.
    """
    if claimed.family == PICTURE:
        _check_picture(data, claimed)
    elif claimed.name == "pdf":
        _check_pdf(data)
    elif claimed.name == "txt":
        if not _is_text(data, whole=True):
            raise InvalidError(file="type_unknown")
    else:
        return TYPES[_office_type(data)]
    return claimed


def _check_picture(data: bytes, claimed: FileType) -> None:
    ends = {"jpg": data.rstrip(b"\0").endswith(b"\xff\xd9"), "png": data.endswith(b"IEND\xaeB`\x82")}
    if claimed.name == "webp":
        ends["webp"] = len(data) in (size := int.from_bytes(data[4:8], "little") + 8, size + 1)
    if not ends[claimed.name]:
        raise InvalidError(file="more_than_one")
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as picture:
            pixels = picture.width * picture.height
            if pixels <= MOST_PIXELS:
                picture.verify()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidError(file="too_many_pixels") from error
    except Exception as error:  # the library raises what the file makes it raise
        raise InvalidError(file="broken") from error
    if pixels > MOST_PIXELS:
        raise InvalidError(file="too_many_pixels")


def _check_pdf(data: bytes) -> None:
    if b"%%EOF" not in data[-1024:] or any(mark in data[:1024].lower() for mark in (b"<html", b"<script", b"<!doctype")):
        raise InvalidError(file="more_than_one")
    try:
        with pikepdf.open(io.BytesIO(data)) as document:
            active = _is_active(document)
    except pikepdf.PasswordError as error:
        raise InvalidError(file="locked") from error
    except pikepdf.PdfError as error:
        raise InvalidError(file="broken") from error
    if active:
        raise InvalidError(file="active")


def _is_active(document: pikepdf.Pdf) -> bool:
    """Return whether a document runs something when it is opened, or carries other files."""
    root = document.Root
    names: Any = root.get("/Names", {})
    if "/OpenAction" in root and isinstance(root.OpenAction, pikepdf.Dictionary) and root.OpenAction.get("/S") != "/GoTo":
        return True
    if "/AA" in root or "/JavaScript" in names or "/EmbeddedFiles" in names:
        return True
    return any(_acts(thing, DEEPEST) for thing in document.objects)


def _acts(thing: Any, depth: int) -> bool:
    """Return whether an action that runs something, or another file, lies in an object or in what is written inside it."""
    if isinstance(thing, pikepdf.Dictionary):
        if thing.get("/S") in ("/JavaScript", "/Launch") or "/EF" in thing:
            return True
        inside = [value for _name, value in thing.items()]
    elif isinstance(thing, pikepdf.Array):
        inside = list(thing)
    else:
        return False
    return depth > 0 and any(_acts(one, depth - 1) for one in inside if not getattr(one, "is_indirect", False))


def _office_type(data: bytes) -> str:
    """Return which office document a ZIP is; an archive that is none, or bursts when unpacked, is refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as pack:
            entries = pack.infolist()
            mimetype = (
                pack.read("mimetype")[:100] if "mimetype" in pack.namelist() and pack.getinfo("mimetype").file_size < 100 else b""
            )
    except Exception as error:  # the library raises what the file makes it raise
        raise InvalidError(file="broken") from error
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED or unpacked > MOST_RATIO * max(len(data), 1):
        raise InvalidError(file="bursts")
    names = [entry.filename.lower() for entry in entries]
    if any(mark in name for name in names for mark in ACTIVE):
        raise InvalidError(file="active")
    found = next((kind for part, kind in OFFICE.items() if part in names), None)
    if found is None and mimetype == TYPES["odt"].mime.encode():
        found = "odt"
    if found is None or any(name.endswith((".zip", ".docm", ".exe", ".js")) for name in names):
        raise InvalidError(file="type_unknown")
    return found


def without_metadata(data: bytes, kind: FileType) -> bytes | None:
    """Return a picture or PDF without what it says about camera, place, author and program; None for other types.

    :raises InvalidError: it only opens as far as its outside.
    """
    try:
        if kind.family == PICTURE:
            return _bare_picture(data)
        return _bare_pdf(data) if kind.name == "pdf" else None
    except Exception as error:  # the library raises what the file makes it raise
        raise InvalidError(file="broken") from error


def _bare_picture(data: bytes) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as picture:
        form = picture.format or "PNG"
        upright = ImageOps.exif_transpose(picture)
        bare = Image.frombytes(upright.mode, upright.size, upright.tobytes()) if upright.mode != "P" else upright.convert("RGBA")
        bare.save(out, format=form, **({"quality": 92} if form == "JPEG" else {"lossless": True} if form == "WEBP" else {}))
    return out.getvalue()


def _bare_pdf(data: bytes) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        if "/Metadata" in document.Root:
            del document.Root.Metadata
        if "/Info" in document.trailer:
            del document.trailer["/Info"]
        for thing in document.objects:
            if isinstance(thing, (pikepdf.Dictionary, pikepdf.Stream)):
                _forget_author(thing)
        document.save(out)
    return out.getvalue()


def _forget_author(thing: Any) -> None:
    """Take out of one object of a PDF what tells about its making, and who wrote a remark; fields of forms keep their names."""
    for name in ("/Metadata", "/PieceInfo", "/LastModified"):
        if name in thing:
            del thing[name]
    if "/Subtype" in thing and "/Rect" in thing and thing["/Subtype"] != "/Widget" and "/T" in thing:
        del thing["/T"]
