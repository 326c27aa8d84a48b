"""The edge: one port. It answers hits, opens, clicks and live streams itself and hands the rest to Django.

Django runs as WSGI behind a2wsgi: its own ASGI handler costs eight times as much a request.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application

from baton.collector.app import PREFIXES, Collector
from baton.collector.scripts import parts
from baton.platform import process, setup

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

process.die_with_parent()
setup.django("web")

from baton.web.live import Live  # noqa: E402  # needs Django

THREADS = 8  # each keeps a database connection


class Edge:
    """Sends each request to who answers it, by the first part of its path."""

    def __init__(self) -> None:
        self.collector = Collector()
        self.live = Live()
        self.pages = WSGIMiddleware(get_wsgi_application(), workers=THREADS)  # type: ignore[arg-type]  # it knows no HttpResponseBase

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            path: str = scope["path"]
            if path.startswith(PREFIXES) or parts(path):
                await self.collector(scope, receive, send)
            elif path.startswith("/live/"):
                await self.live(scope, receive, send)
            else:

                async def body() -> MutableMapping[str, Any]:
                    return await receive()  # a2wsgi wants a coroutine; Granian's receive gives another kind of awaitable

                await self.pages(scope, body, send)  # type: ignore[arg-type]  # a2wsgi has its own names for the same shapes

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.collector.start()
                await self.live.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.live.stop()
                await self.collector.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


application = Edge()
