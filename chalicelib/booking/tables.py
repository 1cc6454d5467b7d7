"""The tables `booking` and `occupancy`.

Access patterns of `booking`
  a branch, service, staff, room    pk `<company>#practice`      sk `branch#<id>`, `service#…`, `staff#…`,
                                                                 `resource#…`; `number#<n>` guards a number     Query
  what a branch offers (compiled)   pk `<company>#<branch>`      sk `schedule`                                  GetItem
    with what a search needs of it  its attribute `compiled`, good until `compiled_until`                        GetItem
  reviews, the newest first         pk `<company>#reviews`       sk `<review>`; `<company>#<appointment>`
                                                                 sk `review` guards one each                    Query
  what reviews come to              pk `<company>#ratings`       sk `<branch, service or staff>`                Query
  time off that is not over         pk `<company>#<staff>`       sk `off#<ends at>#<id>`                        Query
  someone's calendar feed           pk `<company>#<staff or customer>` sk `feed#staff`, `feed#customer`         GetItem
  an appointment                    pk `<company>#<appointment>` sk `appointment`                               GetItem
  a package that was booked         pk `<company>#<package>`     sk `package`                                   GetItem
  appointments by time              by_company, by_branch, by_staff, by_customer: id (with company), starts_at  Query
  confirmed ones by when they end   ending: `ending#<shard>`, ends_at and id: those that a sweep completes       Query
  groups by when they are checked   the same index: `deadline#<shard>`, the deadline and id                      Query
  who takes part in a group         pk `<company>#<appointment>` sk `participant#<customer>`; in by_customer too  Query
  how often a customer had it done  pk `<company>#<customer>`    sk `done#<service>`                            GetItem
  who is blocked                    pk `<company>#blocklist`     sk `<block>`                                   Query
  whether someone is blocked        pk `<company>#blocked`       sk `customer#…`, `phone#…`, `email#…`          GetItem
  how far a provider is followed    pk `<company>#<provider>`    sk `cursor`                                    GetItem
  a place on the waiting list       pk `<company>#<waiting>`     sk `waiting`                                   GetItem
  who waits, by branch and time     by_branch: `<company>#waiting`, `<branch>#<since>#<waiting>`                Query
  everyone who waits or has         by_company: `<company>#waiting`, by_customer: `<company>#<customer>#waiting` Query
  a series with its occurrences     pk `<company>#series`        sk `<series>`                                  GetItem
    of a company, newest first      the same partition                                                          Query
    of a customer                   pk `<company>#<customer>`    sk `series#<series>`, which only names it      Query

Access patterns of `occupancy`
  what is taken of a calendar       pk `<company>#<home branch>` sk `<Monday>#<staff>`         GetItem, one per week
  (also what other calendars say)
  what is taken of a room           pk `<company>#<branch>`      sk `<Monday>#<resource>`      GetItem, one per week
  what is taken in a branch         the same partition, sk between two Mondays                 Query
  how many count towards a limit    pk `<company>#<branch, staff or customer>`                 GetItem
                                    sk `tally#<scope>#<day, week or month>`
  where those of a calendar are     with them, in the same item: `p0` to `p6` for those not at its own branch
  a visitor's hold                  pk `<company>#<hold>`        sk `hold`                     GetItem
"""

from datetime import timedelta
from typing import ClassVar

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.core.tables import Row, Table, index

KEEP = timedelta(days=120)
"""How long a calendar's week or a counter stays after it is over; the appointments themselves are kept for good."""


class BookingRow(Row):
    """A record of the practice, a branch's schedule, a review, or an appointment (the only one with index keys).

    A group is not in by_customer itself; each of its participants has an item there, with no more than these keys.

    `compiled`: of a schedule alone, JSON by zlib. Whoever writes the next version writes the whole row, and drops it.
    """

    table: ClassVar[Table] = Table("booking")
    status = UnicodeAttribute(null=True)
    source = UnicodeAttribute(null=True)
    company_id = UnicodeAttribute(null=True)
    branch = UnicodeAttribute(null=True)
    staff = UnicodeAttribute(null=True)
    customer = UnicodeAttribute(null=True)
    starts_at = UnicodeAttribute(null=True)
    compiled = BinaryAttribute(null=True, legacy_encoding=False)
    compiled_until = NumberAttribute(null=True)
    ending = UnicodeAttribute(null=True)
    ends_at = UnicodeAttribute(null=True)
    tally = NumberAttribute(null=True)
    by_company = index("by_company", "company_id", "starts_at")
    by_branch = index("by_branch", "branch", "starts_at")
    by_staff = index("by_staff", "staff", "starts_at")
    by_customer = index("by_customer", "customer", "starts_at")
    by_end = index("by_end", "ending", "ends_at", keys_only=True)


class OccupancyRow(Row):
    """One calendar's week: `d0` (Monday, UTC) to `d6`, each the packed entries of its day; or a counter, or a hold.

    `p0` to `p6`: the packed stops of the day, where anything takes place or is near that is not at the calendar's home.
    """

    table: ClassVar[Table] = Table("occupancy", ttl=True)
    d0, d1, d2, d3, d4, d5, d6 = (BinaryAttribute(null=True, legacy_encoding=False) for _ in range(7))
    p0, p1, p2, p3, p4, p5, p6 = (BinaryAttribute(null=True, legacy_encoding=False) for _ in range(7))
    tally = NumberAttribute(null=True)
