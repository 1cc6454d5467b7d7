"""What one Lambda may touch; the IAM policy of its role is generated from this and from nothing else."""

from itertools import chain
from typing import Any

import msgspec

UNIT_TABLES = ("outbox", "due", "audit", "guards")
"""Every unit of work may write its events, what is due later, its audit entry and its idempotency guard."""

DIRECTORY = "directory"
SWITCHES = "switches"

SECRETS_OF_TABLES = {"crm": ("people_key",)}
"""Without these, what lies in a table can be neither found nor read."""


class Needs(msgspec.Struct, frozen=True):
    """Tables by name (`booking`), queues by name (`sync`), secrets by name (`retell_api_key`).

    `reads`: GetItem, BatchGetItem and Query on the table and its indexes. `writes`: those, and Put, Update, Delete and
    ConditionCheck, and the same on `UNIT_TABLES`, since whatever writes does so through a unit of work.
    `updates`: UpdateItem alone, for an endpoint that notes something without a unit of work (the authorizer).
    `sends`: SendMessage to the queue. `mail`: sending mail. `vault`: Encrypt and Decrypt with the vault's key.
    `uploads`, `downloads`, `removes`, `lists`: PutObject, GetObject, DeleteObject, and ListBucket below it, for those
    folders of the bucket of files; links it signs grant no more than it has itself. `watches`: GetQueueAttributes of
    the queues and of their dead-letter queues. `metrics`: reading CloudWatch's. `logs`: nothing, every Lambda writes
    its own log group.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    updates: tuple[str, ...] = ()
    sends: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    mail: bool = False
    vault: bool = False
    uploads: tuple[str, ...] = ()
    downloads: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    metrics: bool = False

    def all_reads(self) -> tuple[str, ...]:
        """`reads`, and for whoever can call a vendor, having a secret of it, what says whether it is switched off."""
        return (*self.reads, *((SWITCHES,) if self.secrets or self.vault else ()))

    def files(self) -> bool:
        """Whether it has to do with the bucket of files."""
        return bool(self.uploads or self.downloads or self.removes or self.lists)

    def written(self) -> tuple[str, ...]:
        """All tables it may write, sorted."""
        return tuple(sorted({*self.writes, *(UNIT_TABLES if self.writes else ())}))

    def all_secrets(self) -> tuple[str, ...]:
        """All secrets it may read, those of its tables among them, sorted."""
        of_tables = (SECRETS_OF_TABLES.get(table, ()) for table in (*self.reads, *self.writes))
        return tuple(sorted({*self.secrets, *(name for names in of_tables for name in names)}))

    def read_only(self) -> tuple[str, ...]:
        """Tables it may only read, sorted."""
        return tuple(sorted(set(self.all_reads()) - set(self.written())))


NOTHING = Needs()


def union(*needs: Needs) -> Needs:
    """What all of them need together, each name once."""
    fields: dict[str, Any] = {}
    for name in Needs.__struct_fields__:
        values = [getattr(each, name) for each in needs]
        fields[name] = any(values) if isinstance(getattr(NOTHING, name), bool) else tuple(sorted({*chain(*values)}))
    return Needs(**fields)
