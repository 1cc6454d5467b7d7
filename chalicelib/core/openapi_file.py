"""The OpenAPI document as the API serves it: the file that packaging wrote, or one made on first use."""

from functools import cache
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "openapi.json"
"""Where packaging puts the document inside the zip (infra/zipping.py); a checkout has none."""


@cache
def load() -> bytes:
    """The document as JSON. Without the file every endpoint is imported, which is why no Lambda goes without."""
    if FILE.exists():
        return FILE.read_bytes()
    from chalicelib.core.discovery import all_endpoints
    from chalicelib.core.openapi import document, encode

    return encode(document(all_endpoints()))
