"""Robots: thanked like everybody, kept in quarantine, and nothing of theirs reaches the contacts unless a person says so."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from baton.crm import contacts, erase, files
from baton.crm.models import Contact
from baton.forms import captcha, jobs, kept, quarantine, spam, verbs
from baton.forms.models import Form, FormFile, FormSubmission, Quarantine
from baton.platform import clock, http
from baton.platform.actor import SYSTEM, Actor
from baton.platform.config import Config
from baton.platform.errors import Invalid, NotFound
from baton.platform.models import Change

pytestmark = pytest.mark.django_db
FIELDS = [
    {"name": "email", "label": "이메일", "type": "email", "required": True},
    {"name": "lastname", "label": "성", "type": "text"},
    {"name": "message", "label": "문의", "type": "textarea"},
    {"name": "cv", "label": "소개서", "type": "file"},
]
KIM = {"email": "kim@gaon.example", "lastname": "김"}
JSON = {"accept": "application/json"}


def made(fields: list[dict[str, Any]] | None = None, **defence: Any) -> Form:
    return verbs.create("X", {"fields": fields or FIELDS, "spam": {"seconds": 0} | defence, "after": {"thanks": "고맙습니다."}}, actor=SYSTEM, publish=True)


def send(client: Client, form: Form, address: str = "203.0.113.7", **values: Any) -> Any:
    return client.post(f"/f/{form.guid}/", KIM | values, headers=JSON, REMOTE_ADDR=address)


def nothing_written() -> bool:
    return not (Contact.objects.exists() or FormSubmission.objects.exists() or Change.objects.exists())


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({spam.TRAP: "x"}, "trap"),
        ({"email": "kim@mailinator.com"}, "disposable"),
        ({"lastname": "Win now https://x.example/"}, "links"),
        ({"message": "a http://x.example b www.y.example c <a href=z>"}, "links"),
    ],
)
def test_what_no_person_sends_waits_outside_the_contacts(client: Client, values: dict[str, str], reason: str) -> None:
    answer = send(client, made(), **values)
    assert (answer.status_code, answer.json()["thanks"]) == (200, "고맙습니다.")
    assert nothing_written()
    row = Quarantine.objects.get()
    assert (row.reasons, row.network) == ([reason], "203.0.113.0/24")
    assert "203.0.113.7" not in str(vars(row))


def test_a_form_that_is_sent_too_fast_or_without_its_page_waits_and_one_that_was_read_is_taken(client: Client) -> None:
    form = made(seconds=3)
    drawn = spam.drawn()
    send(client, form, **{spam.TIME: drawn})
    send(client, form)
    send(client, form, **{spam.TIME: drawn[:-2] + "xx"})
    assert [row.reasons for row in Quarantine.objects.order_by("pk")] == [["too_fast"], ["no_time"], ["no_time"]]
    clock.shift(timedelta(days=8))
    send(client, form, **{spam.TIME: drawn})  # taken from the page once, used ever since
    assert Quarantine.objects.latest("pk").reasons == ["no_time"]
    assert nothing_written()
    clock.shift(timedelta(seconds=5))
    assert send(client, form, **{spam.TIME: drawn}).status_code == 200
    assert contacts.by_email("kim@gaon.example")


def test_the_drawn_time_is_on_the_page_and_in_the_script(client: Client) -> None:
    form = made(seconds=3)
    assert f'name="{spam.TIME}" value="' in client.get(f"/f/{form.guid}/").text
    assert f'"time":["{spam.TIME}","' in client.get(f"/f/{form.guid}.js").text


def test_a_flood_from_a_browser_or_a_network_is_set_aside_and_nobody_else(client: Client) -> None:
    form = made()
    for n in range(spam.OF_COOKIE + 2):
        send(client, form, address=f"198.51.{n}.1", email=f"k{n}@gaon.example", hutk="a" * 32)
    assert Quarantine.objects.count() == 2
    assert Quarantine.objects.filter(reasons=["rate_cookie"]).count() == 2
    for n in range(spam.OF_NETWORK + 1):
        send(client, form, address=f"203.0.113.{n}", email=f"n{n}@gaon.example")
    assert Quarantine.objects.filter(reasons=["rate_network"]).count() == 1
    assert send(client, form, address="2001:db8::1", email="far@gaon.example").status_code == 200
    assert contacts.by_email("far@gaon.example")
    clock.shift(spam.WINDOW * 1.1)
    send(client, form, address="203.0.113.9", email="later@gaon.example")
    assert contacts.by_email("later@gaon.example")
    for n in range(spam.OF_NETWORK + 1):  # through two proxies of one's own, from everywhere
        client.post(
            f"/f/{form.guid}/", {**KIM, "email": f"p{n}@gaon.example"}, headers={**JSON, "x-forwarded-for": f"198.51.{n}.1, 10.1.0.4"}, REMOTE_ADDR="10.1.0.9"
        )
    assert contacts.by_email(f"p{spam.OF_NETWORK}@gaon.example")


def test_throw_away_addresses_may_be_refused_or_taken(client: Client) -> None:
    answer = send(client, made(disposable="refuse"), email="kim@mailinator.com")
    assert [(p["path"], p["code"]) for p in answer.json()["problems"]] == [("fields.email", "BLOCKED_EMAIL")]
    assert nothing_written()
    send(client, made(disposable="allow"), email="kim@mailinator.com")
    assert contacts.by_email("kim@mailinator.com")


def test_a_released_answer_is_taken_as_if_it_were_sent_then(client: Client, actor: Actor) -> None:
    form = made()
    pdf = SimpleUploadedFile("a.pdf", b"%PDF-1.7 " + b"x" * 50)
    client.post(f"/f/{form.guid}/", {**KIM, "email": "kim@mailinator.com", "cv": pdf, "page_url": "https://www.nuriwork.example/demo"}, headers=JSON)
    sent_at = clock.now()
    assert FormFile.objects.count() == 1
    clock.shift(spam.WINDOW * 10)
    [row] = quarantine.listing(form)
    contact = quarantine.release(row.pk, actor=actor).contact_id
    taken = FormSubmission.objects.get(contact_id=contact)
    assert (taken.page_url, taken.about["via"]) == ("https://www.nuriwork.example/demo", "released")
    assert abs(taken.at - sent_at) < spam.WINDOW
    assert [file.name for file in files.of([contact])] == ["a.pdf"]
    assert (quarantine.count(), FormFile.objects.count()) == (0, 0)
    with pytest.raises(NotFound):
        quarantine.release(row.pk, actor=actor)


def test_robots_leave_no_files_that_the_form_did_not_ask_for_and_cannot_fill_the_disk(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    form = made([*FIELDS[:3], {**FIELDS[3], "rules": {"max_mb": 0.001}}])

    def file(content: bytes) -> SimpleUploadedFile:
        return SimpleUploadedFile("a.pdf", content)

    send(client, form, **{spam.TRAP: "x"}, other=file(b"%PDF-1.7 "))
    send(client, form, **{spam.TRAP: "x"}, cv=file(b"MZ\x00\x01\x02"))
    send(client, form, **{spam.TRAP: "x"}, cv=file(b"%PDF-1.7 " + b"x" * 2_000))
    assert (quarantine.count(form), FormFile.objects.count()) == (3, 0)
    monkeypatch.setattr(quarantine, "FILES", 100)
    for _ in range(3):
        send(client, form, **{spam.TRAP: "x"}, cv=file(b"%PDF-1.7 " + b"x" * 50))
    assert (quarantine.count(form), FormFile.objects.count()) == (4, 1)


def test_what_does_not_fit_stays_what_is_old_goes_and_whoever_is_forgotten_is_forgotten_here_too(client: Client, actor: Actor) -> None:
    form = made()
    client.post(f"/f/{form.guid}/", {"email": "no address", spam.TRAP: "x"}, headers=JSON)
    [row] = quarantine.listing()
    with pytest.raises(Invalid):
        quarantine.release(row.pk, actor=actor)
    assert quarantine.count(form) == 1
    send(client, form, **{spam.TRAP: "x"})
    send(client, form)
    contact = contacts.by_email("kim@gaon.example")
    assert contact is not None
    erase.erase(contact, actor=SYSTEM)
    assert [one.pk for one in quarantine.listing()] == [row.pk]
    assert quarantine.delete([row.pk], actor=actor) == 1
    send(client, form, **{spam.TRAP: "x"})
    clock.shift(quarantine.KEPT * 1.01)
    jobs.forget.task.func(0)
    assert quarantine.count() == 0


# Captcha -----------------------------------------------------------------------


class Service(ThreadingHTTPServer):
    """Speaks siteverify as hCaptcha and Turnstile document it: each answer of a widget is good once."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Verify)
        self.asked: list[dict[str, list[str]]] = []
        self.used: set[str] = set()
        self.broken = ""


