"""Who may ask the simulated Fatture in Cloud, and how often: OAuth 2, tokens, quotas."""

import secrets
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from infra.local.simulators.exchange import Refused

ALL_SCOPES = ("entity.clients:a", "entity.suppliers:a", "issued_documents.invoices:a", "issued_documents.quotes:a")
CODE_LIFETIME = timedelta(seconds=60)


class Grant(msgspec.Struct, kw_only=True):
    """What a code, an access token or a refresh token stands for; `expires_at` None: for ever."""

    scopes: tuple[str, ...] = ALL_SCOPES
    redirect_uri: str = ""
    expires_at: datetime | None = None

    def allows(self, scope: str, writes: bool) -> bool:
        """Whether it may read, or write, what `scope` names."""
        return f"{scope}:a" in self.scopes or (not writes and f"{scope}:r" in self.scopes)


@dataclass(frozen=True)
class Keys:
    """What an application is known by, and `manual_token`, made in the web UI, which opens everything for ever."""

    client_id: str = "fic_client_test"
    client_secret: str = "fic_secret_test"
    manual_token: str = "a/manual-test-token"


class Access:
    """One application's grants. `rotates`: a refresh token works once; `lifetime` of access tokens."""

    def __init__(self, keys: Keys, clock: Callable[[], datetime]) -> None:
        self.client_id = keys.client_id
        self.client_secret = keys.client_secret
        self.rotates = True
        self.lifetime = timedelta(hours=24)
        self.refreshes = 0
        self._manual_token = keys.manual_token
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Only the token made by hand."""
        self.rotates, self.lifetime, self.refreshes = True, timedelta(hours=24), 0
        self._codes: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._access: dict[str, Grant] = {self._manual_token: Grant()}

    def allow(self, client_id: str, redirect_uri: str, scopes: str, state: str) -> str:
        """Where the browser goes once the person said yes; raises Refused."""
        self._check_client(client_id)
        code = f"c/{secrets.token_urlsafe(24)}"
        expires_at = self._clock() + CODE_LIFETIME
        self._codes[code] = Grant(scopes=tuple(scopes.split()), redirect_uri=redirect_uri, expires_at=expires_at)
        return f"{redirect_uri}?{urlencode({'code': code, 'state': state})}"

    def token(self, body: Any) -> dict[str, Any]:
        """`POST /oauth/token`; Refused with OAuth's own words."""
        self._check_client(body.get("client_id"))
        if not secrets.compare_digest(str(body.get("client_secret")), self.client_secret):
            raise Refused(401, "invalid_client")
        if body.get("grant_type") == "authorization_code":
            grant = self._live(self._codes.pop(body.get("code", ""), None))
            if grant.redirect_uri != body.get("redirect_uri"):
                raise Refused(400, "invalid_grant")
            return self._issue(grant.scopes)
        if body.get("grant_type") == "refresh_token":
            old = body.get("refresh_token", "")
            grant = self._live(self._refresh.pop(old, None) if self.rotates else self._refresh.get(old))
            self.refreshes += 1
            return self._issue(grant.scopes)
        raise Refused(400, "unsupported_grant_type")

    def grant_of(self, authorization: str | None) -> Grant:
        """What the caller may do; Refused 401."""
        scheme, _, token = (authorization or "").partition(" ")
        found = self._access.get(token) if scheme == "Bearer" else None
        if found is None or (found.expires_at and found.expires_at <= self._clock()):
            raise Refused(401, "Unauthenticated.")
        return found

    def revoke(self) -> None:
        """The person took the permission back: no token works any longer, nor the one made by hand."""
        self._codes.clear()
        self._refresh.clear()
        self._access.clear()

    def expire(self) -> None:
        """Every access token ends now; refresh tokens stay."""
        for token in [token for token, grant in self._access.items() if grant.expires_at]:
            del self._access[token]

    def snapshot(self) -> Any:
        """All grants."""
        return {"access": self._access, "refresh": self._refresh}

    def restore(self, state: Any) -> None:
        """The inverse; the token made by hand is as it was made now."""
        kept = msgspec.convert(state, dict[str, dict[str, Grant]])
        self._access = {**kept["access"], self._manual_token: Grant()}
        self._refresh = kept["refresh"]

    def _issue(self, scopes: tuple[str, ...]) -> dict[str, Any]:
        access, refresh = f"a/{secrets.token_urlsafe(48)}", f"r/{secrets.token_urlsafe(48)}"
        self._access[access] = Grant(scopes=scopes, expires_at=self._clock() + self.lifetime)
        self._refresh[refresh] = Grant(scopes=scopes, expires_at=self._clock() + timedelta(days=365))
        lives = int(self.lifetime.total_seconds())
        return {"token_type": "bearer", "access_token": access, "refresh_token": refresh, "expires_in": lives}

    def _live(self, grant: Grant | None) -> Grant:
        if grant is None or (grant.expires_at and grant.expires_at <= self._clock()):
            raise Refused(400, "invalid_grant")
        return grant

    def _check_client(self, client_id: Any) -> None:
        if client_id != self.client_id:
            raise Refused(401, "invalid_client")


class Window(msgspec.Struct, kw_only=True):
    """At most `calls` in a fixed window of `seconds`, which begins with its first call."""

    seconds: float
    calls: int
    ends: float | None = None
    made: int = 0

    def left(self, now: float) -> int:
        """How many more it admits."""
        return self.calls - (self.made if self.ends is not None and now < self.ends else 0)

    def count(self, now: float) -> None:
        """One more."""
        if self.ends is None or now >= self.ends:
            self.ends, self.made = now + self.seconds, 0
        self.made += 1


class Quotas:
    """A company's: 300 in five minutes (else 429), 1,000 an hour and 40,000 a month (else 403), each Retry-After."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self.short = Window(seconds=300, calls=300)
        self.hour = Window(seconds=3600, calls=1000)
        self.month = Window(seconds=30 * 86_400, calls=40_000)
        self.times: deque[float] = deque(maxlen=100_000)
        """When each admitted call came, for tests that count."""
        self._timer = timer

    def admit(self) -> None:
        """Count a call, or refuse it."""
        now = self._timer()
        for window, status in ((self.short, 429), (self.hour, 403), (self.month, 403)):
            if window.left(now) <= 0:
                wait = max(1, round((window.ends or now) - now))
                raise Refused(status, "API quota exceeded.", {"Retry-After": str(wait)})
        for window in (self.short, self.hour, self.month):
            window.count(now)
        self.times.append(now)

    def headers(self) -> dict[str, str]:
        """What every answer says of them."""
        now = self._timer()
        return {
            "RateLimit-HourlyRemaining": str(max(self.hour.left(now), 0)),
            "RateLimit-HourlyLimit": str(self.hour.calls),
            "RateLimit-MonthlyRemaining": str(max(self.month.left(now), 0)),
            "RateLimit-MonthlyLimit": str(self.month.calls),
        }

    def most_within(self, seconds: float) -> int:
        """The most calls that were admitted within any stretch of so many seconds."""
        return _densest(self.times, seconds)


def _densest(times: Iterable[float], seconds: float) -> int:
    recent: deque[float] = deque()
    most = 0
    for time in sorted(times):
        recent.append(time)
        while recent[0] <= time - seconds:
            recent.popleft()
        most = max(most, len(recent))
    return most
