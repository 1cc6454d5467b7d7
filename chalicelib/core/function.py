"""Function: one declaration per endpoint gives local route, Lambda, ability, models, needs and OpenAPI entry."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypedDict, Unpack

from chalice.app import Blueprint, Chalice, CORSConfig
from msgspec.structs import replace

from chalicelib.core.endpoints import DEFAULT_MEMORY_MB, PUBLIC, Endpoint, Package, Route
from chalicelib.core.needs import Needs

CORS = CORSConfig(
    allow_origin="*",
    allow_headers=["Idempotency-Key"],
    expose_headers=["X-Request-Id", "Idempotent-Replayed", "Retry-After"],
    max_age=600,
)
API_TIMEOUT_SECONDS = 29
"""API Gateway gives up then."""
AUTHORIZER_TIMEOUT_SECONDS = 10
WATCHED = ("queue", "schedule", "stream")
"""Endpoints that run without being asked: each notes that it did (core/heartbeats.py)."""
View = Callable[..., Any]


class Capacity(TypedDict, total=False):
    """What a Lambda has; Endpoint says what it has otherwise."""

    memory_mb: int
    timeout_seconds: int
    package: Package


class RouteOptions(Capacity, total=False):
    """What a route may say of itself. `also`: further paths of the same view.

    `errors`: codes it may answer beyond the usual ones, each with its status. `idempotent` (POST: True unless said
    otherwise): whether an Idempotency-Key is honoured; never for login and token creation, whose answers hold secrets
    that must not be kept.
    """

    status: int
    idempotent: bool
    errors: tuple[str, ...]
    example: Any
    also: tuple[str, ...]
    content_types: tuple[str, ...]


class Function(Blueprint):
    """The endpoints of one module. Each is registered with Chalice twice: as a route (local emulation) and as a Lambda.

    A view takes `request`, its path parameters by name, and `body` and `query` where it has them; their annotations and
    the annotation of its answer are the models. It calls one use case and returns its answer.
    """

    def __init__(self, import_name: str) -> None:
        super().__init__(import_name)
        self.module = import_name
        self.endpoints: list[Endpoint] = []
        self.front: Any = None
        self._alone: Chalice | None = None

    def route(  # type: ignore[override]
        self, method: str, path: str, *, ability: str, needs: Needs = Needs(), **options: Unpack[RouteOptions]
    ) -> Callable[[View], Any]:
        """Declare a view, at `path` and wherever `options` say as well."""

        def declare(view: View) -> Any:
            routes = tuple(
                Route(
                    method,
                    each,
                    ability,
                    view,
                    status=options.get("status", 200),
                    idempotent=options.get("idempotent", method == "POST"),
                    errors=options.get("errors", ()),
                    example=options.get("example"),
                    content_types=options.get("content_types", ("application/json",)),
                )
                for each in (path, *options.get("also", ()))
            )
            for each in routes:
                self._register_local(each)
            entry = self.lambda_function(view.__name__)(
                self._named(view, lambda event, context: self._call(event, context))
            )
            capacity = Capacity(
                memory_mb=options.get("memory_mb", DEFAULT_MEMORY_MB),
                timeout_seconds=options.get("timeout_seconds", API_TIMEOUT_SECONDS),
                package=options.get("package", ""),
            )
            self._add("route", view, needs, entry, routes=routes, **capacity)
            return entry

        return declare

    def on_queue(
        self, queue: str, *, needs: Needs, dead: bool = False, batch_size: int = 10, **capacity: Unpack[Capacity]
    ) -> Callable[[View], Any]:
        """Declare the consumer of a named queue, or (`dead`) of its dead-letter queue. It gets the raw SQS event."""

        def declare(view: View) -> Any:
            # Who buries dead letters has nothing to do as long as all is well: silence is no sign of anything.
            run = view if dead else partial(_watched, view)
            consumer = self._named(view, lambda event: run(event.to_dict()))
            source = f"{queue}-dead" if dead else queue
            entry = self.on_sqs_message(queue=source, batch_size=batch_size, name=view.__name__)(consumer)
            self._add("queue", view, needs, entry, queue=queue, dead=dead, batch_size=batch_size, **capacity)
            return entry

        return declare

    def every(self, expression: str, *, needs: Needs, **capacity: Unpack[Capacity]) -> Callable[[View], Any]:
        """Declare a schedule: `rate(1 minute)` or `cron(40 3 * * ? *)`, in UTC. The view takes nothing."""

        def declare(view: View) -> Any:
            entry = self.schedule(expression, name=view.__name__, description=_first_line(view))(
                self._named(view, lambda event: _watched(view))
            )
            self._add("schedule", view, needs, entry, schedule=expression, **capacity)
            return entry

        return declare

    def on_outbox(self, *, needs: Needs, batch_size: int = 100, **capacity: Unpack[Capacity]) -> Callable[[View], Any]:
        """Declare what the outbox's stream wakes. It gets the raw stream event; packaging fills in the stream's ARN."""

        def declare(view: View) -> Any:
            consumer = self._named(view, lambda event: _watched(view, event.to_dict()))
            arn = "arn:aws:dynamodb:::table/outbox/stream/latest"
            entry = self.on_dynamodb_record(arn, batch_size=batch_size, name=view.__name__)(consumer)
            self._add("stream", view, needs, entry, batch_size=batch_size, **capacity)
            return entry

        return declare

    def guard(self, *, needs: Needs, ttl_seconds: int) -> Callable[[View], Any]:
        """Declare the authorizer that stands in front of every route with an ability."""

        def declare(view: View) -> Any:
            entry = self.authorizer(ttl_seconds=ttl_seconds, name=view.__name__)(view)
            self._add("authorizer", view, needs, entry, timeout_seconds=AUTHORIZER_TIMEOUT_SECONDS)
            return entry

        return declare

    def _register_local(self, route: Route) -> None:
        def register(app: Chalice, options: dict[str, Any]) -> None:
            # The authorizer is asked for only where routes are served together, so that no route's Lambda imports it.
            app.route(
                route.path,
                methods=[route.method],
                name=route.view.__name__,
                cors=CORS,
                content_types=["*/*"],
                authorizer=self.front if route.ability != PUBLIC else None,
            )(self._named(route.view, self._view(app, route)))

        self._deferred_registrations.append(register)

    def _view(self, app: Chalice, route: Route) -> View:
        def view(**path: str) -> Any:
            from chalicelib.core.serve import serve

            return serve(route, app.current_request, path)

        return view

    def _call(self, event: Any, context: Any) -> Any:
        app = self._current_app
        if app is None:
            app = self._alone or self._serve_alone()
        return app(event, context)

    def _serve_alone(self) -> Chalice:
        self._alone = Chalice("pilot", configure_logs=False)
        self._alone.register_blueprint(self)
        self._current_app = None
        return self._alone

    def _add(self, kind: Any, view: View, needs: Needs, entry: Any, **more: Any) -> None:
        if kind in WATCHED and not more.get("dead"):
            needs = replace(needs, updates=(*needs.updates, "heartbeats"))
        found = Endpoint(kind, view.__name__, self.module, needs, doc=view.__doc__ or "", entry=entry, **more)
        self.endpoints.append(found)

    @staticmethod
    def _named(view: View, stand_in: View) -> View:
        # Lambda finds the handler by the view's name, so what Chalice registers must carry it.
        stand_in.__name__ = view.__name__
        stand_in.__doc__ = view.__doc__
        return stand_in


def _watched(view: View, *given: Any) -> Any:
    from chalicelib.core.heartbeats import watched

    return watched(view.__name__, view, *given)


def _first_line(view: View) -> str:
    return (view.__doc__ or "").strip().partition("\n")[0]
