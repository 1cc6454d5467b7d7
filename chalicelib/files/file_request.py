"""A request for files: a link by which a customer uploads what is asked for."""

from datetime import datetime
from typing import Literal

import msgspec

from chalicelib.files.kinds import Kind

REQUEST = "file_request"
"""The kind of directory key under which the digest of a link's secret leads to the request."""
Status = Literal["open", "complete", "expired", "cancelled"]
MOST_FILES = 50


class FileRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`kinds` empty: whatever is taken at all. `remind_at`: when to remind, in order; `reminded`: how often it was."""

    id: str
    company_id: str
    customer_id: str
    appointment_id: str | None = None
    title: str
    message: str = ""
    kinds: tuple[Kind, ...] = ()
    most_files: int = 10
    expires_at: datetime
    remind_at: tuple[datetime, ...] = ()
    reminded: int = 0
    status: Status = "open"
    created_by: str
    created_at: datetime
    version: int = 1

    def changed(self, **fields: object) -> "FileRequest":
        """The next version."""
        return msgspec.structs.replace(self, **fields, version=self.version + 1)

    def is_open(self, at: datetime) -> bool:
        """Whether files may be uploaded."""
        return self.status == "open" and at < self.expires_at

    @property
    def next_at(self) -> datetime:
        """When there is something to do about it: to remind, or to let it expire."""
        left = self.remind_at[self.reminded :]
        return min(left[0], self.expires_at) if left else self.expires_at
