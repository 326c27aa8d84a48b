"""The sample company's content: nine pieces, with too little for those who decide; two landing pages; a QR code and a link with their clicks."""

import random
from datetime import datetime, timedelta
from typing import Any

from baton.content import addresses, assets, blocks, counts, links, pages
from baton.content.campaign import with_campaign
from baton.content.models import Asset, ShortLink, ShortLinkDay
from baton.demo import brochure, tables
from baton.demo.book import Event
from baton.demo.copying import copy
from baton.demo.pages import AGENTS, SITE
from baton.demo.setting import Setting
from baton.events import keys, sessions
from baton.events.vocabulary import Kind
from baton.events.wire import page_key
from baton.platform import sql
from baton.platform.actor import Actor
from baton.platform.config import config

ACCENT = "#0c6b54"
STRANGERS = 40
# Of these the code tells nothing that their scores do not know: they read a page since.
KNOWN = """
SELECT v.contact_id FROM visitor v JOIN contact c ON c.id = v.contact_id
WHERE v.first_seen_at < v.last_seen_at - interval '12 days'
    AND EXISTS (SELECT 1 FROM event e WHERE e.contact_id = v.contact_id AND e.ts > %s AND e.kind = 1)
ORDER BY v.contact_id LIMIT %s
"""
CONTENT: tuple[dict[str, Any], ...] = (
    {"kind": "page", "title": "전자근로계약, 도입 전에 확인할 다섯 가지", "stage": "early", "path": "/blog/electronic-contract-guide", "topics": ["전자계약"]},
    {"kind": "page", "title": "2027년 근태 제도 변화, 인사팀의 준비표", "stage": "early", "path": "/blog/attendance-2027", "topics": ["근태"]},
    {"kind": "page", "title": "급여 오류의 절반은 근태 마감에서 생깁니다", "stage": "early", "path": "/blog/payroll-errors", "topics": ["급여"]},
    {"kind": "page", "title": "뉴스레터 인사 실무 노트", "stage": "early", "path": "/newsletter", "topics": ["근태", "급여"]},
    {
        "kind": "file",
        "title": "누리워크 상세 소개서",
        "stage": "middle",
        "path": "/files/nuriwork-brochure.pdf",
        "form": "brochure",
        "topics": ["근태", "전자계약"],
        "file": "누리워크 상세 소개서.pdf",
        "description": "근태, 전자계약, 급여 연동을 화면과 함께 설명합니다. 도입 절차와 요금 체계도 담았습니다.",
    },
    {
        "kind": "file",
        "title": "백서: 주 52시간과 교대 근무",
        "stage": "middle",
        "path": "",
        "form": "whitepaper",
        "topics": ["근태"],
        "file": "주52시간-백서.pdf",
        "description": "교대 근무 사업장 120곳의 근무표를 살펴보고, 위반이 생기는 지점과 고치는 순서를 정리했습니다.",
    },
    {
        "kind": "webinar",
        "title": "2027 인사 제도 변화와 대응",
        "stage": "middle",
        "path": "",
        "form": "webinar",
        "topics": ["근태"],
        "minutes": 60,
        "description": "노무사와 함께 바뀌는 제도를 짚고, 취업규칙의 어느 조항을 고쳐야 하는지 봅니다.",
    },
    {
        "kind": "video",
        "title": "누리워크 20초 둘러보기",
        "stage": "early",
        "path": "/static/tour.webm",
        "topics": ["근태", "전자계약"],
        "description": "근무표, 전자근로계약, 급여 마감을 차례로 보여 드립니다.",
    },
    {"kind": "page", "title": "도입 사례: 340명 물류사의 인사 시스템 전환", "stage": "late", "path": "/case", "form": "demo", "topics": ["근태"]},
)


