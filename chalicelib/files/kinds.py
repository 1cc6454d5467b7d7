"""What a file is, by its bytes: which kinds are taken, how large, and what makes one a trap."""

import codecs
import re
import zipfile
from typing import IO, Literal

import msgspec

Kind = Literal["image", "video", "audio", "document", "sheet", "text"]
MEBIBYTE = 1024 * 1024
LARGEST: dict[Kind, int] = {
    "image": 50 * MEBIBYTE,
    "video": 200 * MEBIBYTE,
    "audio": 100 * MEBIBYTE,
    "document": 50 * MEBIBYTE,
    "sheet": 50 * MEBIBYTE,
    "text": 100 * MEBIBYTE,
}
"""Bytes of one upload. A Lambda has 512 MB of disk: a video and its compressed copy have to lie there together."""
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ContentType(msgspec.Struct, frozen=True):
    """A type that is taken: its kind, and the endings of its names, the usual one first."""

    kind: Kind
    endings: tuple[str, ...]


TYPES: dict[str, ContentType] = {
    "image/jpeg": ContentType("image", (".jpg", ".jpeg", ".jfif")),
    "image/png": ContentType("image", (".png",)),
    "image/gif": ContentType("image", (".gif",)),
    "image/webp": ContentType("image", (".webp",)),
    "image/avif": ContentType("image", (".avif",)),
    "image/heic": ContentType("image", (".heic", ".heif")),
    "video/mp4": ContentType("video", (".mp4", ".m4v")),
    "video/quicktime": ContentType("video", (".mov",)),
    "video/webm": ContentType("video", (".webm",)),
    "audio/mpeg": ContentType("audio", (".mp3",)),
    "audio/mp4": ContentType("audio", (".m4a",)),
    "audio/webm": ContentType("audio", (".weba",)),
    "audio/ogg": ContentType("audio", (".ogg", ".oga", ".opus")),
    "audio/wav": ContentType("audio", (".wav",)),
    "application/pdf": ContentType("document", (".pdf",)),
    DOCX: ContentType("document", (".docx",)),
    XLSX: ContentType("sheet", (".xlsx",)),
    "text/csv": ContentType("text", (".csv", ".tsv")),
    "text/plain": ContentType("text", (".txt",)),
}
"""Nothing that a browser would run: SVG, HTML and XML are not among them."""
ALIASES = {
    "image/jpg": "image/jpeg",
    "image/heif": "image/heic",
    "audio/x-m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "video/x-m4v": "video/mp4",
    "audio/x-opus+ogg": "audio/ogg",
}
ALIKE: dict[Kind, tuple[Kind, ...]] = {"text": ("text", "sheet"), "sheet": ("sheet", "text")}
"""Kinds that people and programs take for each other; any other kind is like itself alone."""
SOUND_ONLY = {"audio/mp4": "video/mp4", "audio/webm": "video/webm"}
"""Recorders write sound into containers of films: only who announces it knows."""
HEAD_BYTES = 4096
TAIL_BYTES = 66_000
"""The end of a ZIP archive lies within so many bytes of its file's end: 22, and a comment of at most 65,535."""
MOST_UNPACKED = 500 * MEBIBYTE
MOST_ENTRIES = 10_000
_ISO_BRANDS = {
    b"heic": "image/heic", b"heix": "image/heic", b"heim": "image/heic", b"heis": "image/heic", b"mif1": "image/heic",
    b"msf1": "image/heic", b"hevc": "image/heic", b"avif": "image/avif", b"avis": "image/avif",
    b"qt  ": "video/quicktime", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4",
}  # fmt: skip
"""What `ftyp` boxes say first; any other brand is MP4."""
_MARKUP = re.compile(rb"<\s*(?:!doctype\s+html|html|head|body|script|svg|iframe|\?xml|\?php)", re.IGNORECASE)


