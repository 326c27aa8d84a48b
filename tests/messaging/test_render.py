"""What a person gets: merge fields, links, pixel, footer, text."""

import re

import pytest

from baton.messaging.mail import frame, letters, render
from baton.messaging.mail.letters import Letter
from baton.messaging.models import Email, EmailLink
from baton.platform import signing
from baton.platform.config import config
from baton.platform.errors import Invalid
from tests.messaging.conftest import person

pytestmark = pytest.mark.django_db


def one(email: Email, contact_id: int, message_id: int = 77) -> Letter:
    return sent(email, (contact_id, message_id))[0]


def sent(email: Email, *pairs: tuple[int, int]) -> list[Letter]:
    """What goes to these (contact, message)."""
    return letters.written(frame.of(email), [letters.Recipient(contact_id, message_id) for contact_id, message_id in pairs])


def test_merge_fields_take_the_contacts_values_and_fall_back(email: Email) -> None:
    known, unknown = person(firstname="지우", lastname="서"), person("nobody@gaon.example")
    got = render.mail(email, [known, unknown])
    assert "안녕하세요, 지우 님." in got[0].html
    assert "서지우 님" in got[0].subject
    assert "안녕하세요, 고객 님." in got[1].html


def test_phone_numbers_are_written_for_people(nuriwork: object) -> None:
    home, abroad = person("a@x.example", phone="+821048271935"), person("b@x.example", phone="+14155550123")
    assert render.lines("{{ contact.phone }}", [home, abroad]) == {home: "010-4827-1935", abroad: "+1 415-555-0123"}


def test_values_cannot_become_markup(email: Email) -> None:
    assert "&lt;b&gt;지우&lt;/b&gt;" in one(email, person(firstname="<b>지우</b>")).html


def test_a_fault_in_the_syntax_names_part_and_line() -> None:
    with pytest.raises(Invalid) as caught:
        render.check(subject="{{ contact.firstname", body="<p>\n{% if %}</p>")
    assert [(p.path, p.code) for p in caught.value.problems] == [("subject", "INVALID_TEMPLATE"), ("body", "INVALID_TEMPLATE")]
    assert "2" in caught.value.problems[1].message


def test_a_template_cannot_reach_the_machine(nuriwork: object) -> None:
    email = Email.objects.create(name="x", subject="x", body="{{ contact.__class__.__mro__ }}{{ ''.__class__ }}")
    got = one(email, person())
    assert "class" not in got.html.replace("classList", "") or got.problem


def test_a_few_letters_of_a_template_cannot_fill_the_memory() -> None:
    sums = ("{{ 9**99**99 }}", '{{ ("a"*99999)*99999 }}', "{% for n in range(99999) %}x{% endfor %}")
    texts = ('{{ "a".ljust(3000000000) }}', '{{ "a"|center(3000000000) }}', '{{ "a"|indent(width=3000000000) }}')
    wide = (
        '{{ "{:>3000000000}".format(1) }}',
        '{{ "{:>{w}}".format(1, w=3000000000) }}',
        '{{ "a".expandtabs(1500000000) }}',
        "{{ [1]|batch(300000000, 1)|list }}",
    )
    doubled = ("{% set x = 'aaaaaaaaaa' %}" + "{% set x = x ~ x %}" * 40, "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x + x %}" * 40, "{{ lipsum(99999) }}")
    for heavy in (*sums, *texts, *wide, *doubled, '{{ "%9999999999d" % 1 }}', '{{ "%9999999999d"|format(1) }}'):
        assert render.line(heavy, {}) == heavy
    assert render.line('{{ "5 % * 2"|center(11) }}{% for n in range(3) %}{{ n }}{% endfor %}{{ "%.2f"|format(2) }}', {}) == "5 % * 2 0122.00"
    assert render.line('{{ 2*3 }} {{ 7 % 4 }} {{ 2**3 }} {{ "%.1f" % 3.14 }}', {}) == "6 3 8 3.1"
    assert render.line('{{ "a" ~ 1 }} {{ "a" + "b" }} {{ 1 + 2 }} {{ "{:,}".format(1234) }}', {}) == "a1 ab 3 1,234"


def test_a_property_may_be_called_like_a_method_of_a_dict(nuriwork: object) -> None:
    email = Email.objects.create(name="x", subject="x", body="[{{ contact.items|default('none') }}]")
    assert "[none]" in one(email, person()).html