def make(setting: Setting, now: datetime, rng: random.Random) -> None:
    """All of it, by the verbs that people use."""
    actor, forms = setting.actor, setting.forms
    made = {about["title"]: _asset(about, forms, actor, now) for about in CONTENT}
    sheet = made["누리워크 상세 소개서"]
    for name, slug, stage, content in (
        ("상세 소개서 받기", "brochure", "middle", _download(sheet)),
        ("2026 HR 박람회", "hr-fair", "middle", _fair(forms["demo"])),
    ):
        page = pages.create(name, actor=actor, slug=slug, language="ko", stage=stage, content=content)
        pages.publish(page, actor=actor)
    url = config().url
    booth = links.create("박람회 부스 B-17", f"{url}/p/hr-fair/", actor=actor, code="hr2026", medium="qr", place="2026 HR 박람회")
    letter = links.create("뉴스레터 11월호 하단", f"{url}/p/brochure/", actor=actor, code="note11", utm={"utm_source": "newsletter", "utm_medium": "email"})
    today = now.astimezone(config().zone).date()
    ShortLinkDay.objects.bulk_create(
        ShortLinkDay(link_id=link.pk, day=today - timedelta(days=back), people=rng.randint(*span), machines=rng.randint(0, 3))
        for link, span, days in ((booth, (18, 74), range(9, 12)), (letter, (1, 16), range(14)))
        for back in days
    )
    _scanned(setting, booth, now, rng)
    _fetched(setting, made["백서: 주 52시간과 교대 근무"], now, rng)
    counts.count_all()


def _scanned(setting: Setting, booth: ShortLink, now: datetime, rng: random.Random) -> None:
    """Who scanned the code at the booth: strangers whose first page it was, and some whose browser Baton knew."""
    ids, target = setting.ids, with_campaign(booth.url, booth.utm)
    page, form, title = target.partition("?")[0], str(setting.forms["demo"]), "2026 HR 박람회 · 누리워크 B-17"
    known = [(row[0], True) for row in sql.rows(KNOWN, [now - timedelta(days=9), max(2, round(STRANGERS / 4))])]
    events, visitors, cookies = [], [], []
    for who, is_known in [*known, *((id, False) for id in sql.next_ids("record_id_seq", STRANGERS))]:
        at = (now - timedelta(days=rng.choice((9, 10, 11)))).astimezone(config().zone).replace(hour=rng.randint(10, 17), minute=rng.randrange(60))
        agent = rng.choice(AGENTS)
        if is_known:
            said = {"url": booth.url, "medium": "qr", "human": 0.99, "why": ["gesture"], "ua": agent}
            events.append(Event(who, at, Kind.LINK_CLICK, str(booth.pk), booth.name, None, said, rng.getrandbits(52)))
            continue
        view = rng.getrandbits(50) * 4
        events.append(Event(who, at, Kind.PAGE_VIEW, page_key(page), title, None, {"url": target, "title": title, "referrer": ""}, view))
        events.append(Event(who, at, Kind.PAGE_DWELL, page_key(page), title, float(rng.randint(6, 140)), {}, view + 1))
        events.append(Event(who, at, Kind.PAGE_SCROLL, page_key(page), title, float(rng.randint(30, 100)), {}, view + 2))
        about = {"page": target, "version": "1"}
        events.append(Event(who, at + timedelta(seconds=5), Kind.FORM_VIEW, form, ids.form_names["demo"], None, about, rng.getrandbits(52)))
        visitors.append((who, at, at, page_key(page), "", agent))
        cookies.append((f"{rng.getrandbits(128):032x}", "cookie", who, False, at))
    tables.events(events)
    copy("visitor", ("contact_id", "first_seen_at", "last_seen_at", "first_page", "first_referrer", "user_agent"), visitors)
    copy("identity", ("value", "kind", "contact_id", "shared", "created_at"), cookies)
    sessions.rebuild([row[0] for row in visitors])


def _fetched(setting: Setting, paper: Asset, now: datetime, rng: random.Random) -> None:
    """Who asked for the paper got it, seconds after the form was sent."""
    [key] = addresses.addresses(paper, [Kind.DOWNLOAD])
    page = f"{config().url}/a/{paper.guid}/"
    sent = sql.rows(
        "SELECT contact_id, at FROM form_submission WHERE form_id = %s AND at > %s ORDER BY id", [setting.forms["whitepaper"], now - timedelta(days=60)]
    )
    tables.events(
        [
            Event(who, min(at + timedelta(seconds=rng.randint(3, 20)), now), Kind.DOWNLOAD, key, "주52시간-백서.pdf", None, {"page": page}, rng.getrandbits(52))
            for who, at in sent
        ]
    )


