"""Live streams over a real server: a real session, a real notice, and what reaches the page."""

import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from baton.accounts import users
from baton.accounts.models import Account, User
from baton.messaging.models import Notification
from baton.platform import clock, live, signing
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing here is encrypted: without it each request reads the certificates of the whole machine

SERVER = """
from django.core.wsgi import get_wsgi_application
get_wsgi_application()
from baton.web.live import Live
live = Live()
async def app(scope, receive, send):
    if scope["type"] == "http":
        return await live(scope, receive, send)
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await live.start()
        else:
            await live.stop()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[str]:
    """The live app alone behind Granian, on the test database."""
    tmp_path = tmp_path_factory.mktemp("live")
    (tmp_path / "live_server.py").write_text(SERVER)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    given = connection.settings_dict
    url = f"postgresql://{given['USER']}@/{given['NAME']}?host={given['HOST']}"
    environ = {
        **os.environ,
        "BATON_DATABASE_URL": url,
        "BATON_SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "baton.settings",
        "PYTHONPATH": f"{tmp_path}:{os.getcwd()}",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), "--log-level", "error", "live_server:app"], env=environ
    )
    for _ in range(600):
        try:
            httpx.get(f"http://127.0.0.1:{port}/live/", timeout=5, verify=PLAIN)
            break
        except httpx.TransportError:
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    began = time.monotonic()
    process.terminate()
    process.wait(60)
    assert time.monotonic() - began < 30  # streams that are open do not hold it up


def session(user: User) -> dict[str, str]:
    """The cookie of a signed-in user."""
    store = SessionStore()
    store[SESSION_KEY], store[BACKEND_SESSION_KEY], store[HASH_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0], user.get_session_auth_hash()
    store.create()
    return {settings.SESSION_COOKIE_NAME: store.session_key or ""}


@pytest.fixture
def seller(account: Account) -> User:
    return users.create("han@nuriwork.example", "한도윤", "baton-demo-1", "sales", actor=SYSTEM)


def notify(user: User, title: str, cause: str) -> None:
    Notification.objects.create(user_id=user.pk, cause=cause, title=title, body="가온로지스 · 89점", contact_id=7, url="/contacts/7/", at=clock.now())
    live.publish(f"user:{user.pk}", what="notification")


class Reader:
    """Reads server-sent events of one stream."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()

    def next(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in self._lines:
            if not line and found:
                return found
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                found[name] = f"{found[name]}\n{value}" if name in found else value
        raise AssertionError("the stream ended")


@contextmanager
def stream(server: str, query: str, user: User, **headers: str) -> Iterator[Reader]:
    with httpx.stream("GET", f"{server}/live/?{query}", cookies=session(user), headers=headers, timeout=60, verify=PLAIN) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Reader(response)


def test_an_alert_arrives_on_an_open_page(server: str, seller: User) -> None:
    with stream(server, f"topics=user:{seller.pk}", seller) as events:
        assert "hidden" in events.next()["data"]  # nothing unread
        notify(seller, "강하은 님이 SQL이 되었습니다", "a")
        piece = events.next()
        assert 'hx-target="#alerts"' in piece["data"]
        assert "강하은 님이 SQL이 되었습니다" in piece["data"]
        assert 'href="/contacts/7/"' in piece["data"]
        assert ">1</span></hx-partial>" in piece["data"]


def test_a_page_that_was_away_gets_what_it_missed_once(server: str, seller: User) -> None:
    with stream(server, f"topics=user:{seller.pk}&since=0", seller) as events:
        events.next()
        notify(seller, "처음", "a")
        seen = events.next()["id"]
    notify(seller, "그 사이", "b")
    with stream(server, f"topics=user:{seller.pk}&since=0", seller, **{"Last-Event-ID": seen}) as events:
        piece = events.next()["data"]
        assert "그 사이" in piece
        assert "처음" not in piece


def test_words_of_people_are_escaped(server: str, seller: User) -> None:
    with stream(server, f"topics=user:{seller.pk}", seller) as events:
        events.next()
        notify(seller, "<script>alert(1)</script>\n\ndata: x", "a")
        assert "<script>" not in events.next()["data"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("topics=", 400), ("topics=user:x", 400), ("topics=nothing:1", 400), ("topics=user:999999", 403), ("topics=demo:mail", 403)],
)
def test_what_is_refused(server: str, seller: User, query: str, status: int) -> None:
    answer = httpx.get(f"{server}/live/?{query}", cookies=session(seller), verify=PLAIN)
    assert answer.status_code == status


def test_strangers_hear_nothing(server: str, seller: User) -> None:
    assert httpx.get(f"{server}/live/?topics=user:{seller.pk}", verify=PLAIN).status_code == 401
    forged = {settings.SESSION_COOKIE_NAME: signing.make("x", 1)}
    assert httpx.get(f"{server}/live/?topics=user:{seller.pk}", cookies=forged, verify=PLAIN).status_code == 401
    assert httpx.post(f"{server}/live/?topics=user:{seller.pk}", cookies=session(seller), verify=PLAIN).status_code == 405


def test_the_stream_comes_back_after_the_database_dropped_it(server: str, seller: User) -> None:
    with stream(server, f"topics=user:{seller.pk}", seller) as events:
        events.next()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        notify(seller, "끊긴 동안", "a")
        assert "끊긴 동안" in events.next()["data"]
