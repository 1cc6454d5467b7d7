"""The table `calls`.

Access patterns
  a call                          pk `<company>#<call>` sk `call`; by Retell's id through the directory  GetItem
  its transcript                  the same partition, sk `transcript`                                     GetItem
  calls of a company, newest last by_company: company_id, created_at                                       Query
  calls that wanted a booking     by_chain (sparse): chain, created_at                                     Query
  a call on the telephone         pk `<company>#<phone call>` sk `phone`; by Twilio's id through the directory  GetItem
  missed calls, newest last       by_listing (sparse): listing `<company>#missed`, listed_at               Query
  the text to a missed caller     guard `<company>#missed_text#<number>`, once an hour                     GetItem
  a message for staff             pk `<company>#<message>` sk `message`                                    GetItem
  messages, newest last           by_desk (sparse): desk (`<company>#open`, `<company>#done`), created_at  Query

A call has several documents, so that Retell's news and ours never wait for each other: `data` is what Retell tells,
compared and swapped by version; `link` is what we know, written by whoever books; `transfer` whom the caller wanted.
"""

from typing import ClassVar

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from chalicelib.core.tables import Row, Table, index


class CallRow(Row):
    """A call, or (with `packed` alone) its transcript, compressed, or (with `desk`) a message left for staff."""

    table: ClassVar[Table] = Table("calls")
    call_id = UnicodeAttribute(null=True)
    link = UnicodeAttribute(null=True)
    status = UnicodeAttribute(null=True)
    company_id = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    chain = UnicodeAttribute(null=True)
    transfer = UnicodeAttribute(null=True)
    desk = UnicodeAttribute(null=True)
    packed = BinaryAttribute(null=True, legacy_encoding=False)
    by_company = index("by_company", "company_id", "created_at")
    by_chain = index("by_chain", "chain", "created_at")
    by_desk = index("by_desk", "desk", "created_at")


class PhoneRow(Row):
    """A call as Twilio carries it; only missed ones have index keys."""

    table: ClassVar[Table] = Table("calls")
    listing = UnicodeAttribute(null=True)
    listed_at = UnicodeAttribute(null=True)
    by_listing = index("by_listing", "listing", "listed_at")
