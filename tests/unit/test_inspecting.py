"""What a file is, and what is refused (security A26): two things at once, scripts, macros, bursting archives, great pictures."""

import io
import zipfile
import zlib
from collections.abc import Callable

import pikepdf
import pytest
from PIL import Image

from counsel.core.errors import InvalidError
from counsel.records.inspecting import TYPES, fitting, is_sound_alone, look_through, type_of, without_metadata


def picture(form: str = "PNG", size: tuple[int, int] = (40, 30), exif: bool = False) -> bytes:
    """A small picture; `exif`: with a camera, a place, and lying on its side."""
    out, data = io.BytesIO(), Image.Exif()
    if exif:
        data[0x010F], data[0x0112], data[0x8825] = "Camera", 6, {1: "N", 2: (31.0, 14.0, 3.0)}
    Image.new("RGB", size, (200, 30, 30)).save(out, form, exif=data)
    return out.getvalue()


def pdf(change: Callable[[pikepdf.Pdf], None] = lambda _pdf: None, **save: object) -> bytes:
    """A PDF of one empty page."""
    out = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        change(document)
        document.save(out, **save)  # type: ignore[arg-type]
    return out.getvalue()


def packed(entries: dict[str, bytes]) -> bytes:
    """A ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, data in entries.items():
            pack.writestr(name, data)
    return out.getvalue()


def kept(data: bytes) -> str:
    """The type under which it would be kept."""
    return look_through(data, type_of(data)).name


WORD, SHEET = {"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}, {"xl/workbook.xml": b"<x/>"}
OPEN_TEXT = {"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<x/>"}


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (picture("PNG"), "png"),
        (picture("JPEG"), "jpg"),
        (picture("WEBP"), "webp"),
        (pdf(), "pdf"),
        (packed(WORD), "docx"),
        (packed(SHEET), "xlsx"),
        (packed(OPEN_TEXT), "odt"),
        ("来信：老师您好\n".encode(), "txt"),
    ],
)
def test_what_may_be_kept_is_known_by_its_content(data: bytes, name: str) -> None:
    """Whatever it was called."""
    assert kept(data) == name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"ID3\x04", "mp3"),
        (b"\xff\xfb\x90", "mp3"),
        (b"fLaC", "flac"),
        (b"OggS", "ogg"),
        (b"RIFF\0\0\0\0WAVE", "wav"),
        (b"\0\0\0\x20ftypM4A ", "m4a"),
        (b"\0\0\0\x20ftypisom", "mp4"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "webm"),
    ],
)
def test_sound_and_pictures_of_sessions_are_known_by_their_beginning(head: bytes, name: str) -> None:
    """A player tells the rest."""
    assert type_of(head + bytes(100)).name == name


def script(document: pikepdf.Pdf) -> None:
    """Something that runs when it is opened."""
    document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def attached(document: pikepdf.Pdf) -> None:
    """A file inside the file."""
    document.attachments["x.exe"] = b"MZ"


def carrying(document: pikepdf.Pdf) -> None:
    """Another file hangs on a remark."""
    other = pikepdf.Dictionary(Type=pikepdf.Name.Filespec, F="x.exe", EF=pikepdf.Dictionary(F=document.make_stream(b"MZ")))
    remark = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.FileAttachment, Rect=[0, 0, 9, 9], FS=other)
    document.pages[0].Annots = pikepdf.Array([remark])


def launching(document: pikepdf.Pdf) -> None:
    """A link that starts a program."""
    link = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9])
    link.A = pikepdf.Dictionary(S=pikepdf.Name.Launch, F="calc.exe")
    document.pages[0].Annots = pikepdf.Array([document.make_indirect(link)])


LOCKED = pikepdf.Encryption(owner="a", user="b")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"MZ\x90\0", "type_unknown"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "type_unknown"),
        (b"  <!doctype html><script>alert(1)</script>", "type_unknown"),
        (b"\xef\xbb\xbf<html>", "type_unknown"),
        (b"words\0with nothing", "type_unknown"),
        ("好".encode() * 2000 + b"\xff", "type_unknown"),
        (b"GIF89a\x01\0\x01\0\x80\0\0", "type_unknown"),
        (packed({"a.txt": b"x"}), "type_unknown"),
        (packed({**WORD, "word/vbaProject.bin": b"x"}), "active"),
        (packed({**WORD, "word/embeddings/oleObject1.bin": b"x"}), "active"),
        (packed({**WORD, "inner.zip": b"x"}), "type_unknown"),
        (packed({**WORD, "word/big.xml": bytes(30_000_000)}), "bursts"),
        (packed({**WORD, **{f"word/{n}.xml": b"" for n in range(2001)}}), "bursts"),
        (packed(WORD)[:-30], "broken"),
        (picture("PNG") + b"<script>alert(1)</script>", "more_than_one"),
        (picture("JPEG") + packed(WORD), "more_than_one"),
        (picture("WEBP") + b"more than a byte", "more_than_one"),
        (picture("PNG")[:60] + picture("PNG")[80:], "broken"),
        (pdf() + bytes(5000), "more_than_one"),
        (b"%PDF-1.7\n<html><script>alert(1)</script>" + pdf(), "more_than_one"),
        (b"%PDF-1.7\nnothing in it\n%%EOF", "broken"),
        (pdf(script), "active"),
        (pdf(carrying), "active"),
        (pdf(attached), "active"),
        (pdf(launching), "active"),
        (pdf(encryption=LOCKED), "locked"),
    ],
    ids=range(26),
)
def test_what_is_refused_says_why(data: bytes, why: str) -> None:
    """Programs, pages, archives, polyglots, bombs, macros, scripts, attachments, locks, rubbish."""
    with pytest.raises(InvalidError) as found:
        kept(data)
    assert found.value.problems == {"file": why}


def test_thirty_thousand_pixels_square_are_refused_unseen() -> None:
    """By what the head says, without unpacking a pixel."""
    header = picture("PNG", (1, 1))
    great = bytearray(header)
    great[16:24] = (30_000).to_bytes(4, "big") * 2
    great[29:33] = zlib.crc32(bytes(great[12:29])).to_bytes(4, "big")
    with pytest.raises(InvalidError) as found:
        kept(bytes(great))
    assert found.value.problems == {"file": "too_many_pixels"}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_without_metadata_looks_the_same_upright(form: str) -> None:
    """No camera, no place; turned as the camera meant it."""
    before = picture(form, exif=True)
    after = without_metadata(before, type_of(before))
    assert after is not None and b"Camera" in before and b"Camera" not in after
    with Image.open(io.BytesIO(after)) as shown:
        assert shown.size == (30, 40) and len(shown.getexif()) == 0 and shown.format == form


def test_a_pdf_without_metadata_names_nobody() -> None:
    """Neither author nor program, in neither of the two places."""

    def sign(document: pikepdf.Pdf) -> None:
        with document.open_metadata() as said:
            said["dc:creator"] = ["某某"]
        document.docinfo["/Author"] = "某某"

    before = pdf(sign)
    with pikepdf.open(io.BytesIO(without_metadata(before, type_of(before)) or b"")) as after:
        assert "/Metadata" not in after.Root and "/Info" not in after.trailer and len(after.pages) == 1


def test_nothing_is_taken_out_of_other_types() -> None:
    """Only out of pictures and PDF."""
    assert without_metadata(b"words", type_of(b"words")) is None


def atom(name: bytes, *inside: bytes) -> bytes:
    """One box of an MP4."""
    body = b"".join(inside)
    return (8 + len(body)).to_bytes(4, "big") + name + body


def film(*kinds: bytes, brand: bytes = b"mp42", late: bool = True) -> bytes:
    """An MP4 whose index tells of these tracks; telephones put it at the end."""
    index = atom(b"moov", *(atom(b"trak", atom(b"mdia", atom(b"hdlr", bytes(8), kind, bytes(13)))) for kind in kinds))
    data = atom(b"mdat", bytes(5000))
    return atom(b"ftyp", brand, bytes(12)) + (data + index if late else index + data)


@pytest.mark.parametrize(
    ("data", "alone"),
    [
        (film(b"soun"), True),
        (film(b"soun", late=False), True),
        (film(b"soun", b"vide"), False),
        (film(b"vide"), False),
        (film(), False),
        (film(b"soun")[:-30], False),
        (atom(b"ftyp", b"isom") + (1).to_bytes(4, "big") + b"free" + (7).to_bytes(8, "big"), False),
        (atom(b"ftyp", b"isom") + bytes(8), False),
        (b"", False),
    ],
)
def test_a_container_with_sound_alone_is_sound(data: bytes, alone: bool) -> None:
    """What a telephone records as sound is told from a film by its tracks; broken boxes end nothing in a loop."""
    assert is_sound_alone(lambda start, length: data[start : start + length], len(data)) is alone


def test_a_telephones_sound_fits_as_sound_and_a_film_as_film() -> None:
    """The same beginning; what is inside is asked when it is whole."""
    assert fitting(film(b"soun"), "audio") is TYPES["m4a"] and fitting(film(b"vide"), "video") is TYPES["mp4"]
    with pytest.raises(InvalidError, match="wrong_kind"):
        fitting(picture(), "audio")


def test_a_picture_that_breaks_off_inside_is_refused_when_it_is_stripped() -> None:
    """Its outside is in order, its pixels end half-way."""
    whole = picture(size=(300, 300))
    at = whole.index(b"IDAT")
    length = int.from_bytes(whole[at - 4 : at], "big")
    short = b"IDAT" + whole[at + 4 : at + 4 + length // 2]
    cut = whole[: at - 4] + (len(short) - 4).to_bytes(4, "big") + short + zlib.crc32(short).to_bytes(4, "big") + whole[-12:]
    with pytest.raises(InvalidError, match="broken"):
        without_metadata(cut, type_of(cut))


def test_a_pdf_without_metadata_has_no_author_in_its_remarks() -> None:
    """Who wrote a remark goes; a field of a form keeps its name."""

    def remarks(document: pikepdf.Pdf) -> None:
        """A remark and a field."""
        place = {"Type": pikepdf.Name.Annot, "Rect": [0, 0, 9, 9]}
        note = pikepdf.Dictionary(Subtype=pikepdf.Name.Text, T="Writer", Contents="x", **place)
        field = pikepdf.Dictionary(Subtype=pikepdf.Name.Widget, T="field1", **place)
        shown = [document.make_indirect(note), document.make_indirect(field)]
        document.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array(shown[1:]))
        document.pages[0].Annots = pikepdf.Array(shown)
        document.pages[0].obj.Metadata = document.make_stream(b"<x>Writer</x>")

    before = pdf(remarks)
    with pikepdf.open(io.BytesIO(without_metadata(before, type_of(before)) or b"")) as after:
        note, field = after.pages[0].Annots
        assert "/T" not in note and field.T == "field1" and "/Metadata" not in after.pages[0].obj
