"""What contents are taken for, and what names become."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.files import kinds, names
from chalicelib.files.kinds import DOCX, XLSX, NotTaken, as_announced, identify, named_by_type
from tests.files import samples


def box(brand: bytes) -> bytes:
    return b"\0\0\0\x20ftyp" + brand + bytes(40)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (samples.photo(), "image/jpeg"),
        (samples.png(), "image/png"),
        (samples.animation(), "image/gif"),
        (samples.animation(form="WEBP"), "image/webp"),
        (samples.encoded(samples.picture(), "AVIF"), "image/avif"),
        (box(b"heic"), "image/heic"),
        (box(b"mif1"), "image/heic"),
        (box(b"isom"), "video/mp4"),
        (box(b"mp42"), "video/mp4"),
        (box(b"qt  "), "video/quicktime"),
        (box(b"M4A "), "audio/mp4"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm", "video/webm"),
        (b"ID3\x03" + bytes(100), "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(100), "audio/mpeg"),
        (b"OggS\0\x02" + bytes(100), "audio/ogg"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "audio/wav"),
        (samples.PDF, "application/pdf"),
        (samples.office("word/document.xml"), DOCX),
        (samples.office("xl/workbook.xml"), XLSX),
        (samples.CSV, "text/csv"),
        ("Name;Ort\nJörg;Köln\n".encode("cp1252"), "text/csv"),
        ("Name\tOrt\nJörg\tKöln\n".encode("utf-16"), "text/csv"),
        (b"BMW rents bicycles", "text/plain"),
        (b"II*like a sentence", "text/plain"),
        ("Grüße aus Wien".encode(), "text/plain"),
        (b"1 < 2 and 3 > 2", "text/plain"),
    ],
)
def test_contents_are_known(content: bytes, found: str) -> None:
    assert identify(io.BytesIO(content)) == found


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (samples.SVG, "not_accepted"),
        (b'<?xml version="1.0"?>' + samples.SVG, "not_accepted"),
        (b"\xff\xfe" + samples.PAGE.decode().encode("utf-16-le"), "not_accepted"),
        (b"hello <ScRiPt>alert(1)</script>", "not_accepted"),
        (b"hello <?php system($_GET['x']); ?>", "not_accepted"),
        (b"\x7fELF" + bytes(100), "not_accepted"),
        (samples.archive(aDOTtxt=b"x"), "not_accepted"),
        (b"PK\x03\x04 cut off", "unreadable"),
        (samples.office("xl/workbook.xml", xl__vbaProjectDOTbin=b"x"), "macros"),
        (samples.png() + samples.archive(aDOTtxt=b"x"), "two_kinds"),
        (samples.encoded(samples.picture(), "JPEG", comment=b"%PDF-1.4 /JS"), "two_kinds"),
        (samples.encoded(samples.picture(), "JPEG", comment=b"<script>alert(1)</script>"), "two_kinds"),
    ],
)
def test_what_is_not_taken_is_named(content: bytes, code: str) -> None:
    with pytest.raises(NotTaken) as refused:
        identify(io.BytesIO(content))
    assert refused.value.code == code


@pytest.mark.parametrize("entries", [(3, True), (2, False)])
def test_archives_that_unpack_to_too_much_are_bombs(entries: tuple[int, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    most, taken = entries
    content = samples.office("word/document.xml", oneDOTbin=b"x")
    monkeypatch.setattr(kinds, "MOST_ENTRIES", most)
    if taken:
        assert identify(io.BytesIO(content)) == DOCX
    else:
        with pytest.raises(NotTaken, match="unpacks"):
            identify(io.BytesIO(content))
    monkeypatch.setattr(kinds, "MOST_ENTRIES", 3)
    monkeypatch.setattr(kinds, "MOST_UNPACKED", 10)
    with pytest.raises(NotTaken, match="unpacks"):
        identify(io.BytesIO(content))


def test_sound_in_a_films_container_is_what_it_was_announced_as() -> None:
    assert as_announced("video/mp4", "audio/mp4", ()) == "audio/mp4"
    assert as_announced("video/webm", "video/webm", ()) == "video/webm"
    assert as_announced("image/png", "application/octet-stream", ()) == "image/png"
    for found, announced, wanted in (
        ("video/mp4", "audio/mpeg", ()),
        ("image/png", "application/octet-stream", ("document",)),
    ):
        with pytest.raises(NotTaken):
            as_announced(found, announced, wanted)  # type: ignore[arg-type]


@given(st.binary(max_size=300))
def test_whatever_the_bytes_an_answer_is_given(content: bytes) -> None:
    with contextlib.suppress(NotTaken):
        assert identify(io.BytesIO(content)) in kinds.TYPES


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\scans\\arm.jpg", "arm.jpg"),
        ("a\r\nSet-Cookie: x.pdf", "a Set-Cookie_ x.pdf"),
        ("photo\u202egpj.exe", "photo gpj.exe"),
        ("a\0b\x7f.txt", "a b .txt"),
        ("  .htaccess ", "htaccess"),
        ("...", "file"),
        ("/", "file"),
        ("con.txt", "_con.txt"),
        ("console.txt", "console.txt"),
        ('<a href="x">.png', "_a href=_x__.png"),
        ("Überweisung\u0308.pdf", "Überweisung\u0308.pdf"),
        ("U\u0308ber.pdf", "Über.pdf"),
        ("علی\u200cرضا.pdf", "علی\u200cرضا.pdf"),
        ("\ud800x.txt", "x.txt"),
        ("x" * 300 + ".pdf", "x" * 176 + ".pdf"),
        ("x" * 300, "x" * 180),
    ],
)
def test_names_are_made_harmless(given_name: str, kept: str) -> None:
    assert names.clean(given_name) == kept


@given(st.text(max_size=400))
def test_every_name_can_be_kept(text: str) -> None:
    kept = names.clean(text)
    assert 0 < len(kept) <= names.LONGEST
    assert not set(kept) & set('/\\<>:"|?*\r\n\0')
    assert names.clean(kept) == kept


def test_a_name_says_what_the_file_is() -> None:
    for name, content_type, shown in (
        ("a.JPG", "image/jpeg", "a.JPG"),
        ("a.jpg.exe", "image/jpeg", "a.jpg.exe.jpg"),
        ("a", "application/pdf", "a.pdf"),
    ):
        assert named_by_type(name, content_type) == shown
