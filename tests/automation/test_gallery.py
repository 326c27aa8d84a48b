"""Templates: each makes a whole draft in either language, and nothing of it is switched on."""

import pytest

from baton.accounts.models import Account
from baton.automation import gallery, graph
from baton.automation.models import Enrollment, Workflow
from baton.crm.models import Pipeline
from baton.forms.models import Form
from baton.messaging.models import Email
from baton.platform.actor import SYSTEM
from baton.platform.errors import NotFound
from baton.segments.models import Segment


@pytest.mark.parametrize("language", ["ko", "en"])
def test_each_template_makes_a_whole_draft_that_does_nothing_yet(account: Account, language: str) -> None:
    names = set()
    for template in gallery.all():
        workflow = gallery.make(template.key, SYSTEM, language)
        names.add(workflow.name)
        assert workflow.name == template.name(language)
        assert workflow.state == "draft"
        problems = graph.parse(workflow.draft, workflow.object_type).problems()
        assert {problem.path for problem in problems} == set(template.decide), (template.key, problems)
    assert len(names) == len(gallery.all()) >= 11
    assert not Enrollment.objects.exists()
    assert not Form.objects.exclude(version=0).exists()
    korean = [mail for mail in Email.objects.all() if any("가" <= letter <= "힣" for letter in mail.body)]
    assert len(korean) == (Email.objects.count() if language == "ko" else 0)
    assert {pipeline.key for pipeline in Pipeline.objects.filter(builtin=False)} >= {"b2b", "shop"}


def test_a_second_one_has_names_and_things_of_its_own(account: Account) -> None:
    first, second = (gallery.make("b2b_journey", SYSTEM, "ko") for _ in range(2))
    assert (first.name, second.name) == ("B2B 여정", "B2B 여정 2")
    assert first.draft["steps"][0]["email"] != second.draft["steps"][0]["email"]
    assert [one.draft["steps"][1]["pipeline"] for one in (first, second)] == list(
        Pipeline.objects.filter(label__startswith="B2B 여정").order_by("pk").values_list("key", flat=True)
    )
    own = second.draft["steps"][1]["pipeline"]
    assert f"'value': '{own}'" in str(second.draft["steps"][3]["filter"])
    assert len({mail.name for mail in Email.objects.all()}) == Email.objects.count() == 6
    seminar = gallery.make("seminar", SYSTEM, "en")
    assert Segment.objects.get(pk=seminar.draft["triggers"][0]["segment"]).name == "Seminar guests"
    with pytest.raises(NotFound):
        gallery.make("moon", SYSTEM)
    assert Workflow.objects.count() == 3
