"""Files as people and attackers make them."""

import io
import zipfile
from functools import cache
from typing import Any

from PIL import Image, ImageCms

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
CSV = "Name;Telefon\nJörg;+49 151 23456789\n".encode()
GPS_IFD, ORIENTATION, ON_ITS_SIDE = 0x8825, 0x0112, 6


def picture(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    """The left half red, the right half blue (or whatever the mode makes of them)."""
    image = Image.new("RGB", (width, height), (255, 0, 0))
    image.paste((0, 0, 255), (width // 2, 0, width, height))
    return image.convert(mode)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """The image as a file of that format."""
    written = io.BytesIO()
    image.save(written, form, **options)
    return written.getvalue()


@cache  # a profile says when it was made
def photo(width: int = 60, height: int = 40, *, orientation: int = 1) -> bytes:
    """A JPEG that tells when and where it was taken."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "Secret Camera"
    exif.get_ifd(GPS_IFD).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return encoded(picture(width, height), "JPEG", exif=exif, icc_profile=icc, comment=b"Secret comment", quality=95)


def png(width: int = 60, height: int = 40, mode: str = "RGB") -> bytes:
    """A PNG."""
    return encoded(picture(width, height, mode), "PNG")


def animation(frames: int = 3, form: str = "GIF") -> bytes:
    """An image that moves."""
    pictures = [Image.new("RGB", (40, 30), (80 * number, 0, 0)) for number in range(frames)]
    return encoded(pictures[0], form, save_all=True, append_images=pictures[1:], duration=[100, 200, 300][:frames])


def lying_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises that many pixels."""
    import struct
    import zlib

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def archive(**entries: bytes) -> bytes:
    """A ZIP archive; `__` in a name is a slash, `_` at its end a dot's place is taken by `DOT`."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries.items():
            made.writestr(name.replace("__", "/").replace("DOT", "."), content)
    return written.getvalue()


def office(main: str, **more: bytes) -> bytes:
    """A document of Word (`word__documentDOTxml`) or Excel (`xl__workbookDOTxml`)."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("[Content_Types].xml", b"<Types/>")
        made.writestr(main, b"<document/>")
        for name, content in more.items():
            made.writestr(name.replace("__", "/").replace("DOT", "."), content)
    return written.getvalue()
