"""Strangers, sessions, tokens and headers at every address of the product. Which role may what: tests/accounts/test_rights_matrix.py."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from baton.accounts import users
from baton.accounts.models import Account, User
from baton.platform import setup
from baton.platform.actor import SYSTEM
from tests import endpoints
from tests.endpoints import PUBLIC, World

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-enough-one"
WITHOUT_CSRF = {  # no session is read
    "f/<guid>/", "f/<guid>", "u/<str:token>", "u/<str:token>/preferences",
    "preferences/<str:token>/", "preferences/undo/<str:token>/", "f/<guid>/intake", "f/confirm/<str:token>",
    "hooks/workflows/<str:token>/", "hooks/workflows/<str:token>", "hooks/<str:key>/",
}  # fmt: skip
SET_PASSWORD = "login/reset/1-set-password/"


@pytest.fixture
def made(account: Account) -> World:
    return endpoints.world(account, None)


def public(made: World) -> dict[str, str]:
    """The public addresses by their routes."""
    values = {
        "<guid>": made.form,
        "<account>": str(made.account),
        "<str:token>": "forged",
        "<str:guid>": made.form,
        "<str:slug>": "nothing",
        "<str:accent>": "365fe0",
        "<int:page>/<int:number>": "1/1",
        r"^login/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": SET_PASSWORD,
    }
    found = {}
    for route in PUBLIC:
        filled = route
        for part, value in values.items():
            filled = filled.replace(part, value)
        found[route] = f"/{filled}"
    return found


def signed_in(role: str, **options: Any) -> Client:
    web = Client(headers={"accept-language": "en"}, **options)
    web.force_login(users.create(f"{role}-{uuid.uuid4().hex[:6]}@nuriwork.example", role, PASSWORD, role, actor=SYSTEM))
    return web


def refused(answer: Any) -> bool:
    return answer.status_code in (401, 403) or (answer.status_code == 302 and answer["Location"].startswith("/login/"))


def test_every_address_is_a_page_or_public_or_for_programs() -> None:
    def known(route: str, view: Any) -> bool:
        return route in PUBLIC or endpoints.is_page(view) or view.__module__.startswith(("baton.api", "ninja"))

    assert [route for route, view in endpoints.routes() if not known(route, view)] == []


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_strangers_are_refused(made: World, method: str) -> None:
    web = Client()
    for page in endpoints.pages(made):
        answer = web.generic(method, page.address)
        assert refused(answer) or answer.status_code == 405, (method, page.address, answer.status_code)
    for resource in endpoints.resources(made):
        if resource.needs:
            answer = web.generic(method, resource.address)
            assert answer.status_code in (401, 405), (method, resource.address, answer.status_code)


def test_a_session_is_no_token(made: World) -> None:
    web = signed_in("admin")
    for resource in endpoints.resources(made):
        if resource.needs:
            assert web.generic(resource.method, resource.address).status_code == 401, resource.address


def test_who_was_locked_out_is_a_stranger_at_once(made: World) -> None:
    web = signed_in("admin")
    users.create("other@nuriwork.example", "Other", PASSWORD, "admin", actor=SYSTEM)
    assert web.get("/contacts/").status_code == 200
    users.set_active(User.objects.order_by("pk")[0].pk, False, actor=SYSTEM)
    answers = [web.get(page.address) for page in endpoints.pages(made)]
    assert all(refused(answer) or answer.status_code == 405 for answer in answers)


def test_a_new_password_ends_the_other_sessions(account: Account) -> None:
    web = signed_in("admin")
    users.set_password(User.objects.get(), "quite-another-one", actor=SYSTEM)
    assert refused(web.get("/"))


def test_signing_in_takes_a_new_session(account: Account) -> None:
    users.create("oh@nuriwork.example", "오세린", PASSWORD, "marketing", actor=SYSTEM)
    web = Client()
    web.get("/login/")
    session = web.session
    session["planted"] = "yes"
    session.save()
    planted = session.session_key
    web.cookies["baton_session"] = planted or ""
    assert web.post("/login/", {"login": "oh@nuriwork.example", "password": PASSWORD})["Location"] == "/"
    assert web.cookies["baton_session"].value not in ("", planted)
    assert refused(Client(headers={"cookie": f"baton_session={planted}"}).get("/"))


def test_every_post_of_a_session_needs_its_token(made: World) -> None:
    web = signed_in("admin", enforce_csrf_checks=True)
    session = {address for route, address in public(made).items() if route not in WITHOUT_CSRF and not route.startswith(("submissions/", "uploads/"))}
    for address in session | {page.address for page in endpoints.pages(made)}:
        answer = web.post(address)
        assert answer.status_code == 403, (address, answer.status_code)  # before anything else is asked


def test_a_public_post_reads_no_session(made: World) -> None:
    for route in WITHOUT_CSRF:
        answer = Client(enforce_csrf_checks=True).post(public(made)[route], {"email": "x@gaon.example"})
        assert answer.status_code in (200, 401, 404), route
        assert "sessionid" not in answer.cookies
        assert "baton_session" not in answer.cookies


ODD = [
    ("GET", "contacts/", {"q": "a\0b"}),
    ("GET", "contacts/", {"page": "²"}),
    ("GET", "contacts/", {"f": "score:².."}),
    ("GET", "contacts/", {"f": "owner:" + "9" * 30}),
    ("GET", "palette/", {"q": "a\0b"}),
    ("GET", "scoring/", {"contact": "9" * 30}),
    ("GET", "scoring/people/", {"q": "a\0b"}),
    ("POST", "scoring/new/", {"preset": "blank", "name": "a\0b"}),
    ("GET", "contacts/{contact}/", {"before": "²"}),
    ("GET", "contacts/{contact}/news/", {"since": "9" * 30}),
    ("GET", "notifications/", {"before": "9" * 30}),
    ("POST", "contacts/bulk/", {"id": "²", "name": "owner_id"}),
    ("POST", "contacts/bulk/", {"id": "9" * 30, "name": "lifecyclestage", "value": "mql"}),
    ("POST", "contacts/bulk/undo/", {"name": "owner_id", "before": "[[null, [99999999999999999999]]]"}),
    ("POST", "contacts/bulk/undo/", {"name": "owner_id", "before": '[[{"a": 1}, [1]]]'}),
    ("POST", "contacts/{contact}/properties/lastname/", {"value": "a\0b"}),
    ("POST", "contacts/new/", {"lastname": "a\0b"}),
    ("POST", "emails/new/", {"name": "a\0b"}),
    ("POST", "emails/{email}/blocks/mail/", {"subject": "a\0b"}),
    ("POST", "workflows/new/", {"name": "a\0b"}),
    ("POST", "workflows/{workflow}/add/", {"at": "root:²", "type": "wait"}),
    ("POST", "workflows/{workflow}/back/", {"at": "root:0", "step": '{"id": "\\ud800", "type": "wait"}'}),
]


def test_odd_input_is_an_answer_and_no_failure(made: World) -> None:
    web = signed_in("admin")
    for method, route, values in ODD:
        address = "/" + route.format(contact=made.contact, email=made.email, workflow=made.workflow)
        with transaction.atomic():
            answer = (web.get if method == "GET" else web.post)(address, values)
        assert answer.status_code in (200, 404, 405, 422), (route, values, answer.status_code)


# Headers ---------------------------------------------------------------------


def policy(answer: Any) -> dict[str, str]:
    return {part.split()[0]: part.strip() for part in answer["Content-Security-Policy"].split(";") if part.strip()}


def scripts(answer: Any) -> str:
    found = policy(answer)
    return found.get("script-src", found["default-src"])


def test_no_page_runs_a_script_that_is_not_a_file_of_ours(made: World) -> None:
    strangers = set(public(made).values()) | {resource.address for resource in endpoints.resources(made)}
    colleagues = {page.address for page in endpoints.pages(made)}
    for client, addresses in ((signed_in("admin"), colleagues), (Client(), strangers)):
        assert len(addresses) > 90
        for address in addresses:
            answer = client.get(address)
            assert scripts(answer) in ("script-src 'self'", "default-src 'none'"), address
            assert answer["X-Content-Type-Options"] == "nosniff"


def test_error_pages_are_as_strict(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> HttpResponse:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("baton.web.pages.home.submissions", broken)
    web = signed_in("admin", raise_request_exception=False)
    answers = [
        web.get("/"),
        web.get("/nothing/"),
        signed_in("viewer").get("/settings/users/"),
        web.get("/contacts/99999999999/"),
        web.get("/", headers={"host": "not a host"}),
        signed_in("admin", enforce_csrf_checks=True).post("/notifications/read/"),
    ]
    assert [a.status_code for a in answers] == [500, 404, 403, 404, 400, 403]
    for answer in answers:
        assert scripts(answer) == "script-src 'self'"
        assert "on purpose" not in answer.content.decode()
        assert "Traceback" not in answer.content.decode()


def test_the_pages_of_the_sample_are_as_strict() -> None:
    from baton.demo import inbox, site

    for text in (site.POLICY, inbox.POLICY):
        assert "unsafe" not in text
        assert "default-src 'none'; script-src 'self';" in text
    assert "script-src" not in inbox.MAIL_POLICY  # default-src 'none': nothing runs
    assert "sandbox" in inbox.MAIL_POLICY
    assert "allow-scripts" not in inbox.MAIL_POLICY
    assert "allow-same-origin" not in inbox.MAIL_POLICY


def test_the_preview_of_a_mail_may_do_nothing(made: World) -> None:
    answer = signed_in("admin").get(f"/emails/{made.email}/preview/")
    found = policy(answer)
    assert found["default-src"] == "default-src 'none'"
    assert found["sandbox"] == "sandbox"
    assert found["form-action"] == "form-action 'none'"


# The edge ----------------------------------------------------------------------


def test_the_edge_answers_only_what_it_must(monkeypatch: pytest.MonkeyPatch, made: World) -> None:
    monkeypatch.setattr(setup, "django", lambda _process: None)
    from baton.asgi import Edge

    edge = Edge()
    taken: list[str] = []

    def recorder(name: str) -> Callable[..., Any]:
        async def record(scope: dict[str, Any], receive: Any, send: Any) -> None:
            taken.append(name)

        return record

    live = edge.live
    for name in ("collector", "live", "pages"):
        monkeypatch.setattr(edge, name, recorder(name))

    def ask(path: str, app: Any = edge) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        asyncio.run(app({"type": "http", "method": "GET", "path": path, "query_string": b"topics=user:1", "headers": []}, receive, send))
        return sent

    for path in ("/t/e", "/t/baton.js", "/o/x.gif", "/c/x", "/live/", "/live/x"):
        ask(path)
    assert taken == ["collector"] * 4 + ["live"] * 2
    taken.clear()
    addresses = [page.address for page in endpoints.pages(made)] + [resource.address for resource in endpoints.resources(made)]
    for address in (*addresses, *public(made).values()):  # no page hides behind what the edge takes
        ask(address)
    assert set(taken) == {"pages"}
    for path in ("/live/", "/live/anything"):
        assert ask(path, live)[0]["status"] == 401
