"""A workflow leaves as a file and comes back as a draft; what is wrong with a file is told with its place."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from baton.accounts.models import Account, Role, User
from baton.automation import gallery, verbs
from baton.automation.models import Workflow
from baton.platform.actor import SYSTEM

pytestmark = pytest.mark.django_db


def client(role: str) -> Client:
    made = Client()
    made.force_login(User.objects.create_user(f"{role}@nuriwork.example", name=role, role=role, language="en"))
    return made


def test_a_workflow_leaves_as_a_file_and_comes_back(account: Account) -> None:
    workflow = gallery.make("mql_nurture", SYSTEM, "ko")
    oh = client(Role.MARKETING)
    assert f'href="/workflows/{workflow.pk}/file/"' in oh.get(f"/workflows/{workflow.pk}/").content.decode()
    assert 'href="/workflows/import/"' in oh.get("/workflows/").content.decode()
    file = oh.get(f"/workflows/{workflow.pk}/file/")
    assert "attachment" in file["Content-Disposition"]
    assert file.content.decode().startswith("baton: workflow/1\nname: MQL 이메일 육성\n")
    assert oh.get(f"/workflows/{workflow.pk}/file/?published=1").status_code == 404
    came = oh.post("/workflows/import/", {"file": SimpleUploadedFile("a.yaml", file.content), "name": ""})
    again = Workflow.objects.get(name="MQL 이메일 육성 2")
    assert (came.status_code, came["Location"], again.draft) == (302, f"/workflows/{again.pk}/", workflow.draft)

    wrong = file.content.replace(b"email: ", b"email: no ")
    told = oh.post("/workflows/import/", {"file": SimpleUploadedFile("a.yaml", wrong), "name": "x"})
    assert told.status_code == 422
    assert "<code>steps[0].email</code> There is no e-mail “no MQL 1. 같은 고민” here." in told.content.decode()
    assert oh.post("/workflows/import/", {"file": SimpleUploadedFile("a.yaml", b"\xff\xfe")}).status_code == 422
    assert Workflow.objects.count() == 2


def test_who_may_not_edit_workflows_imports_none(account: Account) -> None:
    viewer = client(Role.VIEWER)
    workflow = verbs.create("흐름", SYSTEM)
    assert viewer.get("/workflows/import/").status_code == 403
    assert viewer.get(f"/workflows/{workflow.pk}/file/").status_code == 200
