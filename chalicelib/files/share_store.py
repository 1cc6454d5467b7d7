"""Shares in DynamoDB; what is counted of them are attributes of their own."""

from typing import Any

import msgspec

from chalicelib.core.errors import DomainError
from chalicelib.core.tables import Key, collection, encode, fetch_map
from chalicelib.core.unit import Unit
from chalicelib.files import store
from chalicelib.files.file import File
from chalicelib.files.share import MOST_WRONG, Share
from chalicelib.files.tables import FileRow


def add_share(unit: Unit, share: Share) -> None:
    """Add it."""
    unit.add(FileRow(*_address(share), data=encode(share), uses=0, wrong=0))


def remove_share(unit: Unit, share: Share, otherwise: DomainError | None = None) -> None:
    """Forget it; fails with `otherwise` when it is gone."""
    unit.delete(FileRow(*_address(share)), FileRow.pk.exists() if otherwise else None, otherwise)


def shares(company_id: str, file_id: str) -> list[Share]:
    """All of a file, the oldest first; one Query."""
    rows = collection(FileRow, f"{company_id}#{file_id}", FileRow.sk.startswith("share#"))
    return [_share_of(row) for row in rows]


def find_share(company_id: str, file_id: str, share_id: str) -> tuple[File | None, Share | None]:
    """A share with its file; one request."""
    share_key, file_key = (
        Key(FileRow, f"{company_id}#{file_id}", f"share#{share_id}"),
        store.file_key(company_id, file_id),
    )
    rows = fetch_map([share_key, file_key])
    row = rows[share_key]
    return store.file_of(rows[file_key]), _share_of(row) if row is not None else None


def count_use(unit: Unit, share: Share, otherwise: DomainError) -> None:
    """Count a download, and take back that its password was counted as wrong; fails when there are none left."""
    left = FileRow.pk.exists()
    if share.most_uses is not None:
        left &= FileRow.uses < share.most_uses
    right = [FileRow.wrong.add(-1)] if share.password_hash else []
    unit.update(FileRow(*_address(share)), [FileRow.uses.add(1), *right], left, otherwise)


def count_wrong(unit: Unit, share: Share, otherwise: DomainError) -> None:
    """Count a password as wrong, before it is looked at: whoever guesses many at once has no more than the others."""
    few = FileRow.pk.exists() & (FileRow.wrong < MOST_WRONG)
    unit.update(FileRow(*_address(share)), [FileRow.wrong.add(1)], few, otherwise)


def _share_of(row: Any) -> Share:
    share: Share = row.model(Share)
    return msgspec.structs.replace(share, uses=int(row.uses or 0), wrong=int(row.wrong or 0))


def _address(share: Share) -> tuple[str, str]:
    return f"{share.company_id}#{share.file_id}", f"share#{share.id}"