class Verify(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        service = self.server
        assert isinstance(service, Service)
        asked = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        service.asked.append(asked)
        answer = asked["response"][0]
        said: dict[str, Any] = {"success": True, "challenge_ts": "2026-11-22T08:00:00Z", "hostname": "www.nuriwork.example", "error-codes": []}
        if service.broken == "secret" or asked["secret"] != ["s3cret"]:
            said = {"success": False, "error-codes": ["invalid-input-secret"]}
        elif answer != "good" and not answer.startswith("good-"):
            said = {"success": False, "error-codes": ["invalid-input-response"]}
        elif answer in service.used:
            said = {"success": False, "error-codes": ["timeout-or-duplicate"]}
        service.used.add(answer)
        body = b"<html>502" if service.broken == "html" else json.dumps(said).encode()
        self.send_response(502 if service.broken == "html" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if service.broken != "silent":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service() as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def guarded(service: Service, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Form]:
    service.asked.clear()
    service.used.clear()
    service.broken = ""
    monkeypatch.setattr(http, "config", lambda: Config(base_url="https://baton.example", allow_private_webhooks="127.0.0.0/8"))
    monkeypatch.setattr(http, "READ", 0.3)
    monkeypatch.setattr(captcha, "VERIFY", dict.fromkeys(captcha.VERIFY, f"http://127.0.0.1:{service.server_address[1]}/siteverify"))

    def make(kind: str) -> Form:
        form = made(captcha=kind, site_key="10000000-ffff")
        verbs.set_captcha_secret(form, "s3cret", actor=SYSTEM)
        return form

    return make


@pytest.mark.parametrize("kind", ["hcaptcha", "turnstile"])
def test_a_captcha_is_checked_before_anything_is_written(client: Client, service: Service, guarded: Callable[[str], Form], kind: str) -> None:
    form, name = guarded(kind), captcha.ANSWER[kind]
    for answer in ({}, {name: "bad"}):
        told = send(client, form, **answer)
        assert (told.status_code, [p["path"] for p in told.json()["problems"]]) == (422, ["captcha"])
    assert nothing_written()
    assert send(client, form, **{name: "good"}).status_code == 200
    assert contacts.by_email("kim@gaon.example")
    [_bad, asked] = service.asked  # without an answer nobody is asked
    assert (asked["secret"], asked["response"], asked["remoteip"]) == (["s3cret"], ["good"], ["203.0.113.7"])
    assert asked.get("sitekey") == (["10000000-ffff"] if kind == "hcaptcha" else None)
    assert send(client, form, email="b@gaon.example", **{name: "good"}).status_code == 422  # used before
    assert contacts.by_email("b@gaon.example") is None
    page = client.get(f"/f/{form.guid}/")
    assert captcha.SCRIPT[kind] in page.text
    assert captcha.POLICY[kind] in page["Content-Security-Policy"]
    assert "s3cret" not in page.text + client.get(f"/f/{form.guid}.js").text


@pytest.mark.parametrize("broken", ["html", "silent", "secret"])
def test_an_answer_is_not_lost_when_the_service_is(client: Client, service: Service, guarded: Callable[[str], Form], broken: str) -> None:
    form = guarded("turnstile")
    service.broken = broken
    assert send(client, form, **{"cf-turnstile-response": f"good-{broken}"}).json()["thanks"] == "고맙습니다."
    assert nothing_written()
    assert Quarantine.objects.get().reasons == ["captcha_unreachable"]


def test_a_plain_form_loads_nothing_of_others(client: Client) -> None:
    form = made()
    assert "captcha" not in client.get(f"/f/{form.guid}/")["Content-Security-Policy"]


def test_an_answer_kept_on_the_disk_goes_through_the_same_door(client: Client, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "folder", lambda: tmp_path)
    form = made()
    kept.keep(str(form.guid), KIM, spam.Evidence(trap="x"), boxes={})
    pdf = {"cv": kept.Upload("a.pdf", b"%PDF-1.7 x")}
    kept.keep(str(form.guid), {"email": "lee@gaon.example"}, spam.Evidence(), uploads=pdf, boxes={})
    assert kept.deliver() == 2
    assert Quarantine.objects.get().reasons == ["trap"]
    contact = contacts.by_email("lee@gaon.example")
    assert contact is not None
    assert [file.name for file in files.of([contact])] == ["a.pdf"]
