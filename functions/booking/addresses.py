"""Where customers of mobile services are, as clients say it."""

from typing import Annotated

import msgspec

from chalicelib.booking.practice.models import GeoAddress
from chalicelib.core.errors import Fault, Invalid
from chalicelib.core.payloads import Answer, Body

Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]


class AddressBody(Body):
    """Where the customer is, in degrees; `text` is for whoever goes there. Needed for mobile services alone."""

    latitude: Latitude
    longitude: Longitude
    text: Annotated[str, msgspec.Meta(max_length=300)] = ""


class AddressAnswer(Answer):
    """Where an appointment of a mobile service takes place."""

    latitude: float
    longitude: float
    text: str


def address_in(body: AddressBody | None) -> GeoAddress | None:
    """The address that a client gave."""
    return GeoAddress(body.latitude, body.longitude, body.text) if body else None


def address_in_query(latitude: float | None, longitude: float | None) -> GeoAddress | None:
    """The address that a query string gives; both or neither, and numbers, which `nan` is not."""
    if latitude is None and longitude is None:
        return None
    given = {"latitude": (latitude, 90), "longitude": (longitude, 180)}
    faults = tuple(
        Fault(f"query.{name}", "required" if value is None else "invalid", f"Give degrees from -{most} to {most}.")
        for name, (value, most) in given.items()
        if value is None or not -most <= value <= most
    )
    if faults or latitude is None or longitude is None:
        raise Invalid("invalid_request", f"{faults[0].path}: {faults[0].message}", faults=faults)
    return GeoAddress(latitude, longitude)


def show_address(at: GeoAddress | None) -> AddressAnswer | None:
    """The address as clients see it."""
    return AddressAnswer(latitude=at.latitude, longitude=at.longitude, text=at.address) if at else None
