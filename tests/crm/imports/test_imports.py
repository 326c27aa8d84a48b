"""What an import makes, changes, links, says, and takes back."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation

from baton.accounts.models import Role, User
from baton.crm import associations, consent, contacts, properties, records
from baton.crm.imports import chunk, faults, run, undo, verbs
from baton.crm.models import Contact, Import, PropertyDefinition, Record
from baton.platform import clock, sql
from baton.platform.actor import SYSTEM, Actor
from baton.platform.errors import Conflict, Invalid

pytestmark = pytest.mark.django_db
Doer = Callable[..., Import]


def problems(row: Import) -> list[tuple[str, str]]:
    return [(r[0], r[1]) for r in sql.rows('SELECT "column", code FROM import_fault WHERE import_id = %s ORDER BY number, place', [row.pk])]


def contact(email: str) -> Contact:
    return Contact.objects.get(email=email, archived_at=None)


def take_back(row: Import, someone: Actor) -> Import:
    verbs.undo(row.pk, actor=someone)
    undo.run(row.pk)
    row.refresh_from_db()
    return row


def test_korean_contacts_in_cp949(bring: Doer) -> None:
    row = bring("이메일 주소;성명;휴대폰;회사명;직급;담당자\r\nhong@gana.example;홍길동;010-1234-5678;㈜가나;부장;오세린\r\n", encoding="cp949", type="contact")
    assert row.counts["created"] == 1
    assert not problems(row)
    values = contact("hong@gana.example").properties
    assert values["lastname"] == "홍"
    assert values["firstname"] == "길동"
    assert values["mobilephone"] == "+821012345678"
    assert values["seniority"] == "head", "부장"
    assert values["owner_id"]


def test_a_second_import_changes_and_doubles_nothing(bring: Doer) -> None:
    text = "Email,First Name,City\nanna@gana.example,Anna,Seoul\nBEN@gana.example,Ben,\n"
    bring(text)
    row = bring(text.replace("Seoul", "Busan"))
    assert (row.counts.get("created", 0), row.counts["updated"], row.counts["same"]) == (0, 1, 1)
    assert contact("anna@gana.example").properties["city"] == "Busan"


def test_doubles_in_the_file_are_one_record(bring: Doer) -> None:
    row = bring("Email,City\nanna@gana.example,Seoul\nANNA@gana.example,Busan\n")
    assert (row.counts["created"], row.counts["double"]) == (1, 1)
    assert contact("anna@gana.example").properties["city"] == "Busan"


def test_only_new_or_only_known_ones(bring: Doer) -> None:
    bring("Email,City\nanna@gana.example,Seoul\n")
    row = bring("Email,City\nanna@gana.example,Busan\nben@gana.example,Busan\n", mode="create")
    assert (row.counts["created"], row.counts["skipped"]) == (1, 1)
    assert contact("anna@gana.example").properties["city"] == "Seoul"
    row = bring("Email,City\nanna@gana.example,Busan\ncho@gana.example,Busan\n", mode="update")
    assert (row.counts["updated"], row.counts["skipped"]) == (1, 1)
    assert ("", "NOT_THERE") in problems(row)


def test_a_value_that_cannot_be_taken_is_said_and_the_rest_imported(bring: Doer) -> None:
    row = bring("Email,City,Employees,Website\nanna@gana.example,Seoul,many,http://\nwrong,Busan,3,\n", type="contact")
    assert row.counts["created"] == 2
    assert contact("anna@gana.example").properties["city"] == "Seoul"
    assert set(problems(row)) == {("Employees", "INVALID_NUMBER"), ("Website", "INVALID_URL"), ("Email", "INVALID_EMAIL")}
    row = bring("Email,Employees\nben@gana.example,many\n", faulty="skip", type="contact")
    assert row.counts["faulty"] == 1
    assert not Contact.objects.filter(email="ben@gana.example").exists()


def test_the_file_of_problems_has_the_row_the_column_and_the_reason_in_the_encoding_of_the_upload(bring: Doer) -> None:
    row = bring("이메일,직원 수\nhong@gana.example,많음\n", encoding="cp949", type="contact")
    lines = list(csv.reader(io.StringIO(b"".join(faults.file(row)).decode("cp949"))))
    assert lines[1][:2] == ["hong@gana.example", "많음"]
    assert lines[1][2:4] == ["1", "직원 수"]


def test_a_phone_that_is_no_number_is_kept(bring: Doer) -> None:
    row = bring("Email,Phone Number\nanna@gana.example,831.605.2433x72946\n")
    assert contact("anna@gana.example").properties["phone"] == "831.605.2433x72946"
    assert row.notes[0]["code"] == "PHONE_KEPT"


def test_stages_by_label_and_translation(bring: Doer) -> None:
    text = 'Deal Name,Deal Stage,Amount\nA,Won,"1,000"\nB,실주,2\nC,Engaging,3\nD,Nowhere,4\n'
    row = bring(text, values={"Deal Stage": {"Engaging": "qualifiedtobuy"}})
    stages = {r.properties["dealname"]: r.properties["dealstage"] for r in Record.objects.filter(object_type="deal")}
    assert stages == {"A": "closedwon", "B": "closedlost", "C": "qualifiedtobuy", "D": "appointmentscheduled"}
    assert problems(row) == [("Deal Stage", "INVALID_STAGE")]


def test_a_pipeline_and_an_option_are_made_of_a_value(bring: Doer) -> None:
    bring("Deal Name,Pipeline,Deal Stage\nA,Renewals,Closed Won\n", values={"Pipeline": {"Renewals": "+"}})
    deal = Record.objects.get(object_type="deal")
    assert (deal.properties["pipeline"], deal.properties["dealstage"]) == ("renewals", "closedwon")
    bring("Company Name,Industry\n가나,Robots\n", values={"Industry": {"Robots": "+"}}, type="company")
    assert Record.objects.get(object_type="company").properties["industry"] == "Robots"


def test_numbers_of_another_system_update_and_link_later_files(bring: Doer) -> None:
    bring("Company ID,Company Name\nC-1,가나\nC-2,가나\n")
    assert Record.objects.filter(object_type="company").count() == 2, "the same name, but two numbers"
    assert properties.definitions("company")["company_id"].unique_value
    row = bring("Company ID,Company Name\nC-1,가나다\n")
    assert row.counts["updated"] == 1
    row = bring("Deal ID,Deal Name,Deal Stage,Company ID\nD-1,A,Won,C-1\n")
    deal = Record.objects.get(object_type="deal")
    (linked,) = associations.of(deal.id, "company")
    assert Record.objects.get(id=linked).properties["name"] == "가나다"


def test_links_by_name_domain_and_number_and_what_was_meant(bring: Doer) -> None:
    bring("name,price\nGTX Pro,4821\n", type="product")
    bring("회사명,도메인,사업자등록번호\n㈜가나,gana.example,123-45-67891\n", type="company")
    row = bring("opportunity_id,product,account,deal_stage\n1,GTXPro,주식회사 가나,Won\n2,GTX Prox,Nobody,Won\n3,,,Won\n")
    assert row.counts["linked"] == 2
    assert row.notes == [
        {"code": "NAME_MATCHED", "was": "GTXPro", "now": "GTX Pro", "rows": 1},
        {"code": "NAME_MATCHED", "was": "주식회사 가나", "now": "㈜가나", "rows": 1},
    ]
    said = dict((r[1], r[2]) for r in faults.some(row.pk, 10))
    assert "GTX Pro" in said["product"]
    assert "Nobody" in said["account"]
    row = bring("Email,사업자등록번호\nanna@gana.example,1234567891\n", type="contact")
    assert associations.of(contact("anna@gana.example").id, "company")


def test_a_wrong_business_number_is_no_number(bring: Doer) -> None:
    row = bring("회사명,사업자등록번호\n가나,123-45-67890\n", type="company")
    assert problems(row) == [("사업자등록번호", "INVALID_BUSINESS_NUMBER")]


def test_the_records_of_one_row_are_linked(bring: Doer) -> None:
    row = bring("People-이름,People-이메일,Organization-이름,Deal-이름,Deal-금액\n홍길동,hong@gana.example,가나,가나 도입,100만\n")
    assert row.origin == "salesmap"
    deal = Record.objects.get(object_type="deal")
    assert deal.properties["amount"] == 1_000_000
    assert associations.of(deal.id, "contact") == [contact("hong@gana.example").id]
    assert associations.of(deal.id, "company") == associations.of(contact("hong@gana.example").id, "company")


def test_activities_of_several_kinds_in_one_file(bring: Doer) -> None:
    bring("Email\nanna@gana.example\n")
    text = (
        "Activity ID,Activity Type,Activity Date,Notes/Description,Call Outcome,Task Status,Task Due Date,Associated Contact Email\n"
        "1,Call,2026-01-02,Hello,Connected,,,anna@gana.example\n2,Task,2026-01-02,Do it,,Waiting,2026-02-03,anna@gana.example\n3,Dance,2026-01-02,,,,,\n"
    )
    row = bring(text)
    assert (row.object_type, row.counts["created"], row.counts["faulty"]) == ("activity", 2, 1)
    call, task = Record.objects.get(object_type="call"), Record.objects.get(object_type="task")
    assert (call.properties["outcome"], task.properties["status"]) == ("connected", "WAITING")
    assert task.properties["at"].startswith("2026-02-0")
    assert associations.of(call.id, "contact")


def test_more_addresses_belong_to_one_contact(bring: Doer) -> None:
    bring("Email,Additional email addresses\nanna@gana.example,anna@home.example;anna@old.example\n")
    assert contacts.by_email("anna@old.example") == contact("anna@gana.example").id
    row = bring("Email,City\nanna@home.example,Seoul\n")
    assert row.counts["updated"] == 1
    assert contact("anna@gana.example").properties["city"] == "Seoul"


class TestConsent:
    def test_with_a_date(self, bring: Doer) -> None:
        bring("이메일,수신 동의,동의일\na@gana.example,예,2026-01-02\nb@gana.example,거부,\nc@gana.example,,\n", type="contact")
        assert [consent.granted(contact(f"{name}@gana.example").id, "email") for name in "abc"] == [True, False, None]
        (at,) = sql.rows("SELECT at FROM consent WHERE granted")[0]
        assert at.year == 2026
        assert at.month == 1

    def test_an_opt_out_stays_unless_the_user_says_so(self, bring: Doer, someone: Actor) -> None:
        bring("Email\na@gana.example\n")
        id = contact("a@gana.example").id
        consent.set([id], "email", False, actor=someone, source="unsubscribe")
        row = bring("Email,Consent\na@gana.example,yes\n")
        assert consent.granted(id, "email") is False
        assert problems(row) == [("", "OPTED_OUT")]
        bring("Email,Consent\na@gana.example,yes\n", consent="file")
        assert consent.granted(id, "email") is True

    def test_files_of_mailchimp_and_stibee(self, bring: Doer) -> None:
        head = "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LEID,EUID,UNSUB_TIME,UNSUB_REASON\n"
        row = bring(head + "a@gana.example,A,2,,2025-01-01 00:00:00,1,x,2025-02-02 00:00:00,N/A\n", name="unsubscribed_1.csv")
        assert row.origin == "mailchimp"
        assert consent.granted(contact("a@gana.example").id, "email") is False
        row = bring("이메일 주소,이름,구독 상태,광고성 정보 수신 동의\nb@gana.example,김민수,구독 중,Y\nc@gana.example,이나라,수신거부,Y\n")
        assert row.origin == "stibee"


class TestUndo:
    def test_takes_back_what_it_made_and_changed(self, bring: Doer, someone: Actor) -> None:
        bring("Email,City\nanna@gana.example,Seoul\n")
        row = bring("Email,City,Consent\nanna@gana.example,Busan,yes\nben@gana.example,Busan,yes\n")
        row = take_back(row, someone)
        assert row.state == "undone"
        anna = contact("anna@gana.example")
        assert anna.properties["city"] == "Seoul"
        assert consent.granted(anna.id, "email") is None
        assert not Contact.objects.filter(email="ben@gana.example", archived_at=None).exists()

    def test_leaves_what_was_changed_again(self, bring: Doer, someone: Actor) -> None:
        bring("Email,City,Job Title\nanna@gana.example,Seoul,CEO\n")
        row = bring("Email,City,Job Title\nanna@gana.example,Busan,CTO\n")
        id = contact("anna@gana.example").id
        records.update("contact", id, {"city": "Daegu"}, actor=someone, source="page")
        take_back(row, someone)
        values = contact("anna@gana.example").properties
        assert (values["city"], values["jobtitle"]) == ("Daegu", "CEO")

    def test_removes_links_and_may_be_done_once(self, bring: Doer, someone: Actor) -> None:
        bring("name\n가나\n", type="company")
        bring("Email\nanna@gana.example\n")
        row = bring("Email,Associated Company\nanna@gana.example,가나\n")
        id = contact("anna@gana.example").id
        assert associations.of(id, "company")
        take_back(row, someone)
        assert not associations.of(id, "company")
        with pytest.raises(Conflict):
            verbs.undo(row.pk, actor=someone)


def test_a_preview_writes_nothing_and_tells_the_truth(upload: Doer, bring: Doer) -> None:
    bring("Email,City\nanna@gana.example,Seoul\n")
    row = upload("Email,City,Contact ID,Employees\nanna@gana.example,Busan,1,x\nben@gana.example,Busan,2,3\nben@gana.example,,2,\n", type="contact")
    found = verbs.look(row.pk)
    assert (found.counts["updated"], found.counts["created"], found.counts["double"], found.counts["partly"]) == (1, 1, 1, 1)
    assert contact("anna@gana.example").properties["city"] == "Seoul"
    assert Contact.objects.count() == 1
    assert not PropertyDefinition.objects.filter(name="contact_id").exists()


def test_a_killed_worker_s_import_goes_on_behind_the_last_chunk(upload: Doer, someone: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHUNK", 2)
    row = upload("Email\n" + "".join(f"p{n}@gana.example\n" for n in range(5)))
    verbs.start(row.pk, actor=someone)
    real: Any = chunk.Chunk.write
    calls = []

    def dies(self: chunk.Chunk) -> None:
        calls.append(1)
        real(self)
        if len(calls) == 2:
            raise KeyboardInterrupt  # a killed process: no handler runs

    monkeypatch.setattr(chunk.Chunk, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        run.run(row.pk)
    row.refresh_from_db()
    assert (row.state, row.position, Contact.objects.count()) == ("running", 2, 2), "the chunk that broke off left nothing"
    run.run(row.pk)
    row.refresh_from_db()
    assert (row.state, row.position, row.counts["created"], Contact.objects.count()) == ("done", 5, 5, 5)


def test_what_no_check_foresaw_stops_the_import_and_says_where(upload: Doer, someone: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    row = upload("Email\na@gana.example\n")
    verbs.start(row.pk, actor=someone)
    monkeypatch.setattr(chunk.Chunk, "write", lambda self: 1 / 0)
    run.run(row.pk)
    row.refresh_from_db()
    assert (row.state, row.position) == ("failed", 0)
    assert row.trouble


def test_a_column_goes_somewhere_once(upload: Doer, someone: Actor) -> None:
    row = upload("Email,City\na@gana.example,x\n")
    with translation.override("en"), pytest.raises(Invalid, match="goes there already"):
        verbs.match(row.pk, [{"to": "property:contact:email"}] * 2, {}, actor=someone)


class TestRights:
    """A file reaches no further than whoever brings it."""

    @pytest.fixture
    def seller(self, account: object) -> Actor:
        own = dict.fromkeys(("view", "edit", "delete"), "own") | {"create": "all", "import": "all"}
        Role.objects.create(key="seller", name="seller", rights={"*": own, "product": {"view": "all"}}, areas={})
        return Actor("user", User.objects.create_user("seller@nuriwork.example", name="판매", role="seller").pk)

    def take(self, seller: Actor, text: str, type: str, *to: str) -> Import:
        row = verbs.upload("a.csv", [text.encode()], actor=seller, object_type=type)
        if to:
            verbs.match(row.pk, [{"to": target} for target in to], {}, actor=seller)
        verbs.start(row.pk, actor=seller)
        run.run(row.pk)
        row.refresh_from_db()
        return row

    def test_records_of_others_are_not_changed(self, seller: Actor) -> None:
        far = records.create("contact", {"email": "far@gana.example", "city": "Seoul"}, actor=SYSTEM, source="api")
        mine = records.create("contact", {"email": "mine@gana.example", "owner_id": str(seller.id)}, actor=SYSTEM, source="api")
        row = self.take(seller, "Email,City\nfar@gana.example,Busan\nmine@gana.example,Busan\nnew@gana.example,Busan\n", "contact")
        assert records.get("contact", far).properties["city"] == "Seoul"
        assert records.get("contact", mine).properties["city"] == "Busan"
        assert contact("new@gana.example").properties["city"] == "Busan"
        assert problems(row) == [("", "FORBIDDEN")]

    def test_what_cannot_be_seen_is_not_linked_nor_named(self, seller: Actor) -> None:
        records.create("company", {"name": "비밀전자"}, actor=SYSTEM, source="api")
        text = "Email,Company\na@gana.example,비밀전자\nb@gana.example,비밀전지\n"
        self.take(seller, text, "contact", "property:contact:email", "link:company:name")
        assert associations.of(contact("a@gana.example").id, "company") == []
        assert "비밀전자" not in str(sql.rows("SELECT message FROM import_fault WHERE number = 2"))

    def test_what_may_not_be_made_is_not_made_beside(self, seller: Actor) -> None:
        row = self.take(seller, "Deal,Product\nBig,Thing\n", "deal", "property:deal:dealname", "property:product:name")
        assert Record.objects.filter(object_type="deal").count() == 1
        assert not Record.objects.filter(object_type="product").exists()
        assert problems(row) == [("", "FORBIDDEN")]


def test_when_the_record_was_made_elsewhere(bring: Doer) -> None:
    bring("Email,Create Date\na@gana.example,2024-08-18\n")
    assert contact("a@gana.example").created_at.year == 2024
    assert clock.now().year > 2024
