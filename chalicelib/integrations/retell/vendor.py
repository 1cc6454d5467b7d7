"""Retell, declared."""

from chalicelib.core.integration import Integration

VENDOR = Integration(
    name="retell",
    title="Retell",
    used_for="the voice agent's calls",
    base_urls={"RETELL_BASE_URL": "https://api.retellai.com"},
    settings={"RETELL_LIST_CALLS": "v3"},
    secrets=("retell_api_key",),
)
