"""The kinds of news of the sample company, what some people chose of them, and the ledger of everybody's answers."""

from datetime import timedelta

from baton.accounts.models import User
from baton.demo.sample import Sample
from baton.messaging.consent import subscriptions
from baton.platform import sql
from baton.platform.actor import Actor

KINDS = (
    (
        {"ko": "뉴스레터", "en": "Newsletter"},
        {"ko": "격주 화요일, 인사 담당자를 위한 소식", "en": "Every other Tuesday, for HR"},
        "소식",
        False,
        None,
    ),
    ({"ko": "세미나·웨비나", "en": "Seminars"}, {"ko": "행사 초대와 다시 보기", "en": "Invitations and recordings"}, "소식", False, None),
    ({"ko": "제품 소식", "en": "Product news"}, {"ko": "새 기능과 요금 안내", "en": "Features and prices"}, "제품", False, None),
    ({"ko": "제휴사 소식", "en": "News of partners"}, {"ko": "제휴사의 혜택과 행사", "en": "Offers of our partners"}, "제품", True, 24),
)
LEDGER = """
INSERT INTO consent_event (contact_id, id, channel, granted, night, basis, at, expires_at, address, source, wording, proof, actor)
SELECT k.contact_id, nextval('record_id_seq'), k.channel, k.granted, k.night, k.basis, k.at, k.expires_at,
    coalesce(CASE WHEN k.channel = 'email' THEN c.email END, ''), k.source, k.wording, k.proof, k.actor
FROM consent k LEFT JOIN contact c ON c.id = k.contact_id
"""


def make(sample: Sample) -> None:
    """The kinds, some hundred choices, and a row of the ledger for every answer."""
    sql.run(LEDGER)
    actor = Actor("user", User.objects.order_by("pk").values_list("pk", flat=True).first() or 1)
    made = [
        subscriptions.define(names, actor, descriptions=about, topic=topic, separate=separate, months=months) for names, about, topic, separate, months in KINDS
    ]
    agreed = [id for (id,) in sql.rows("SELECT contact_id FROM consent WHERE channel = 'email' AND granted ORDER BY contact_id LIMIT 900")]
    for number, (granted, kind) in enumerate(((False, 0), (False, 1), (True, 3), (False, 2), (True, 3))):
        chosen = {id: {made[kind].pk: granted} for id in agreed[number * 37 :: 11 + number]}
        subscriptions.choose_many(chosen, actor=actor, source="preferences", proof={"page": "preferences"}, at=sample.now - timedelta(days=9 + 5 * number))
