"""What the sample company sells: products, and what of them is offered in its deals, line by line and as quotes."""

from datetime import datetime, timedelta
from typing import Any

from baton.crm import formulas
from baton.crm import properties as definitions
from baton.demo import tables
from baton.demo.sample import Deal, Row, Sample
from baton.platform.config import config

# name -> article number, price in won a person and year (or once), billed how, what it is
PRODUCTS: dict[str, tuple[str, int, str, str]] = {
    "근태 관리": ("NW-100", 72_000, "annually", "근무표, 휴가, 연장근로 계산. 1인 1년."),
    "전자계약": ("NW-200", 36_000, "annually", "근로계약과 동의서를 전자서명으로. 1인 1년."),
    "급여 마감": ("NW-300", 48_000, "annually", "근태에서 급여 파일까지. 1인 1년."),
    "출입 기록 연동": ("NW-410", 2_400_000, "annually", "출입 장치의 기록을 근태로. 사업장 1곳, 1년."),
    "도입 지원": ("NW-900", 1_680_000, "", "규정 정리와 자료 이관. 1회."),
    "관리자 교육": ("NW-910", 600_000, "", "방문 교육 3시간. 1회."),
}
QUOTED = {"presentationscheduled": 0.4, "decisionmakerboughtin": 0.7, "contractsent": 1.0, "closedwon": 0.9, "closedlost": 0.3}  # how many have a quote
STATUS = {
    "qualifiedtobuy": "DRAFT", "presentationscheduled": "PENDING_APPROVAL", "decisionmakerboughtin": "APPROVAL_NOT_NEEDED",
    "contractsent": "APPROVAL_NOT_NEEDED", "closedwon": "SIGNED", "closedlost": "REJECTED",
}  # fmt: skip
TERMS = "견적 금액은 부가가치세 별도입니다. 계약일부터 1년 단위로 청구합니다."


def products(sample: Sample) -> None:
    """The price list."""
    owner = sample.setting.users["관리자"]
    made = []
    for name, (sku, price, period, text) in PRODUCTS.items():
        about: dict[str, Any] = {"name": name, "sku": sku, "price": price, "currency": "KRW", "description": text, "owner_id": owner}
        row = Row("product", sample.number(), about | ({"recurring_period": period} if period else {}), sample.now - timedelta(days=720), by=f"user:{owner}")
        made.append(row)
        sample.products[name] = row.id
    tables.records(made)


def make(sample: Sample) -> list[Row]:
    """The lines and quotes of deals that came so far; what a deal is worth is the sum of its lines from now on."""
    rng, made = sample.luck("offers"), []
    for deal in sample.deals:
        hero = deal.person is sample.people[0]
        if not hero and rng.random() > QUOTED.get(deal.stage, 0) + 0.15:
            continue
        lines = _lines(sample, deal, 0 if hero else rng.choice((0, 0, 0, 5, 10)), hero or rng.random() < 0.5)
        deal.row.properties["amount"] = int(sum(line.properties["amount"] for line in lines))
        made += lines
        if hero or rng.random() < QUOTED.get(deal.stage, 0):
            number = f"NW-{deal.row.at.year}-{len(made):04d}"
            made.append(_quote(sample, deal, lines, number))
    return made


def _lines(sample: Sample, deal: Deal, percent: int, helped: bool) -> list[Row]:
    formula = definitions.definitions("line_item")["amount"].formula
    named = str(deal.row.properties["dealname"]).removeprefix(deal.person.company.name)
    wanted = {name: deal.seats for name in ("근태 관리", "전자계약", "급여 마감") if name.split()[0] in named}
    wanted |= {"도입 지원": 1} if helped else {}
    made = []
    for name, quantity in wanted.items():
        _sku, price, period, _text = PRODUCTS[name]
        about: dict[str, Any] = {
            "name": name, "product_id": sample.products[name], "quantity": quantity, "price": price, "currency": "KRW", "owner_id": deal.owner,
        }  # fmt: skip
        about |= ({"recurring_period": period} if period else {}) | ({"discount_percentage": percent} if percent and period else {})
        about["amount"] = formulas.result(formula, about)
        made.append(Row("line_item", sample.number(), about, _soon(sample, deal), [("deal", deal.row.id)], f"user:{deal.owner}"))
    return made


def _quote(sample: Sample, deal: Deal, lines: list[Row], number: str) -> Row:
    at = _soon(sample, deal)
    about: dict[str, Any] = {
        "title": f"{deal.row.properties['dealname']} 견적서", "number": number, "status": STATUS.get(deal.stage, "DRAFT"),
        "amount": deal.row.properties["amount"], "currency": "KRW", "expires_on": (max(at, sample.now - timedelta(days=20)) + timedelta(days=30))
        .astimezone(config().zone).date().isoformat(), "language": "ko", "terms": TERMS, "owner_id": deal.owner,
        "comments": f"{deal.person.name} 님께 드리는 {deal.seats:,}명 기준 견적입니다.",
    }  # fmt: skip
    if not deal.open:
        about["expires_on"] = (at + timedelta(days=30)).astimezone(config().zone).date().isoformat()
    return Row("quote", sample.number(), about, at, [*deal.about, *(("line_item", line.id) for line in lines)], f"user:{deal.owner}")


def _soon(sample: Sample, deal: Deal) -> datetime:
    """When an offer was made: within a day of the deal's beginning."""
    return min(deal.row.at + timedelta(hours=20), deal.row.at + (sample.now - deal.row.at) / 2)
