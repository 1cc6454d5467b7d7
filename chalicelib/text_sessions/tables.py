"""The table `text_sessions`.

Access patterns
  an appointment's session           pk `<company>#<appointment>`   sk `session`                          GetItem
  its sessions before that           pk `<company>#<appointment>`   sk `past#<session>`                   Query
  a plan                             pk `<company>#<plan>`          sk `plan`                             GetItem
  a subscription                     pk `<company>#<subscription>`  sk `subscription`                     GetItem
  what has moved its balance, once   pk `<company>#<subscription>`  sk `ledger#<session>#<interval>`, `ledger#period#…`
  a patient's subscription           pk `<company>#<customer>`      sk `current` (also keeps it the only one) GetItem
  plans, subscriptions, a ledger     listed: `<company>#plans`, `<company>#subscriptions`, `<company>#<subscription>`;
                                     place: time, time, number of the entry                               Query
  a session by its id                listed: `<company>#<session>`                                        Query
  what runs and when its next interval begins   due: `session#<shard>`, due_at                            Query
  what renews or expires, and when              due: `period#<shard>`, due_at                             Query

The companies are spread over the shards of `due` by their ids; only schedules and operators read it.
"""

from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute

from chalicelib.core.tables import Row, Table, index


class TextSessionRow(Row):
    """A session, a plan, a subscription, an entry of its ledger, or (with `record` alone) whose current one it is."""

    table: ClassVar[Table] = Table("text_sessions")
    record = UnicodeAttribute(null=True)
    listed_in = UnicodeAttribute(null=True)
    place = UnicodeAttribute(null=True)
    due_in = UnicodeAttribute(null=True)
    due_at = UnicodeAttribute(null=True)
    listed = index("listed", "listed_in", "place")
    due = index("due", "due_in", "due_at", keys_only=True)
