"""Who may call what: every address is named here with the right it needs, or as public. A new address without an entry fails."""

import asyncio
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from baton.accounts import permissions, users
from baton.accounts.builtin_roles import BUILTIN
from baton.accounts.models import Account, User
from baton.accounts.permissions import can
from baton.automation import verbs as workflows
from baton.automation.models import Workflow
from baton.crm import records
from baton.forms import verbs as forms
from baton.messaging import emails
from baton.platform import setup
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-enough-one"
ANYBODY = ""  # who is signed in, whatever the role

# Address -> what each method needs: "<area> <level>", or ANYBODY for all who are signed in.
NEEDS: dict[str, dict[str, str]] = {
    "": {"GET": ANYBODY},
    "palette/": {"GET": ANYBODY},
    "notifications/": {"GET": ANYBODY},
    "notifications/read/": {"POST": ANYBODY},
    "notifications/<int:pk>/read/": {"POST": ANYBODY},
    "contacts/": {"GET": "contacts view"},
    "contacts/filter/": {"GET": "contacts view"},
    "contacts/new/": {"GET": "contacts edit", "POST": "contacts edit"},
    "contacts/bulk/": {"POST": "contacts edit"},
    "contacts/bulk/undo/": {"POST": "contacts edit"},
    "contacts/<int:id>/": {"GET": "contacts view"},
    "contacts/<int:id>/news/": {"GET": "contacts view"},
    "contacts/<int:id>/notes/": {"POST": "contacts edit"},
    "contacts/<int:id>/consent/": {"POST": "contacts edit"},
    "contacts/<int:id>/properties/<str:name>/": {"GET": "contacts view", "POST": "contacts edit"},
    "contacts/<int:id>/properties/<str:name>/history/": {"GET": "contacts view"},
    "emails/": {"GET": "emails view"},
    "emails/new/": {"POST": "emails edit"},
    "emails/<int:pk>/": {"GET": "emails view", "POST": "emails edit"},
    "emails/<int:pk>/preview/": {"GET": "emails view"},
    "scoring/": {"GET": "scoring view"},
    "scoring/rules/<int:pk>/": {"POST": "scoring edit"},
    "scoring/thresholds/": {"POST": "scoring edit"},
    "scoring/people/": {"GET": "scoring view"},
    "scoring/history/": {"GET": "scoring view"},
    "workflows/": {"GET": "workflows view"},
    "workflows/new/": {"POST": "workflows edit"},
    "workflows/<int:pk>/": {"GET": "workflows view"},
    "workflows/<int:pk>/add/": {"GET": "workflows edit", "POST": "workflows edit"},
    "workflows/<int:pk>/back/": {"POST": "workflows edit"},
    "workflows/<int:pk>/again/": {"POST": "workflows edit"},
    "workflows/<int:pk>/steps/<slug:step_id>/": {"POST": "workflows edit"},
    "workflows/<int:pk>/steps/<slug:step_id>/filter/": {"POST": "workflows edit"},
    "workflows/<int:pk>/steps/<slug:step_id>/move/": {"POST": "workflows edit"},
    "workflows/<int:pk>/publish/": {"POST": "workflows edit"},
    "workflows/<int:pk>/pause/": {"POST": "workflows edit"},
    "workflows/<int:pk>/resume/": {"POST": "workflows edit"},
}
# For people who are not signed in, and for programs of other sites.
PUBLIC = {
    "login/",
    "logout/",
    "login/inactive/",
    "login/reset/",
    "login/reset/sent/",
    r"^login/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
    "login/reset/done/",
    "me/language/",  # a cookie, chosen on the sign-in page
    "f/<guid>.js",
    "f/<guid>/",
    "f/<guid>",
    "u/<str:token>",  # the token is the proof
    "submissions/v3/integration/submit/<account>/<guid>",
    "submissions/v3/integration/submit/<account>/<guid>/",
}
WITHOUT_CSRF = {"f/<guid>/", "f/<guid>", "u/<str:token>"}  # no session is read
PROGRAMS = ("crm/", "submissions/v3/integration/secure/")  # a Bearer token, nothing else
NOBODYS = "^(?:crm|events/v3|marketing/v3|settings/v3|account-info|oauth)/"  # a 404 in the API's words


def routes(patterns: list[Any] | None = None, before: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, before + str(pattern.pattern))
        else:
            assert isinstance(pattern, URLPattern)
            yield before + str(pattern.pattern), pattern.callback


