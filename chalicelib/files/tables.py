"""The table `files`.

Access patterns
  a file with its versions         pk `<company>#<file>`    sk `file`                                       GetItem
  its shares                       the same partition       sk `share#<share>`                              Query
  a request for files              pk `<company>#<request>` sk `request`                                    GetItem
  a pair of images                 pk `<company>#<pair>`    sk `pair`                                       GetItem
  what a company stores            pk `<company>#storage`   sk `storage`: `bytes`                           GetItem
  files of a company, newest last  by_company: `<company>#files` or `<company>#deleted`, created_at and id  Query
  requests of a company            the same index: `<company>#requests`                                     Query
  files of a customer              by_customer: `<company>#<customer>`, created_at and id                   Query
  pairs of a customer              the same index: `<company>#<customer>#pairs`                             Query
  files of an appointment          by_appointment: `<company>#<appointment>`, created_at and id             Query
  files that came by a request     by_request: `<company>#<request>`, created_at and id                     Query

A deleted file is in `<company>#deleted` alone.
"""

from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from chalicelib.core.tables import Row, Table, index


class FileRow(Row):
    """A file, a share of it, a request, a pair, or a company's storage.

    `attached_to`: the message that carries a chat's file. Of a share, `uses` counts downloads, `wrong` bad passwords.
    """

    table: ClassVar[Table] = Table("files")
    listing = UnicodeAttribute(null=True)
    customer = UnicodeAttribute(null=True)
    appointment = UnicodeAttribute(null=True)
    request = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    kind = UnicodeAttribute(null=True)
    tags = UnicodeSetAttribute(null=True)
    attached_to = UnicodeAttribute(null=True)
    uses = NumberAttribute(null=True)
    wrong = NumberAttribute(null=True)
    bytes = NumberAttribute(null=True)
    by_company = index("by_company", "listing", "created_at")
    by_customer = index("by_customer", "customer", "created_at")
    by_appointment = index("by_appointment", "appointment", "created_at")
    by_request = index("by_request", "request", "created_at")
