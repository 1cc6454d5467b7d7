"""Signs notifications as Fatture in Cloud does, with a key of its own."""

import base64
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chalicelib.vendors.fattureincloud.webhook import ISSUER

TOKEN_LIFETIME = timedelta(hours=3)
APPLICATION = 1234


class Signer:
    """An ES256 key of its own; `public_key` as FIC publishes its: a PEM in base64."""

    def __init__(self, private_pem: str | None = None) -> None:
        self._key: Any = (
            serialization.load_pem_private_key(private_pem.encode(), None)
            if private_pem
            else ec.generate_private_key(ec.SECP256R1())
        )

    @property
    def private_pem(self) -> str:
        """To make the same signer again."""
        form = serialization.PrivateFormat.PKCS8
        pem: bytes = self._key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        return pem.decode()

    @property
    def public_key(self) -> str:
        """For FIC_WEBHOOK_PUBLIC_KEY."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return base64.b64encode(self._key.public_key().public_bytes(serialization.Encoding.PEM, form)).decode()

    def token(self, event_id: str, subject: str, sink: str, at: datetime, **changed: Any) -> str:
        """What goes into the Authorization header; `instead` replaces claims."""
        iat = int(at.timestamp())
        claims = {"jti": event_id, "iss": ISSUER, "exp": iat + int(TOKEN_LIFETIME.total_seconds()), "sub": subject}
        return jwt.encode({**claims, "aud": [sink], "iat": iat, "aid": APPLICATION, **changed}, self._key, "ES256")
