"""The table `messaging`.

Access patterns
  a text                                 pk `<company>#<text>`            sk `text`                         GetItem
  whether a number may be contacted      pk `<company>#refusal#<number>`  sk `refusal`                      GetItem
  refusals of a company, the newest last by_company (refusals alone): company_id, created_at                Query
Beyond it: Twilio's id of a text (kind `twilio_message`) in the directory, so that one is never taken for another.
"""

from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute

from chalicelib.core.tables import Row, Table, index


class MessagingRow(Row):
    """A text or a refusal; only refusals have index keys."""

    table: ClassVar[Table] = Table("messaging")
    status = UnicodeAttribute(null=True)
    company_id = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    by_company = index("by_company", "company_id", "created_at")
