"""Looking for malware: a port, and what stands in it unless a deployment names something better."""

from collections.abc import Callable
from importlib import import_module
from typing import IO

from chalicelib.core.settings import settings

Scanner = Callable[[IO[bytes]], str]
"""Reads a file from its beginning and gives the name of what it found, "" for nothing; raises to be asked again."""
_EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""The test file that every scanner finds (eicar.org); in two parts, so that none of them finds this module."""
CHUNK = 1024 * 1024


def scanner() -> Scanner:
    """What the setting names as `module:function`, or `find_test_file`."""
    name = settings().files_scanner
    if not name:
        return find_test_file
    module, _, function = name.partition(":")
    found: Scanner = getattr(import_module(module), function)
    return found


def find_test_file(content: IO[bytes]) -> str:
    """Finds the EICAR test file, wherever it lies in another; that alone."""
    before = b""
    while chunk := content.read(CHUNK):
        if _EICAR in before + chunk:
            return "EICAR-Test-File"
        before = chunk[-len(_EICAR) :]
    return ""
