"""The pages about consent: kinds of news and limits, who must not be written to, moving over from another mail tool."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from baton.accounts import users
from baton.accounts.models import Role, User
from baton.messaging import rules
from baton.messaging.consent import subscriptions, suppression
from baton.messaging.consent.movers import run
from baton.messaging.models import Move, SubscriptionType, Suppression
from baton.platform.actor import SYSTEM
from baton.platform.models import History
from tests.messaging.conftest import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(account: object) -> Client:
    found = users.create("admin@nuriwork.example", "관리자", "a-long-enough-one", Role.ADMIN, actor=SYSTEM)
    web = Client(headers={"accept-language": "en"})
    web.force_login(found)
    return web


def test_kinds_of_news_are_made_changed_ordered_and_put_away(admin: Client, web: Client) -> None:
    page = "/settings/subscriptions/"
    given = {"name_ko": "뉴스레터", "name_en": "Newsletter", "about_en": "Every Tuesday", "topic": "News", "public": "on", "months": "24"}
    assert b"Newsletter" in admin.post(f"{page}new/", given).content
    wrong = admin.post(f"{page}new/", {"name_ko": " ", "months": "9999", "about_en": "Twice a year"})
    assert wrong.status_code == 422
    said = wrong.content.decode()
    assert said.count("Give it a name") == 1
    assert re.search(r'name="name_\w\w"[^>]*aria-invalid="true"', said)  # at its field
    assert re.search(r'name="months" value="9999"[^>]*aria-invalid="true"', said)
    assert "Twice a year" in said  # what was typed stays
    admin.post(f"{page}new/", {"name_en": "Seminars", "public": "on"})
    news, events = SubscriptionType.objects.order_by("position")
    assert subscriptions.usual() == news
    admin.post(f"{page}{events.pk}/first/")
    assert subscriptions.usual() == events
    admin.post(f"{page}{events.pk}/", {"name_en": "Seminars", "separate": "on"})
    assert subscriptions.usual() == news
    admin.post(f"{page}{news.pk}/archive/")
    assert SubscriptionType.objects.get(pk=news.pk).archived_at is not None
    assert subscriptions.usual() is None
    assert web.post(f"{page}new/", given).status_code == 403
    assert admin.get(page).status_code == 200


def test_limits_are_checked_and_kept(admin: Client) -> None:
    page = "/settings/subscriptions/rules/"
    assert admin.post(page, {"cap_messages": "3", "cap_days": "14", "soft_bounces": "4", "soft_days": "7"}).status_code == 200
    assert (rules.rules().cap_messages, rules.rules().cap_days, rules.rules().soft_bounces) == (3, 14, 4)
    wrong = admin.post(page, {"cap_messages": "-1", "cap_days": "x", "soft_bounces": "4", "soft_days": "7"})
    assert wrong.status_code == 422
    assert rules.rules().cap_messages == 3


def test_the_list_is_searched_added_to_lifted_with_a_reason_and_exported_by_few(web: Client, admin: Client, oh: User) -> None:
    page = "/settings/suppressions/"
    anna, ben = person("anna@gaon.example", firstname="Anna", lastname="Lee"), person("ben@gaon.example", firstname="Ben", lastname="Kim")
    suppression.suppress(anna, "email", suppression.BOUNCED, source="message:1", note="550 5.1.1 no such user")
    suppression.unsubscribe(ben, 0)
    both = web.get(page).content.decode()
    assert "Anna" in both
    assert "550 5.1.1" in both
    only = web.get(f"{page}?reason=bounced", headers={"HX-Request": "true"}).content.decode()
    assert "Anna" in only
    assert "Ben" not in only
    assert "Ben" in web.get(f"{page}?q=ben@gaon.example").content.decode()
    assert "Anna" not in web.get(f"{page}?q=ben").content.decode()
    file = SimpleUploadedFile("stop.csv", "이름,이메일\nA,stranger@gaon.example\nB,nonsense\n".encode("cp949"), content_type="text/csv")
    assert "nonsense" not in web.post(f"{page}add/", {"file": file, "reason": "imported", "note": "old system"}).content.decode()
    assert suppression.addresses(["stranger@gaon.example"]) == {"stranger@gaon.example": "imported"}
    assert "is on the list" in web.get(f"{page}?q=stranger@gaon.example").content.decode()
    empty = web.post(f"{page}add/", {"addresses": "", "reason": "manual", "note": "told by phone"})
    assert empty.status_code == 422
    assert "told by phone" in empty.content.decode()  # what was typed stays
    silent = web.post(f"{page}lift/", {"contact": str(anna), "channel": "email", "why": " "})
    assert silent.status_code == 422
    assert re.search(rf'<dialog[^>]* id="lift-{anna}-email"[^>]* open>', silent.content.decode())  # with the message at its field
    assert Suppression.objects.filter(contact_id=anna).exists()
    web.post(f"{page}lift/", {"contact": str(anna), "channel": "email", "why": "She has a new mailbox"})
    assert not Suppression.objects.filter(contact_id=anna).exists()
    assert History.objects.get(verb="lifted").detail["why"] == "She has a new mailbox"
    web.post(f"{page}lift/", {"address": "stranger@gaon.example", "why": "asked us to"})
    assert suppression.addresses(["stranger@gaon.example"]) == {}
    told = admin.get(f"{page}export/")
    assert b"ben@gaon.example" in b"".join(told.streaming_content)  # type: ignore[attr-defined]
    sales = users.create("sales@nuriwork.example", "영업", "a-long-enough-one", "viewer", actor=SYSTEM)
    other = Client()
    other.force_login(sales)
    assert other.get(f"{page}export/").status_code == 403


def test_a_move_is_begun_with_a_file_and_tells_what_became_of_people(web: Client) -> None:
    page = "/import/from/"
    assert "Stibee" in web.get("/import/").content.decode()
    assert web.post(page, {"service": "stibee"}).status_code == 422
    text = "이메일 주소,이름,구독 상태,구독일\nanna@gaon.example,홍길동,구독 중,2025-03-01\nben@gaon.example,이둘,수신거부,\n"
    file = SimpleUploadedFile("주소록.csv", text.encode(), content_type="text/csv")
    answer = web.post(page, {"service": "stibee", "file": file, "source": "Form", "everything": "all", "groups": "on"})
    assert answer.status_code == 302
    move = Move.objects.get()
    run.run(move.pk)
    told = web.get(answer["Location"]).content.decode()
    assert "Agreements taken over" in told
    assert "Done" in web.get(page).content.decode()
    key = web.post("/import/from/lists/", {"service": "mailchimp", "key": "nonsense"})
    assert key.status_code == 422
    assert "nonsense" not in key.content.decode()
