"""Files that are there whole, and trees of them without a copy."""

import errno
import hashlib
import os
import shutil
from pathlib import Path

WITHOUT_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
"""What file systems answer that have no hard links, or no more of them."""


def files_of(folder: Path) -> list[Path]:
    """Every file below it."""
    return [path for path in folder.rglob("*") if path.is_file()]


def digest(file: Path) -> str:
    """SHA-256 of a file's contents."""
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write(file: Path, content: bytes) -> None:
    """Write a new file and wait until it is on the disk."""
    with open(file, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def sync(path: Path) -> None:
    """Wait until a file's contents, or a folder's list of names, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def link_tree(source: Path, target: Path) -> None:
    """The same files under `target` by hard links, or by copies where the file system has none."""
    target.mkdir(parents=True, exist_ok=True)
    for folder, names, files in os.walk(source):
        here = os.path.join(target, os.path.relpath(folder, source))
        for name in names:
            os.makedirs(os.path.join(here, name), exist_ok=True)
        for name in files:
            if name.endswith(".tmp"):
                continue  # the emulator is just writing it
            try:
                os.link(os.path.join(folder, name), os.path.join(here, name))
            except OSError as error:
                if error.errno not in WITHOUT_LINKS:
                    raise
                shutil.copy2(os.path.join(folder, name), os.path.join(here, name))
