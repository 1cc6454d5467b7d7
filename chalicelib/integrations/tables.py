"""The table `integrations`.

Access patterns
  endpoints of a company            pk `<company>#endpoints`    sk `<endpoint>`                        Query, GetItem
  a delivery                        pk `<company>#<endpoint>`   sk `delivery#<delivery>`               GetItem
  deliveries of an endpoint, newest first                       the same partition (ids sort by time)  Query
"""

from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute

from chalicelib.core.tables import Row, Table


class IntegrationRow(Row):
    """An endpoint, or a delivery to it; deliveries expire."""

    table: ClassVar[Table] = Table("integrations", ttl=True)
    status = UnicodeAttribute(null=True)
