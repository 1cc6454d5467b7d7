"""The tables that belong to no area.

Access patterns
  directory  a global key (login e-mail, token hash, phone number, vendor id) -> company and record     GetItem
  outbox     what a unit of work published, until the relay has queued it; `pending` finds what is late  stream, Query
  audit      who did what to a record, newest last                                                       Query
  due        jobs for a time to come, by company and key; `by_time`: those to be handed over      GetItem, Query
  guards     idempotency keys, throttles, "done once" marks; they expire                                 GetItem
  inbox      every webhook delivery, once, as it came                                                    GetItem
  jobs       jobs that failed for good, by id, and by queue and time                                     GetItem, Query
  heartbeats when each worker, relay and schedule last ran                                               Query
  switches   what is switched off without a deployment, in one item                                      GetItem
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
    due = UnicodeAttribute(null=True)
    pending = UnicodeAttribute(null=True)
    late = index("late", "pending", "occurred_at", keys_only=True)


class DueRow(Row):
    """pk `<company>#due`, sk the company's key for it. `data`: the job. There until the job was done or unscheduled.

    `look_at`: when a sweep hands it over, or again if it is still there. `nonce`: of this very scheduling, also the
    job's id: who holds another one was scheduled before, and does nothing.
    """

    table: ClassVar[Table] = Table("due")
    shard = UnicodeAttribute()
    look_at = UnicodeAttribute()
    due_at = UnicodeAttribute()
    nonce = UnicodeAttribute()
    job = UnicodeAttribute()
    correlation_id = UnicodeAttribute()
    handed = NumberAttribute(default=0)
    by_time = index("by_time", "shard", "look_at")


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
    """pk `heartbeats`, sk the endpoint's name. One partition: all are read together, and few are written."""

    table: ClassVar[Table] = Table("heartbeats", ttl=True)
    at = UnicodeAttribute()


class SwitchRow(Row):
    """pk `switches`, sk `off`: the one item. `data`: what is switched off, by name; `version` counts the changes."""

    table: ClassVar[Table] = Table("switches")


CORE_ROWS: tuple[type[Row], ...] = (
    DirectoryRow,
    OutboxRow,
    DueRow,
    AuditRow,
    GuardRow,
    InboxRow,
    FailedJobRow,
    HeartbeatRow,
    SwitchRow,
)
