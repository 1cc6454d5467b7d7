"""What public routes share: which company is meant, and how often one address may ask."""

from typing import Annotated

import msgspec

from chalicelib.core import throttle
from chalicelib.core.requests import Request

Company = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern="^[A-Za-z0-9_-]+$")]
"""The company's id. It is no secret: what is behind it is what the company has published."""
A_MINUTE = 120
"""Requests of one address, over all public routes: a family behind one router browsing, not a scraper."""


def count(request: Request) -> None:
    """Count a visit; raises RateLimited."""
    throttle.count("public", request.address, request.clock(), most=A_MINUTE)