def of_programs(route: str) -> bool:
    return route.startswith(PROGRAMS)


@pytest.fixture
def ids(account: Account) -> dict[str, str]:
    """One real thing behind each kind of address."""
    contact = records.create("contact", {"email": "jiu@gaon.example", "lastname": "서"}, actor=SYSTEM, source="test")
    form = forms.create("f", [{"name": "email", "label": "E-mail", "type": "email"}], actor=SYSTEM)
    return {
        "<int:id>": str(contact),
        "emails/<int:pk>": f"emails/{emails.create('A mail', SYSTEM).pk}",
        "workflows/<int:pk>": f"workflows/{workflows.create('A workflow', SYSTEM).pk}",
        "<int:pk>": "1",
        "<str:name>": "jobtitle",
        "<slug:step_id>": "s1",
        "<guid>": str(form.guid),
        "<account>": str(account.pk),
        "<id>": str(contact),
        "<str:token>": "forged",
        r"^login/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "login/reset/1-set-password/",
        NOBODYS: "crm/nothing",
    }


def address(route: str, ids: dict[str, str]) -> str:
    for part, value in ids.items():
        route = route.replace(part, value)
    assert not re.search(r"[<>^]", route), route
    return f"/{route}"


def signed_in(role: str, **options: Any) -> Client:
    web = Client(headers={"accept-language": "en"}, **options)
    web.force_login(users.create(f"{role}-{uuid.uuid4().hex[:6]}@nuriwork.example", role, PASSWORD, role, actor=SYSTEM))
    return web


def refused(answer: Any) -> bool:
    return answer.status_code in (401, 403) or (answer.status_code == 302 and answer["Location"].startswith("/login/"))


def test_every_address_says_who_may_call_it() -> None:
    found = [route for route, _view in routes()]
    unnamed = [r for r in found if r not in NEEDS and r not in PUBLIC and not of_programs(r) and r != NOBODYS]
    assert unnamed == []
    assert (NEEDS.keys() | PUBLIC) - set(found) == set()
    areas = {need.split()[0] for needs in NEEDS.values() for need in needs.values() if need}
    assert areas <= set(permissions.AREAS)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_strangers_are_refused(ids: dict[str, str], method: str) -> None:
    web = Client()
    for route in NEEDS:
        answer = web.generic(method, address(route, ids))
        assert refused(answer) or answer.status_code == 405, (method, route, answer.status_code)
    for route, _view in routes():
        if of_programs(route):
            answer = web.generic(method, address(route, ids))
            assert answer.status_code in (401, 405), (method, route, answer.status_code)


def test_a_session_is_no_token(ids: dict[str, str]) -> None:
    web = signed_in("admin")
    for route, _view in routes():
        if of_programs(route):
            assert web.post(address(route, ids)).status_code in (401, 405)
            assert web.get(address(route, ids)).status_code in (401, 405)


@pytest.mark.parametrize("role", list(BUILTIN))
def test_each_role_has_what_the_table_says(ids: dict[str, str], role: str) -> None:
    web = signed_in(role)
    user = User.objects.get()
    for route, needs in NEEDS.items():
        for method in ("GET", "POST"):
            need = needs.get(method)
            answer = web.generic(method, address(route, ids))
            if need is None:
                assert answer.status_code in (403, 405) or method == "POST", (role, method, route, answer.status_code)
                continue
            area, _, level = need.partition(" ")
            may = not area or can(user, area, "edit" if level == "edit" else "view")
            assert refused(answer) is not may, (role, method, route, answer.status_code)
            assert answer.status_code < 500, (role, method, route)


def test_a_viewer_changes_nothing_by_any_method(ids: dict[str, str]) -> None:
    web = signed_in("viewer")
    before = (records.get("contact", int(ids["<int:id>"])).properties, Workflow.objects.values_list("draft", "state")[0])
    for route in NEEDS:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            web.generic(method, address(route, ids), b"value=x&name=x&to=away", content_type="application/x-www-form-urlencoded")
    assert (records.get("contact", int(ids["<int:id>"])).properties, Workflow.objects.values_list("draft", "state")[0]) == before


def test_who_was_locked_out_is_a_stranger_at_once(ids: dict[str, str]) -> None:
    web = signed_in("admin")
    users.create("other@nuriwork.example", "Other", PASSWORD, "admin", actor=SYSTEM)
    assert web.get("/contacts/").status_code == 200
    users.set_active(User.objects.order_by("pk")[0].pk, False, actor=SYSTEM)
    assert all(refused(web.get(address(route, ids))) for route, needs in NEEDS.items() if "GET" in needs)


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


