"""The tables that belong to no area.

Access patterns
  directory  a global key (login e-mail, token hash, phone number, vendor id) -> company and record     GetItem
  outbox     what a unit of work published, until the relay has queued it; `pending` finds what is late  stream, Query
  audit      who did what to a record, newest last                                                       Query
  guards     idempotency keys, throttles, "done once" marks; they expire                                 GetItem
  inbox      every webhook delivery, once, as it came                                                    GetItem
  jobs       jobs that failed for good, by id, and by queue and time                                     GetItem, Query
  heartbeats when each worker, relay and schedule last ran                                               Query
"""

from typing import ClassVar

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.core.tables import Row, Table, index


class DirectoryRow(Row):
    """pk `<kind>#<key>`, sk `directory`. `data` holds what the reader needs at once (a token's abilities)."""

    table: ClassVar[Table] = Table("directory", ttl=True)
    company_id = UnicodeAttribute()
    record = UnicodeAttribute()
    last_used_at = NumberAttribute(null=True)


class OutboxRow(Row):
    """pk `<company>#<event id>`, sk `event`. `pending` is there until its jobs are on their queues."""

    table: ClassVar[Table] = Table("outbox", ttl=True, stream=True)
    company_id = UnicodeAttribute()
    event_id = UnicodeAttribute()
    type = UnicodeAttribute()
    actor = UnicodeAttribute()
    correlation_id = UnicodeAttribute()
    occurred_at = UnicodeAttribute()
    delay_seconds = NumberAttribute(default=0)
    pending = UnicodeAttribute(null=True)
    late = index("late", "pending", "occurred_at", keys_only=True)


class AuditRow(Row):
    """pk `<company>#<record id>`, sk `<time>#<id>`. Holds ids and names of fields, never personal values."""

    table: ClassVar[Table] = Table("audit")
    actor = UnicodeAttribute()
    action = UnicodeAttribute()
    correlation_id = UnicodeAttribute()


class GuardRow(Row):
    """pk `<company>#<kind>#<key>`, sk `guard`. Read as absent once `expires_at` has passed: TTL only cleans up."""

    table: ClassVar[Table] = Table("guards", ttl=True)
    body_hash = UnicodeAttribute(null=True)
    status = NumberAttribute(null=True)
    tally = NumberAttribute(null=True)
    record = UnicodeAttribute(null=True)


class InboxRow(Row):
    """pk `<vendor>#<delivery id>`, sk `part#00`, `part#01`, …: a body over 350 kB (compressed) lies in several."""

    table: ClassVar[Table] = Table("inbox", ttl=True)
    kind = UnicodeAttribute(null=True)
    received_at = UnicodeAttribute(null=True)
    parts = NumberAttribute(null=True)
    body = BinaryAttribute(legacy_encoding=False)


class FailedJobRow(Row):
    """pk `job#<job id>`, sk `failed`: a job given up twice is there once. `by_queue` lists them by time."""

    table: ClassVar[Table] = Table("jobs", ttl=True)
    queue = UnicodeAttribute()
    failed_at = UnicodeAttribute()
    by_queue = index("by_queue", "queue", "failed_at")


class HeartbeatRow(Row):
    """pk `heartbeats`, sk the door's name. One partition: all are read together, and few are written."""

    table: ClassVar[Table] = Table("heartbeats", ttl=True)
    at = UnicodeAttribute()


CORE_ROWS: tuple[type[Row], ...] = (
    DirectoryRow,
    OutboxRow,
    AuditRow,
    GuardRow,
    InboxRow,
    FailedJobRow,
    HeartbeatRow,
)
