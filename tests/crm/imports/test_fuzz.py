"""Whatever bytes come: no crash, and an import is whole or says where it stopped."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.accounts.models import User
from baton.crm.imports import run, verbs
from baton.crm.models import Contact
from baton.platform import sql
from baton.platform.actor import Actor
from baton.platform.errors import Invalid
from tests import examples

CELL = st.one_of(
    st.sampled_from(["", "a@gana.example", "b@gana.example", "홍길동", "010-1234-5678", "예", "2026. 1. 2.", "=1+1", '"', "\x00", "x" * 300]),
    st.text(max_size=12),
)
ROW = st.lists(CELL, max_size=7)


@pytest.mark.django_db
@settings(max_examples=examples.some(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, max_size=8), st.sampled_from(["utf-8", "cp949", "utf-16"]), st.sampled_from([",", ";", "\t"]))
def test_any_table_is_imported_or_refused(account: object, rows: list[list[str]], encoding: str, delimiter: str) -> None:
    user = User.objects.get_or_create(email="oh@nuriwork.example", defaults={"name": "오세린", "role": "admin"})[0]
    actor = Actor("user", user.pk)
    lines = [["이메일", "이름", "휴대폰", "수신 동의", "생성일"], *rows]
    content = "\n".join(delimiter.join(cell for cell in line) for line in lines).encode(encoding, "replace")
    before = Contact.objects.count()
    try:
        row = verbs.upload("fuzz.csv", [content], actor=actor, object_type="contact")
        verbs.match(row.pk, row.columns, row.options, actor=actor)
    except Invalid:
        return
    verbs.start(row.pk, actor=actor)
    run.run(row.pk)
    row.refresh_from_db()
    assert row.state in ("done", "failed"), row.state
    if row.state == "done":
        fates = sum(row.counts.get(name, 0) for name in ("created", "updated", "same", "double", "skipped", "faulty"))
        assert fates == row.position == row.rows
        assert Contact.objects.count() - before == row.counts.get("created", 0)
    else:
        assert "quotation mark" in row.trouble or row.trouble
    assert sql.rows("SELECT count(*) FROM import_fault WHERE import_id = %s AND NOT taken", [row.pk])[0][0] >= row.counts.get("faulty", 0)