def _asset(about: dict[str, Any], forms: dict[str, int], actor: Actor, now: datetime) -> Asset:
    settings: dict[str, Any] = {key: about[key] for key in ("stage", "topics", "description", "minutes") if key in about}
    if about["path"]:
        settings["url"] = f"{config().url}{SITE}{about['path']}"
    if about["kind"] == "webinar":
        settings |= {"starts_at": (now + timedelta(days=9)).replace(minute=0), "url": "https://meet.nuriwork.example/2027"}
    asset = assets.create(about["kind"], about["title"], actor=actor, form_id=forms.get(about.get("form", "")), **settings)
    if "file" in about:
        assets.set_file(asset, about["file"], brochure.pdf(), actor=actor)
    assets.publish(asset, actor=actor)
    Asset.objects.filter(pk=asset.pk).update(published_at=now - timedelta(days=60))
    for kind, value in addresses.of(asset):
        there, rating = keys.tags(kind).get(value, ([], None))
        keys.tag(kind, value, tags=[*(set(there) - set(assets.STAGES)), asset.stage, *asset.topics], rating=rating)
    return asset


def follow(url: str) -> None:
    """Let addresses on this Baton begin with its present one."""
    for model in (Asset, ShortLink):
        for one in model.objects.filter(url__regex=r"^https?://[^/]+/(site|p)/"):
            path = "/" + one.url.split("/", 3)[3]
            model.objects.filter(pk=one.pk).update(url=f"{url}{path}")


def _download(sheet: Asset) -> dict[str, Any]:
    return blocks.document(
        "누리워크 상세 소개서",
        [
            {
                "kind": "hero",
                "eyebrow": "누리워크 상세 소개서",
                "title": "근태와 계약, 급여 마감을 한 흐름으로",
                "align": "start",
                "text": "인사팀이 매달 반복하는 일을 어디까지 줄일 수 있는지, 화면과 숫자로 보여 드립니다.",
                "button": "소개서 보기",
                "link": f"/a/{sheet.guid}/",
            },
            {
                "kind": "numbers",
                "rows": [
                    {"value": "1.3일", "label": "급여 마감, 도입 전 4.5일"},
                    {"value": "340건", "label": "하루에 끝난 근로계약 서명"},
                    {"value": "11주", "label": "전환에 걸린 시간"},
                ],
            },
            {"kind": "heading", "title": "안에 담긴 것", "align": "start"},
            {
                "kind": "text",
                "body": "- 교대, 유연, 재택 근무를 **한 근무표**에서 관리하는 방법\n- 근로계약의 작성, 서명, 보관과 갱신 알림\n"
                "- 쓰던 급여 프로그램과 ERP에 마감 자료를 넘기는 방법\n- 도입 절차와 요금 체계",
            },
            {"kind": "asset", "asset": sheet.pk, "button": "소개서 받기"},
            {"kind": "quote", "text": "마감이 사흘 줄었습니다. 그 사흘에 우리는 사람을 만납니다.", "name": "박서진", "role": "한결물류 인사팀장"},
            {"kind": "footer"},
        ],
        description="근태, 전자계약, 급여 연동을 한 권에 담았습니다.",
        accent=ACCENT,
    )


def _fair(form: int) -> dict[str, Any]:
    return blocks.document(
        "2026 HR 박람회 · 누리워크 B-17",
        [
            {
                "kind": "hero",
                "eyebrow": "2026 HR 박람회 · 부스 B-17",
                "title": "우리 회사 근무표를 가져오세요",
                "align": "center",
                "text": "10분이면 귀사의 근무 유형으로 만든 첫 근무표를 보여 드립니다.",
                "button": "상담 예약",
                "link": "#form",
            },
            {
                "kind": "features",
                "title": "부스에서",
                "columns": "3",
                "rows": [
                    {"title": "직접 써 보기", "text": "3교대 근무표를 그 자리에서 만들어 봅니다."},
                    {"title": "계약 서명 체험", "text": "휴대전화로 근로계약서에 서명하고 보관되는 곳까지 봅니다."},
                    {"title": "전환 상담", "text": "쓰던 시스템에서 무엇을 어떤 순서로 옮기는지 정리해 드립니다."},
                ],
            },
            {
                "kind": "faq",
                "title": "자주 묻는 것",
                "rows": [
                    {"question": "도입에 얼마나 걸립니까?", "answer": "직원 300명 규모에서 보통 8주에서 12주입니다."},
                    {"question": "급여 프로그램을 바꿔야 합니까?", "answer": "아닙니다. 쓰시던 프로그램의 양식으로 마감 자료를 넘깁니다."},
                ],
            },
            {"kind": "form", "form": form, "title": "상담 예약", "text": "남겨 주시면 영업일 하루 안에 연락드립니다."},
            {"kind": "footer"},
        ],
        description="부스 B-17에서 귀사의 근무표를 10분 만에 만들어 드립니다.",
        accent=ACCENT,
        mode="auto",
    )
