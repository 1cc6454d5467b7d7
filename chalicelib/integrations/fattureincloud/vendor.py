"""Fatture in Cloud, declared."""

from chalicelib.core.integration import Integration
from chalicelib.core.needs import Needs

PUBLIC_KEY = (
    "LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFL1JvSElqZ1k3aGZYZlk1cC9KeSt"
    "LL0ZndU1aNAozVHZaOXQ0ZU43K2t4UTBNSnpLdG93djRDY1lURnFyQm03aE1CNVpXS25xTHoyNEQ2bFFqU0wwWXN3PT0KLS0tLS1FTkQgUFVCTElD"
    "IEtFWS0tLS0tCg=="
)
"""What it signs its webhooks with, as its documentation publishes it: a PEM in base64."""

VENDOR = Integration(
    name="fic",
    title="Fatture in Cloud",
    used_for="the books",
    base_urls={
        "FIC_BASE_URL": "https://api-v2.fattureincloud.it",
        "FIC_OAUTH_URL": "https://api-v2.fattureincloud.it/oauth",
    },
    settings={"FIC_WEBHOOK_PUBLIC_KEY": PUBLIC_KEY},
    secrets=("fic_client_id", "fic_client_secret"),
    # Companies' own tokens are sealed.
    needs=Needs(vault=True),
)
