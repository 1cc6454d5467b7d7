"""The table `calls`.

Access patterns
  a call                           pk `<company>#<call>` sk `call`; by Retell's id, or its number in an older system,
                                   through the directory                                                  GetItem
  its transcript                   the same partition, sk `transcript`                                    GetItem
  a company's settings             pk `<company>#settings` sk `settings`                                  GetItem
  calls of a company by time       by_company: company_id, created_at                                     Query
  calls of a customer by time      by_customer: customer (with company), created_at                       Query
  calls that wanted a booking      by_chain (sparse): chain, created_at                                   Query
  booked, without an appointment   by_backlog (sparse, keys only): backlog, created_at                    Query
  with transcript or recording     by_kept (sparse, keys only): kept, created_at                          Query
  a call on the telephone          pk `<company>#<phone call>` sk `phone`; by Twilio's id: directory       GetItem
  missed calls, newest last        by_listing (sparse): listing `<company>#missed`, listed_at             Query
  the text to a missed caller      guard `<company>#missed_text#<number>`, once an hour                   GetItem
  a message for staff              pk `<company>#<message>` sk `message`                                  GetItem
  messages, newest last            by_desk (sparse): desk `<company>#open` or `#done`, created_at         Query
`created_at` is the time the call began and its id. `status`, `direction`, `sentiment`, `branch`, `tags` and
`appointment` are there to filter by: what does not match is read and left out, so a page reads at most so many rows.

A call has three documents, so that Retell's news, our booking and people's notes never wait for each other: `data` is
what Retell tells, `link` is what we know, `notes` what people write; each has its version. `transfer`: whom the caller
wanted, the last time they asked.
"""

from typing import ClassVar

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from chalicelib.core.tables import Row, Table, index


class CallRow(Row):
    """A call, or (with `packed` alone) its transcript, compressed, or (with `data` alone) a company's settings."""

    table: ClassVar[Table] = Table("calls")
    call_id = UnicodeAttribute(null=True)
    company_id = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    link = UnicodeAttribute(null=True)
    link_version = NumberAttribute(null=True)
    notes = UnicodeAttribute(null=True)
    notes_version = NumberAttribute(null=True)
    status = UnicodeAttribute(null=True)
    direction = UnicodeAttribute(null=True)
    sentiment = UnicodeAttribute(null=True)
    branch = UnicodeAttribute(null=True)
    customer = UnicodeAttribute(null=True)
    appointment = UnicodeAttribute(null=True)
    tags = UnicodeSetAttribute(null=True)
    chain = UnicodeAttribute(null=True)
    backlog = UnicodeAttribute(null=True)
    kept = UnicodeAttribute(null=True)
    erased_at = UnicodeAttribute(null=True)
    legacy_id = UnicodeAttribute(null=True)
    transfer = UnicodeAttribute(null=True)
    desk = UnicodeAttribute(null=True)
    packed = BinaryAttribute(null=True, legacy_encoding=False)
    by_company = index("by_company", "company_id", "created_at")
    by_customer = index("by_customer", "customer", "created_at")
    by_chain = index("by_chain", "chain", "created_at")
    by_backlog = index("by_backlog", "backlog", "created_at", keys_only=True)
    by_kept = index("by_kept", "kept", "created_at", keys_only=True)
    by_desk = index("by_desk", "desk", "created_at")


class PhoneRow(Row):
    """A call as Twilio carries it; only missed ones have index keys."""

    table: ClassVar[Table] = Table("calls")
    listing = UnicodeAttribute(null=True)
    listed_at = UnicodeAttribute(null=True)
    by_listing = index("by_listing", "listing", "listed_at")