class NotTaken(Exception):
    """The content is none that is taken; `code` is stable, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def normal(content_type: str) -> str:
    """The type under the name that is used here."""
    plain = content_type.partition(";")[0].strip().lower()
    return ALIASES.get(plain, plain)


def identify(content: IO[bytes]) -> str:
    """The content's type, one of `TYPES`; raises NotTaken for anything else, and for what is two things at once.

    Looks at the beginning and the end, and at the names inside of a ZIP archive; unpacks nothing.
    """
    size = content.seek(0, 2)
    if size == 0:
        raise NotTaken("empty", "The file is empty.")
    content.seek(0)
    head = content.read(HEAD_BYTES)
    found = _by_magic(head)
    if found == "zip":
        return _office(content)
    if found is None:
        found = _text(content)
    elif _MARKUP.search(head[:1024]) or b"%PDF-" in head[1:1024] or _ends_as_archive(content, size):
        raise NotTaken("two_kinds", "The file is two kinds of file at once.")
    return found


def _by_magic(head: bytes) -> str | None:
    # Only here: two functions look at contents, and the others' package does not have it.
    import puremagic

    if head.startswith(b"PK"):
        return "zip"
    if head[4:8] == b"ftyp":
        return _ISO_BRANDS.get(head[8:12], "video/mp4")
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return None
    # Some signatures are two letters that a sentence may begin with.
    names = [normal(match.mime_type) for match in matches if match.confidence >= SURE or match.byte_match in _SHORT]
    return next((name for name in names if name in TYPES), None)


SURE = 0.3
_SHORT = (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
"""MP3 frames without a tag before them."""


def _ends_as_archive(content: IO[bytes], size: int) -> bool:
    content.seek(max(0, size - TAIL_BYTES))
    return b"PK\x05\x06" in content.read(TAIL_BYTES)


def _office(content: IO[bytes]) -> str:
    content.seek(0)
    try:
        with zipfile.ZipFile(content) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise NotTaken("unreadable", "The file is damaged.") from None
    names = {entry.filename for entry in entries}
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise NotTaken("bomb", "The file unpacks to more than is taken.")
    if any(name.lower().endswith(("vbaproject.bin", ".exe", ".js")) for name in names):
        raise NotTaken("macros", "Documents with macros are not taken; save it without them.")
    if "[Content_Types].xml" in names:
        if "word/document.xml" in names:
            return DOCX
        if "xl/workbook.xml" in names:
            return XLSX
    raise NotTaken("not_accepted", "Archives are not taken; upload the files one by one.")


def _text(content: IO[bytes]) -> str:
    content.seek(0)
    head = content.read(HEAD_BYTES)
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    plain = head.decode("utf-16", "ignore").encode() if utf16 else head
    if _MARKUP.search(plain) or plain.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise NotTaken("not_accepted", "Pages, drawings (SVG) and other markup are not taken.")
    content.seek(0)
    if not utf16:
        while chunk := content.read(MEBIBYTE):
            if chunk.translate(None, _TEXT_BYTES):
                raise NotTaken("not_accepted", "This kind of file is not taken.")
    lines = plain.decode("utf-8", "replace").splitlines()[:5]
    separated = any(all(separator in line for line in lines[:-1] or lines) for separator in (";", "\t", ",", "|"))
    return "text/csv" if lines and separated else "text/plain"


_TEXT_BYTES = bytes({9, 10, 12, 13, *range(32, 127), *range(128, 256)})
"""Whatever UTF-8 and Windows-1252 write: no control characters but those of lines and tabs."""


def as_announced(found: str, announced: str, kinds: tuple[Kind, ...]) -> str:
    """The type of what was announced as another, or as one of `kinds`; raises NotTaken when they do not fit."""
    if SOUND_ONLY.get(announced) == found:
        return announced
    kind = TYPES[found].kind
    wanted = ALIKE.get(TYPES[announced].kind, (TYPES[announced].kind,)) if announced in TYPES else kinds
    if wanted and kind not in wanted:
        raise NotTaken("kind_differs", f"The content is {found}, which is not what was announced.")
    return found


def named_by_type(name: str, content_type: str) -> str:
    """The name with an ending that says what the file is."""
    endings = TYPES[content_type].endings
    return name if name.lower().endswith(endings) else f"{name}{endings[0]}"
