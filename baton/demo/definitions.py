"""What the sample company's marketers have set up: forms, mails, lists, workflows.

All made through the verbs that people use, so everything here is as good as made by hand in the pages.
"""

import re
import uuid
from typing import Any

from baton.crm import stages
from baton.demo.content import CONSENT, EMAILS, FORMS, GUIDS
from baton.forms import verbs as forms
from baton.messaging.mail import emails
from baton.messaging.models import Campaign, EmailLink, Variant
from baton.platform.actor import Actor
from baton.segments import list_presets
from baton.segments import verbs as lists
from baton.segments.models import Segment

Filter = dict[str, Any]
WON = {"condition": "property", "property": "probability", "operator": "at_least", "value": 1}
PRESETS = ("mql", "stuck", "almost_customers")  # lists made from what Baton offers
PERSONAS: dict[str, tuple[str, str, list[str], list[str]]] = {  # name, about, words of the title, ranks
    "leader": ("인사 책임자", "제도와 예산을 정한다. 규정 변경, 급여 마감, 도입 비용에 관심", ["인사", "최고인사", "경영지원", "대표"], ["exec", "head"]),
    "hands": ("인사 실무자", "매일 근태와 계약을 다룬다. 반복 업무와 오류를 줄이고 싶어 한다", ["인사", "채용", "HR", "조직문화"], ["manager", "staff"]),
}
CAMPAIGNS = {"guide": "9월 이용 가이드 안내", "webinar_invite": "11월 웨비나 초대", "case": "도입 사례: 한결물류 편"}
OTHER_SUBJECT = {"b": "급여 마감 4.5일을 1.3일로 줄인 물류사 이야기"}  # of the test of two subjects of the last campaign
SITE_LINK = re.compile(r'"https?://[^/"]+/site')  # how a mail's links to the website begin


def make_forms(actor: Actor) -> dict[str, int]:
    """The five forms; ids by key."""
    made = {}
    for key, about in FORMS.items():
        form = forms.create(about["name"], definition(about), actor=actor, publish=True)
        form.guid = uuid.UUID(GUIDS[key])
        form.save(update_fields=["guid"])
        made[key] = form.pk
    return made


def definition(about: dict[str, Any]) -> dict[str, Any]:
    """A form of content.py as a definition."""
    return {
        "fields": about["fields"], "consent": {**CONSENT, "double_opt_in": about.get("double_opt_in", False)},
        "after": {"kind": "thanks", "thanks": about["thanks"]}, "submit_label": about["submit_label"],
        "notify": {"owner": True},
    }  # fmt: skip


def make_emails(actor: Actor, site: str) -> dict[str, int]:
    """The mails; ids by key. `site` is Baton's public address, under which the website stands."""
    made = {}
    for key, (name, subject, preheader, heading, paragraphs, button, path) in EMAILS.items():
        body = letter(heading, paragraphs, button, f"{site}/site{path}")
        email = emails.create(name, actor, subject=subject, preheader=preheader, body=body, from_name="누리워크")
        made[key] = email.pk
    return made


def make_campaigns(emails: dict[str, int], lists: dict[str, Segment], actor: Actor, site: str) -> dict[str, int]:
    """The campaigns as their makers set them up, by the key of the mail; mailings.py says what became of them."""
    made = {}
    for key, name in CAMPAIGNS.items():
        audience = {"lists": [lists["agreed"].pk], "except": [lists["excluded"].pk]}
        test = {"share": 100, "metric": "opened", "hours": 24, "otherwise": "even"} if key == "case" else {}
        campaign = Campaign.objects.create(name=name, email_id=emails[key], state="done", audience=audience, test=test, created_by=str(actor))
        for letter in "ab" if test else "a":
            Variant.objects.create(
                campaign=campaign, key=letter, email_id=emails[key], version=1, subject=OTHER_SUBJECT.get(letter, "") if test else "", share=50 if test else 100
            )
        urls = [f"{site}/site{path}" for path in (EMAILS[key][-1], "/pricing", "/blog")]
        EmailLink.objects.bulk_create([EmailLink(email_id=emails[key], url=url) for url in urls], ignore_conflicts=True)
        made[key] = campaign.pk
    return made


def letter(heading: str, paragraphs: list[str], button: str, url: str) -> str:
    """A mail in the company's look: one column, one button, readable without pictures."""
    font = "font-family:Pretendard,'Apple SD Gothic Neo','Malgun Gothic','Noto Sans KR',sans-serif"
    site = url[: url.index("/site") + 5]
    knob = "display:inline-block;background:#0c6b54;color:#ffffff;text-decoration:none;"
    knob += "font-weight:700;font-size:16px;padding:14px 24px;border-radius:10px"
    text = "".join(f'<p style="margin:0 0 16px;font-size:16px;line-height:1.7;color:#24302b">{p}</p>' for p in paragraphs)
    return f"""<!doctype html>
<html lang="ko"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{heading}</title></head>
<body style="margin:0 auto;padding:32px 24px;max-width:600px;background:#ffffff;{font};word-break:keep-all">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="border-collapse:collapse">
<tr><td style="padding:0 0 24px;font-size:18px;font-weight:800;color:#0c6b54">누리워크</td></tr>
<tr><td style="padding:36px 32px;background:#f4f7f1;border-radius:16px">
<h1 style="margin:0 0 20px;font-size:26px;line-height:1.35;color:#17231f">{heading}</h1>
{text}
<p style="margin:24px 0 0"><a href="{url}" style="{knob}">{button}</a></p>
</td></tr>
<tr><td style="padding:24px 4px 0;font-size:14px;line-height:1.6;color:#4c5b55">궁금한 점은 이 메일에 답장하시거나 02-555-0142로 전화해 주십시오.<br>
<a href="{site}/pricing" style="color:#0c6b54">요금과 도입 절차</a> · <a href="{site}/blog" style="color:#0c6b54">인사 실무 블로그</a></td></tr>
</table>
</body></html>"""


