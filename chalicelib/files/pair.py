"""A pair of images: before and after."""

from datetime import datetime

import msgspec


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two images of one customer; `service_id`: the treatment between them."""

    id: str
    company_id: str
    customer_id: str
    before_id: str
    after_id: str
    service_id: str | None = None
    note: str = ""
    created_by: str
    created_at: datetime
