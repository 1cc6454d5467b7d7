"""Where customers of mobile services are, as clients say it."""

from typing import Annotated

import msgspec

from chalicelib.booking.practice.models import GeoAddress
from chalicelib.core.errors import Fault, Invalid
from chalicelib.core.payloads import Answer, Body

Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]


class AddressGiven(Body):
    """Where the customer is, in degrees; `text` is for whoever goes there. Needed for mobile services alone."""

    latitude: Latitude
    longitude: Longitude
    text: Annotated[str, msgspec.Meta(max_length=300)] = ""


class AddressAnswer(Answer):
    """Where an appointment of a mobile service takes place."""

    latitude: float
    longitude: float
    text: str


def place_of(address: AddressGiven | None) -> GeoAddress | None:
    """The place that a client gave."""
    return GeoAddress(address.latitude, address.longitude, address.text) if address else None


def place_in_query(latitude: float | None, longitude: float | None) -> GeoAddress | None:
    """The place that a query string gives; both or neither, and numbers, which `nan` is not."""
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


def show_place(place: GeoAddress | None) -> AddressAnswer | None:
    """The place as clients see it."""
    return AddressAnswer(latitude=place.latitude, longitude=place.longitude, text=place.address) if place else None
