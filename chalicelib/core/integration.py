"""What the house has to be told of a vendor, once: settings, rights, templates, switches, the local system and the docs
read it from the one declaration in `chalicelib/integrations/<vendor>/vendor.py`."""

from importlib import import_module
from pathlib import Path

import msgspec

from chalicelib.core.needs import Needs

FOLDER = Path(__file__).resolve().parents[1] / "integrations"


class Integration(msgspec.Struct, frozen=True, kw_only=True):
    """`VENDOR = Integration(…)`. No Lambda imports it: what runs is told by settings and policies that are made of it.

    `name`: begins its error codes, and is what `pilot vendors` calls it. `base_urls`: its addresses by the setting that
    changes them, the simulator's first. `settings`: more of them, with what they are unless said otherwise. `secrets`:
    what calling it takes; of the first, its absence means locally that a simulator plays the vendor. `webhook_secrets`:
    what its webhooks are checked with, beyond those. `needs`: what calling it takes besides secrets. `used_for`: a few
    words for people.
    """

    name: str
    title: str
    used_for: str
    base_urls: dict[str, str]
    settings: dict[str, str] = {}
    secrets: tuple[str, ...]
    webhook_secrets: tuple[str, ...] = ()
    needs: Needs = Needs()

    def all_secrets(self) -> tuple[str, ...]:
        """Every secret of it, those for calling first."""
        return (*self.secrets, *self.webhook_secrets)

    def all_settings(self) -> dict[str, str]:
        """Every setting of it, with its default."""
        return self.base_urls | self.settings


def declared() -> dict[str, Integration]:
    """Every vendor by its name, from the folders that are there, in their order."""
    folders = (path.parent.name for path in sorted(FOLDER.glob("*/vendor.py")))
    found: list[Integration] = [import_module(f"chalicelib.integrations.{folder}.vendor").VENDOR for folder in folders]
    return {one.name: one for one in found}
