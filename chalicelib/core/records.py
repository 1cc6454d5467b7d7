"""Records under a key of their own: where those of a kind lie, and how one is read; stores say it once."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from chalicelib.core.errors import NotFound
from chalicelib.core.tables import Key, Row, fetch_one

T = TypeVar("T")


class RecordKind(msgspec.Struct, Generic[T], frozen=True):
    """`address`: pk and sk by the ids of company and record; `missing`: what is raised for an id that is none."""

    row: type[Row]
    model: type[T]
    address: Callable[[str, str], tuple[str, str]]
    missing: Callable[[str], NotFound]

    def key(self, company_id: str, record_id: str) -> Key:
        """The address of one, for a fetch together with other records."""
        return Key(self.row, *self.address(company_id, record_id))

    def of(self, row: Any) -> T | None:
        """The one in a fetched row, None where there was none."""
        return row.model(self.model) if row is not None else None

    def find(self, company_id: str, record_id: str) -> T | None:
        """One request."""
        return self.of(fetch_one(self.key(company_id, record_id)))

    def get(self, company_id: str, record_id: str) -> T:
        """One request; raises NotFound, also for another company's."""
        found = self.find(company_id, record_id)
        if found is None:
            raise self.missing(record_id)
        return found