def test_every_post_of_a_session_needs_its_token(ids: dict[str, str]) -> None:
    web = signed_in("admin", enforce_csrf_checks=True)
    for route in (*NEEDS, *PUBLIC):
        if route not in WITHOUT_CSRF and not route.startswith("submissions/"):
            answer = web.post(address(route, ids))
            assert answer.status_code == 403, (route, answer.status_code)


def test_a_public_post_reads_no_session(ids: dict[str, str]) -> None:
    for route in WITHOUT_CSRF:
        answer = Client(enforce_csrf_checks=True).post(address(route, ids), {"email": "x@gaon.example"})
        assert answer.status_code in (200, 404), route
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
    ("GET", "contacts/<int:id>/", {"before": "²"}),
    ("GET", "contacts/<int:id>/news/", {"since": "9" * 30}),
    ("GET", "notifications/", {"before": "9" * 30}),
    ("POST", "contacts/bulk/", {"id": "²", "name": "owner_id"}),
    ("POST", "contacts/bulk/", {"id": "9" * 30, "name": "lifecyclestage", "value": "mql"}),
    ("POST", "contacts/bulk/undo/", {"name": "owner_id", "before": "[[null, [99999999999999999999]]]"}),
    ("POST", "contacts/bulk/undo/", {"name": "owner_id", "before": '[[{"a": 1}, [1]]]'}),
    ("POST", "contacts/<int:id>/notes/", {"text": "a\0b"}),
    ("POST", "contacts/new/", {"lastname": "a\0b"}),
    ("POST", "emails/new/", {"name": "a\0b"}),
    ("POST", "emails/<int:pk>/", {"subject": "a\0b"}),
    ("POST", "workflows/new/", {"name": "a\0b"}),
    ("POST", "workflows/<int:pk>/add/", {"at": "root:²", "type": "wait"}),
    ("POST", "workflows/<int:pk>/back/", {"at": "root:0", "step": '{"id": "\\ud800", "type": "wait"}'}),
]


def test_odd_input_is_an_answer_and_no_failure(ids: dict[str, str]) -> None:
    web = signed_in("admin")
    for method, route, values in ODD:
        with transaction.atomic():
            answer = (web.get if method == "GET" else web.post)(address(route, ids), values)
        assert answer.status_code in (200, 404, 422), (route, values, answer.status_code)


# Headers ---------------------------------------------------------------------


def policy(answer: Any) -> dict[str, str]:
    return {part.split()[0]: part.strip() for part in answer["Content-Security-Policy"].split(";") if part.strip()}


def scripts(answer: Any) -> str:
    found = policy(answer)
    return found.get("script-src", found["default-src"])


def test_no_page_runs_a_script_that_is_not_a_file_of_ours(ids: dict[str, str]) -> None:
    web = signed_in("admin")
    seen = 0
    for route, _view in routes():
        for client in (web, Client()):
            answer = client.get(address(route, ids))
            assert scripts(answer) in ("script-src 'self'", "default-src 'none'"), route
            assert answer["X-Content-Type-Options"] == "nosniff"
            seen += 1
    assert seen > 90


def test_error_pages_are_as_strict(ids: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> HttpResponse:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("baton.web.pages.contacts.colleagues", broken)
    web = signed_in("admin", raise_request_exception=False)
    answers = [
        web.get("/contacts/"),
        web.get("/nothing/"),
        signed_in("viewer").get("/contacts/new/"),
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


def test_the_preview_of_a_mail_may_do_nothing(ids: dict[str, str]) -> None:
    answer = signed_in("admin").get(address("emails/<int:pk>/preview/", ids))
    found = policy(answer)
    assert found["default-src"] == "default-src 'none'"
    assert found["sandbox"] == "sandbox"
    assert found["form-action"] == "form-action 'none'"


# The edge ----------------------------------------------------------------------


def test_the_edge_answers_only_what_it_must(monkeypatch: pytest.MonkeyPatch, ids: dict[str, str]) -> None:
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
    for route, _view in routes():  # no page hides behind what the edge takes
        ask(address(route, ids))
    assert set(taken) == {"pages"}
    for path in ("/live/", "/live/anything"):
        assert ask(path, live)[0]["status"] == 401
