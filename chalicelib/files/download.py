"""Links by which a file is had."""

from datetime import timedelta
from typing import NamedTuple

from chalicelib.core.errors import Conflict, NotFound
from chalicelib.files import object_store
from chalicelib.files.file import Content, File, Variant
from chalicelib.files.object_store import DOWNLOAD_FOR, ORIGINAL


class Download(NamedTuple):
    """Where to GET it, and what comes; `size` in bytes."""

    url: str
    name: str
    content_type: str
    size: int


def link(file: File, variant: str = "", number: int | None = None, lasting: timedelta = DOWNLOAD_FOR) -> Download:
    """A link to a file; no request. `variant` empty: the copy that tells nothing but what it shows, if there is one.

    Raises NotFound for a version or variant that there is not, Conflict `file_not_ready`, `file_refused`.
    """
    content = _content(file, number)
    if variant == ORIGINAL:
        return _of_original(file, content, lasting)
    if content.awaits_copies:
        raise _not_ready()
    found = _variant(content, variant)
    if found is None:
        if variant:
            raise NotFound("variant_not_found", f"There is no {variant} of this file.")
        return _of_original(file, content, lasting)
    name = _name(file, found)
    key = object_store.kept_key(file.company_id, file.id, content.place, found.name)
    url = object_store.download_link(key, name, found.content_type, lasting)
    return Download(url, name, found.content_type, found.size)


def largest(file: File) -> tuple[str, int]:
    """Name and bytes of what `link` leads to; raises as it does."""
    content = _content(file, None)
    found = _variant(content, "")
    return _name(file, found), found.size if found else content.size


def _name(file: File, variant: Variant | None) -> str:
    if variant is None:
        return file.name
    return f"{file.name.rpartition('.')[0]}.{variant.name.rpartition('.')[2]}"


def _content(file: File, number: int | None) -> Content:
    if number is not None:
        found = next((each for each in file.contents if each.number == number), None)
        if found is None:
            raise NotFound("version_not_found", f"There is no version {number} of this file.")
        return found
    if file.current:
        return file.current
    if file.contents or file.upload:
        raise _not_ready()
    raise Conflict("file_refused", f"This file was not taken: {file.refusal}.")


def _variant(content: Content, name: str) -> Variant | None:
    """The variant of that name; without one, the largest that everything can show."""
    names = (name,) if name else ("full.jpg", "full.png", "full.mp4")
    return next((each for wanted in names for each in content.variants if each.name == wanted), None)


def _of_original(file: File, content: Content, lasting: timedelta) -> Download:
    key = object_store.kept_key(file.company_id, file.id, content.place)
    url = object_store.download_link(key, file.name, content.content_type, lasting)
    return Download(url, file.name, content.content_type, content.size)


def _not_ready() -> Conflict:
    return Conflict("file_not_ready", "This file is still being looked at; try again in a moment.")
