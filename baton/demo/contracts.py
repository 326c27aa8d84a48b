"""An object type of the sample company's own: the contracts that came of its deals."""

from datetime import datetime, timedelta
from typing import Any

from baton.crm import pipelines, types
from baton.demo import tables
from baton.demo.sample import Deal, Row, Sample
from baton.platform.config import config

PROPERTIES: tuple[dict[str, Any], ...] = (
    {"name": "name", "label": "계약명", "type": "text"},
    {"name": "number", "label": "계약 번호", "type": "text"},
    {"name": "amount", "label": "계약 금액", "type": "number", "field_type": "currency", "indexed": True},
    {"name": "seats", "label": "사용 인원", "type": "number"},
    {"name": "starts_on", "label": "시작일", "type": "date"},
    {"name": "ends_on", "label": "만료일", "type": "date", "indexed": True},
    {"name": "renewal", "label": "갱신", "type": "choice", "options": [{"value": "auto", "label": "자동 갱신"}, {"value": "talk", "label": "협의 후 갱신"}]},
)
STAGES: tuple[dict[str, Any], ...] = (
    {"key": "draft", "label": "작성 중"},
    {"key": "signing", "label": "서명 대기", "hours": 7 * 24},
    {"key": "active", "label": "이용 중"},
    {"key": "renewing", "label": "갱신 협의", "hours": 30 * 24},
    {"key": "ended", "label": "종료", "closed": True},
)
YEAR, TRIAL = timedelta(days=365), timedelta(days=14)
RENEWS = {YEAR: timedelta(days=45), TRIAL: timedelta(days=7)}  # so long before its end a contract's renewal is talked about


def make(sample: Sample) -> None:
    """The type with its pipeline, and a contract for each deal that was won or waits for a signature."""
    actor = sample.setting.actor
    types.define(
        "contract", "계약", "계약", actor=actor, properties=PROPERTIES, primary_property="name", secondary_properties=("amount", "ends_on"),
        searchable=("name", "number"), description="수주한 거래의 계약과 갱신", icon="file-text", pipelines=True,
    )  # fmt: skip
    pipelines.define("contract", "계약 진행", STAGES, actor=actor, key="contracts")
    rng = sample.luck("contracts")
    made = [
        _contract(sample, deal, number, rng.choice((YEAR, YEAR, YEAR, TRIAL)), rng.random() < 0.3)
        for number, deal in enumerate((deal for deal in sample.deals if deal.stage in ("closedwon", "contractsent")), 1)
    ]
    tables.records(made)


def _contract(sample: Sample, deal: Deal, number: int, term: timedelta, drafting: bool) -> Row:
    signed = deal.row.changed or deal.row.at
    start = signed + timedelta(days=2) if deal.stage == "closedwon" else sample.now + timedelta(days=20)
    end = start + term
    stage, since = _stage(sample, deal, signed, end, end - RENEWS[term], drafting)
    trial = term == TRIAL
    about: dict[str, Any] = {
        "name": f"{deal.row.properties['dealname']} {'시범 계약' if trial else '계약'}", "number": f"C-{signed.year}-{number:03d}",
        "amount": deal.row.properties["amount"] * term.days // YEAR.days, "seats": deal.seats, "renewal": "talk" if trial else "auto",
        "starts_on": start.astimezone(config().zone).date().isoformat(), "ends_on": end.astimezone(config().zone).date().isoformat(),
        "pipeline": "contracts", "stage": stage, "owner_id": deal.owner,
    }  # fmt: skip
    return Row("contract", sample.number(), about, signed, deal.about, f"user:{deal.owner}", changed=since)


def _stage(sample: Sample, deal: Deal, signed: datetime, end: datetime, renewing: datetime, drafting: bool) -> tuple[str, datetime]:
    """Where a contract stands, and since when."""
    if deal.stage == "contractsent":
        return ("draft", signed) if drafting else ("signing", signed)
    if end < sample.now:
        return "ended", end
    return ("renewing", renewing) if renewing < sample.now else ("active", signed)
