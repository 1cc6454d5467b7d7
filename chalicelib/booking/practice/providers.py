"""Which booking providers there are: each lies in a folder of `chalicelib/integrations/`, and goes with it."""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

ADAPTERS = "chalicelib.integrations"


def adapter_of(name: str) -> str:
    """The module that is the adapter of a provider."""
    return f"{ADAPTERS}.{name}.booking_provider"


def provider_names() -> list[str]:
    """Of all providers there are; imports none of them."""
    # By name, not by import: integrations lie above booking.
    named = [found.name for found in iter_modules(import_module(ADAPTERS).__path__) if found.ispkg]
    return sorted(name for name in named if find_spec(adapter_of(name)))