def make_attended(actor: Actor) -> Segment:
    """Who came to the webinar: a list filled by hand, which a score rule reads."""
    return lists.create_segment("11월 웨비나 참석자", {}, "fixed", actor)


def make_stages(actor: Actor) -> None:
    """A deal counts from the first presentation."""
    promising = {"all": [{"condition": "property", "property": "probability", "operator": "at_least", "value": 0.6}, {"not": WON}]}
    stages.define("opportunity", actor=actor, rule={"mode": "filter", "filter": {"related": "deal", "filter": promising}})


def make_lists(actor: Actor, forms: dict[str, int]) -> dict[str, Segment]:
    """The lists that follow their filters, by key; nobody is in them yet."""

    def stage(value: str) -> Filter:
        return {"condition": "property", "property": "lifecyclestage", "operator": "is", "value": value}

    agreed = {"not": {"condition": "opted_out"}}
    filters: dict[str, tuple[str, Filter]] = {
        "sql": ("SQL: 영업에 넘길 리드", {"all": [{"condition": "score", "at_least": 65}, stage("sql")]}),
        "promising": ("MQL: 유망 리드", stage("mql")),
        "pricing": (
            "최근 30일 가격 페이지 2회 이상",
            {"all": [{"condition": "page_viewed", "address": "/site/pricing", "match": "contains", "at_least": 2, "days": 30}, agreed]},
        ),
        "makers": (
            "제조 · 물류 50명 이상",
            {
                "all": [
                    {"condition": "company_property", "property": "industry", "operator": "any_of", "value": ["manufacturing", "logistics"]},
                    {"condition": "company_property", "property": "numberofemployees", "operator": "at_least", "value": 50},
                    agreed,
                ]
            },
        ),
        "agreed": ("이메일 수신 동의자", {"condition": "mail_state", "state": "opted_in"}),
        "letter": ("뉴스레터 구독자", {"all": [{"condition": "form_submitted", "form": forms["newsletter"]}, agreed]}),
        "asleep": ("90일 동안 조용한 리드", {"all": [{"condition": "no_activity", "days": 90}, {"any": [stage("lead"), stage("subscriber")]}]}),
    }
    made = {"excluded": list_presets.exclusions(actor)}
    made |= {key: lists.create_segment(name, filter, "active", actor) for key, (name, filter) in filters.items()}
    made |= {key: list_presets.make(key, actor=actor) for key in PRESETS}
    for key, (name, about, titles, ranks) in PERSONAS.items():
        tests: list[Filter] = [{"any": [{"condition": "property", "property": "jobtitle", "operator": "contains", "value": title} for title in titles]}]
        tests.append({"condition": "property", "property": "seniority", "operator": "any_of", "value": ranks})
        made[key] = lists.create_segment(name, {"all": tests}, "active", actor, description=about, role="persona")
    return made


def inquiry(forms: dict[str, int], emails: dict[str, int]) -> dict[str, Any]:
    """The graph of '상담 문의 후속': tell sales at once, send the introduction, and wait a day for a click on it."""
    who = '{{ contact.lastname }}{{ contact.firstname }} 님 ({{ contact.company|default("회사 미확인") }})'
    return {
        "triggers": [{"id": "t", "type": "form_submitted", "form": forms["demo"]}],
        "steps": [
            {
                "id": "s1",
                "type": "notify",
                "name": "영업에 바로 알림",
                "to": "owner",
                "title": f"상담 문의: {who}",
                "message": "{{ contact.jobtitle }} {{ contact.phone }}",
            },
            {"id": "s2", "type": "send_email", "name": "", "email": emails["intro"]},
            {
                "id": "s3",
                "type": "wait_until",
                "name": "소개 메일의 링크를 클릭할 때까지",
                "filter": {"condition": "email_clicked", "email": emails["intro"]},
                "days": 1,
                "paths": [
                    {
                        "label": "met",
                        "steps": [
                            {"id": "s5", "type": "notify", "name": "다시 알림", "to": "owner", "title": f"소개 메일을 읽었습니다: {who}", "message": ""},
                            {"id": "s9", "type": "goal", "name": "관심 확인"},
                        ],
                    },
                    {
                        "label": "timeout",
                        "steps": [
                            {"id": "s6", "type": "send_email", "name": "", "email": emails["guide"]},
                            {"id": "s7", "type": "wait", "name": "", "days": 7},
                            {"id": "s8", "type": "send_email", "name": "", "email": emails["nudge"]},
                        ],
                    },
                ],
            },
        ],
    }


def handover(segment_id: int, sales: list[int]) -> dict[str, Any]:
    """The graph of 'SQL 영업 인계': who has no owner gets one in turn. Baton's own alert tells of the SQL with the reasons, so the workflow does not."""
    return {
        "triggers": [{"id": "t", "type": "segment_joined", "segment": segment_id}],
        "settings": {"again": "on_rejoin"},
        "steps": [{"id": "s1", "type": "assign_owner", "name": "담당자 배정", "how": "turn", "users": sales, "when": "unowned"}],
    }
