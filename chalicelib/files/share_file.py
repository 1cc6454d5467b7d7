"""Sharing a file by a link, and getting it by that link."""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from chalicelib.core import directory
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.directory import Claim, digest_of
from chalicelib.core.errors import Conflict, Forbidden, NotFound, Stale, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.settings import settings
from chalicelib.core.unit import CompanyUnitFactory, UnitFactory
from chalicelib.files import share_store, store
from chalicelib.files.download import Download, link
from chalicelib.files.file import File
from chalicelib.files.share import MOST_SHARES, SHARE, Share
from chalicelib.identity import passwords

LONGEST = timedelta(days=90)
HANDED_OUT_FOR = timedelta(minutes=1)
"""How long the link to the bytes lives that a page sends a browser on to: it is not to be passed on."""
SHORTEST_PASSWORD = 6


class NewShare(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is to be shared."""

    expires_at: datetime
    password: str | None = None
    most_uses: int | None = None
    label: str = ""


class Shared(NamedTuple):
    """A share and its link, which is known this once."""

    share: Share
    url: str


class Opened(NamedTuple):
    """What a link leads to."""

    file: File
    share: Share


def share(new_unit: UnitFactory, company_id: str, file_id: str, new: NewShare, clock: Clock) -> Shared:
    """Make a link to a file; two reads, one transaction.

    Raises NotFound, Invalid for a time that is past or too far off, Conflict `too_many_shares`, `file_not_ready`.
    """
    file, at = store.get_file(company_id, file_id), clock()
    if not at < new.expires_at <= at + LONGEST:
        raise invalid("body.expires_at", "bad_time", f"A share ends within {LONGEST.days} days from now.")
    if new.password is not None and len(new.password) < SHORTEST_PASSWORD:
        raise invalid("body.password", "too_short", f"A password has at least {SHORTEST_PASSWORD} characters.")
    link(file)  # what cannot be had cannot be shared
    if sum(one.is_open(at) for one in share_store.shares(company_id, file_id)) >= MOST_SHARES:
        raise Conflict("too_many_shares", f"A file has at most {MOST_SHARES} shares; take one back first.")
    secret = secrets.token_urlsafe(24)
    made = Share(
        id=new_id("shr"), file_id=file_id, company_id=company_id, digest=digest_of(secret), label=new.label,
        password_hash=passwords.hash_of(new.password) if new.password else None, most_uses=new.most_uses,
        expires_at=new.expires_at, created_by="", created_at=at,
    )  # fmt: skip
    unit = new_unit()
    made = msgspec.structs.replace(made, created_by=str(unit.actor))
    share_store.add_share(unit, made)
    claim = Claim(SHARE, made.digest, made.id, data={"file_id": file_id}, expires_at=epoch(new.expires_at))
    directory.claim(unit, claim, Stale())
    unit.audit("file.shared", file_id, ("shares",), share=made.id)
    unit.commit()
    return Shared(made, f"{settings().public_url.rstrip('/')}/public/shares/{secret}")


def revoke(new_unit: UnitFactory, company_id: str, file_id: str, share_id: str) -> None:
    """Take a share back; its link leads nowhere from now on. Raises NotFound."""
    _, found = share_store.find_share(company_id, file_id, share_id)
    gone = NotFound("share_not_found", f"There is no share {share_id} of this file.")
    if found is None:
        raise gone
    unit = new_unit()
    share_store.remove_share(unit, found, gone)
    directory.release(unit, SHARE, found.digest)
    unit.audit("file.share_revoked", file_id, ("shares",), share=share_id)
    unit.commit()


def look(secret: str, clock: Clock) -> Opened:
    """What the link of this secret leads to, and nothing counted; two requests. Raises NotFound."""
    entry = directory.find(SHARE, digest_of(secret))
    if entry is None or (entry.expires_at or 0) <= epoch(clock()):
        raise _nothing()
    file, found = share_store.find_share(entry.company_id, str(entry.data["file_id"]), entry.record)
    if file is None or file.deleted_at or found is None or not found.is_open(clock()) or not file.current:
        raise _nothing()
    return Opened(file, found)


def open_share(new_unit: CompanyUnitFactory, secret: str, password: str, clock: Clock) -> Download:
    """Count a download and give the link to the bytes, which lives for a minute; two reads, a transaction or two.

    Raises NotFound, also when the last download was just taken, and Forbidden `wrong_password`.
    """
    file, found = look(secret, clock)
    if found.password_hash is not None:
        guess = new_unit(found.company_id)
        share_store.count_wrong(guess, found, _nothing())
        guess.audit("file.share_tried", file.id, share=found.id)
        guess.commit()
        if not passwords.matches(found.password_hash, password):
            raise Forbidden("wrong_password", "The password is wrong.")
    unit = new_unit(found.company_id)
    share_store.count_use(unit, found, _nothing())
    unit.audit("file.share_opened", file.id, share=found.id)
    unit.commit()
    return link(file, lasting=HANDED_OUT_FOR)


def _nothing() -> NotFound:
    return NotFound("share_not_found", "This link leads nowhere, or no longer: ask whoever sent it for another.")
