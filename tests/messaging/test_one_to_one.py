"""A colleague writes to one contact in his own name from a template."""

from email import message_from_bytes, policy

import pytest

from baton.accounts import users
from baton.accounts.models import Account, User
from baton.crm import activities, erase
from baton.messaging.consent import suppression
from baton.messaging.mail import blocks, emails, letters, one_to_one
from baton.messaging.models import Email, EmailVersion, Outbox
from baton.platform import sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, Invalid, NotFound
from tests.messaging.conftest import person


@pytest.fixture
def han(nuriwork: Account) -> User:
    return users.create("han@nuriwork.example", "한서준", "baton-demo-1", "sales", actor=SYSTEM)


@pytest.mark.django_db
def test_a_letter_is_filled_in_edited_sent_in_his_name_and_logged(han: User) -> None:
    [own] = one_to_one.templates()
    contact = person("jiwoo@gaon.example", agreed=False, firstname="지우", lastname="오", company='<b>가온</b> {{ "x" }}')
    begun = one_to_one.begin(one_to_one.OWN, contact, han)
    assert (begun.to, begun.sender, begun.reply_to, begun.refused) == ("jiwoo@gaon.example", f"한서준 ({users.account().name})", "han@nuriwork.example", "")
    assert (own.pk, Email.objects.count()) == (None, 0), "looking at it saves nothing"
    assert begun.subject.startswith("오지우 님")
    assert "한서준" in begun.subject
    assert "오지우 님, 안녕하세요." in begun.html
    assert "&lt;b&gt;가온&lt;/b&gt;" in begun.html
    typed = begun.html + "<p>추신: {{ contact.email }} 와 {% if 는 글자 그대로입니다.</p><script>1</script>"
    activity = one_to_one.send(begun.template_id, contact, han, subject=begun.subject + " {1}", html=typed, token=begun.token)
    [template] = one_to_one.templates()
    assert (template.name, template.version) == (own.name, 1)
    [(message, number, sender)] = sql.rows("SELECT id, version, sender FROM message WHERE contact_id = %s", [contact])
    assert Outbox.objects.filter(message_id=message).exists()
    letter = letters.build(template.pk, number, [letters.Recipient(contact, message, "", sender)], sign=False)[0]
    mail = message_from_bytes(letter.content, policy=policy.default)
    assert mail["From"].addresses[0].display_name == begun.sender
    assert mail["Reply-To"].addresses[0].addr_spec == "han@nuriwork.example"
    assert mail["Subject"] == begun.subject + " {1}"
    assert "List-Unsubscribe" not in mail
    assert "추신: {{ contact.email }} 와 {% if 는 글자 그대로입니다." in letter.html
    assert '가온&lt;/b&gt; {{ "x" }}' in letter.html.replace("&quot;", '"')
    assert "<script" not in letter.html
    [logged] = activities.page([contact], ["email"], None, 10)
    assert (logged.id, logged.properties["subject"], logged.properties["to_email"]) == (activity, begun.subject + " {1}", "jiwoo@gaon.example")
    assert logged.owner_id == han.pk
    with pytest.raises(Conflict):  # the button pressed twice
        one_to_one.send(one_to_one.OWN, contact, han, subject="a", html="<p>b</p>", token=begun.token)
    assert Email.objects.count() == 1
    assert len(activities.page([contact], ["email"], None, 10)) == 1
    assert emails.versions(template.pk)[0].number == 1
    assert EmailVersion.objects.filter(email=template, number__lt=0).count() == 1
    erase.erase(contact, actor=SYSTEM)
    assert not EmailVersion.objects.filter(email=template, number__lt=0).exists(), "who is forgotten is in no letter either"


@pytest.mark.django_db
def test_only_the_letter_is_edited_and_the_gate_is_asked_before(han: User) -> None:
    text = blocks.new_block
    rows = [
        blocks.new_row(
            "1-1",
            [[text("text", body="<p>안녕하세요.</p>")], [text("text", body="<p>둘째.</p>"), text("button", label="상담", link="https://nuriwork.example/m")]],
        )
    ]
    draft = emails.create("제안", Actor("user", han.pk), subject="제안", kind="personal", purpose="transactional", document=blocks.new(rows=rows))
    with pytest.raises(NotFound):
        one_to_one.begin(draft.pk, person(), han)
    emails.publish(draft.pk, Actor("user", han.pk))
    assert [one.pk for one in one_to_one.templates()] == [draft.pk]
    contact = person("a@gaon.example")
    begun = one_to_one.begin(draft.pk, contact, han)
    assert begun.html == "<p>안녕하세요.</p><p>둘째.</p>"
    with pytest.raises(Invalid) as refused:
        one_to_one.send(draft.pk, contact, han, subject=" ", html="<p> </p>", token="t")
    assert {problem.path for problem in refused.value.problems} == {"subject", "html"}
    one_to_one.send(draft.pk, contact, han, subject="제안", html="<p>새 글</p>", token="t")
    kept = EmailVersion.objects.get(email=draft, number=-1).content
    assert kept["body"].count("새 글") == 1
    assert "둘째" not in kept["body"]
    assert "https://nuriwork.example/m" in kept["body"]
    suppression.suppress(contact, "email", "bounced")
    assert one_to_one.begin(draft.pk, contact, han).refused
    with pytest.raises(Conflict):
        one_to_one.send(draft.pk, contact, han, subject="제안", html="<p>또</p>", token="u")
    assert Email.objects.get(pk=draft.pk).version == 1