def test_links_are_rewritten_once_and_lead_to_their_row(email: Email) -> None:
    contact_id = person()
    first, second = sent(email, (contact_id, 77), (contact_id, 78))
    link = EmailLink.objects.get(email=email)
    assert link.url == "https://nuriwork.example/pricing?a=1&b=2"
    token = re.search(r"/c/([\w-]+)/([0-9]+)", first.html)
    assert token
    assert (signing.read("mail", token[1]), token[2]) == ((77, contact_id, email.pk), str(link.id))
    assert token[1] not in second.html
    assert "nuriwork.example/pricing" not in first.html


def test_addresses_that_are_not_web_pages_stay(nuriwork: object) -> None:
    body = '<a href="mailto:a@b.example">m</a><a href="#top">t</a><a href=\'https://x.example/?e={{ contact.email }}\'>e</a>'
    got = one(Email.objects.create(name="x", subject="x", body=body, purpose="transactional"), person("a@b.example"))
    assert 'href="mailto:a@b.example"' in got.html
    assert 'href="#top"' in got.html
    assert "https://x.example/?e=a@b.example" in got.html
    assert got.html.count("/c/") == 1  # the link that nobody sees


def test_a_link_that_nobody_sees_is_in_every_mail_once_and_never_in_the_text(email: Email) -> None:
    first, second = sent(email, (person(), 77), (person("b@b.example"), 78))
    traps = [
        re.findall(r'<a href="[^"]*/c/([\w-]+)/0" style="display:none;mso-hide:all" aria-hidden="true" tabindex="-1"></a>', m.html) for m in (first, second)
    ]
    assert [signing.read("mail", one) for [one] in traps] == [(77, first.contact_id, email.pk), (78, second.contact_id, email.pk)]
    assert f"{traps[0][0]}/0" not in first.text


def test_the_pixel_is_last_in_the_body(email: Email) -> None:
    contact_id = person()
    got = one(email, contact_id)
    token = re.search(r'<img src="[^"]*/o/([\w-]+)\.gif"[^>]*></body></html>$', got.html)
    assert token
    assert signing.read("mail", token[1]) == (77, contact_id, email.pk)


def test_marketing_names_its_sender_and_the_way_out_and_transactional_does_not(email: Email) -> None:
    contact_id = person()
    got = one(email, contact_id)
    assert "누리워크" in got.html
    assert "서울특별시 중구 세종대로 1" in got.html
    assert got.unsubscribe_url in got.html
    token = got.unsubscribe_url.rsplit("/", 1)[1]
    assert signing.read("unsub", token) == (contact_id, email.id)
    assert got.unsubscribe_url in got.text
    email.purpose = "transactional"
    plain = one(email, contact_id)
    assert plain.unsubscribe_url == ""
    assert "/u/" not in plain.html


def test_advertising_says_so_in_korea(email: Email) -> None:
    assert config().language == "ko"
    assert one(email, person()).subject.startswith("(광고) ")
    email.purpose = "transactional"
    assert "(광고)" not in one(email, person("b@b.example")).subject


def test_a_preview_is_not_tracked(email: Email) -> None:
    got = render.mail(email, [person()])[0]
    assert "/o/" not in got.html
    assert "https://nuriwork.example/pricing?a=1&amp;b=2" in got.html


def test_one_persons_failure_is_his_own(nuriwork: object) -> None:
    email = Email.objects.create(name="x", subject="x", body="{{ 100 // contact.numberofemployees|int }}")
    got = render.mail(email, [person("a@b.example", numberofemployees=20), person("b@b.example")])
    assert got[0].problem == ""
    assert got[1].problem


def test_the_text_part_reads_like_the_page(email: Email) -> None:
    text = one(email, person(firstname="지우")).text
    assert "안녕하세요, 지우 님." in text
    assert re.search(r"요금 보기 \(http\S+/c/\S+\)", text)
    assert "<" not in text


def test_a_batch_costs_the_same_queries_as_one(email: Email, django_assert_max_num_queries: object) -> None:
    ids = [person(f"p{n}@b.example") for n in range(20)]
    render.mail(email, ids[:1])
    with django_assert_max_num_queries(5):  # type: ignore[operator]
        assert len(render.mail(email, ids)) == 20
