"""Where the sample company's visitors come from: the page before, and the campaign in the address. Drawn for themselves, so that nothing else changes."""

import random
from datetime import datetime
from urllib.parse import urlencode

WORDS = ("전자근로계약", "근로계약서 양식", "전자서명 비교", "인사 솔루션", "노무 자동화")
Arrival = tuple[str, str]  # referrer, query


def of(source: str, at: datetime, who: int) -> Arrival:
    """One visit of somebody who is noted with a source (people.py); the longer he is known, the more he comes by other ways too."""
    draw = random.Random(f"{who}:{at.isoformat()}:arrival")
    if draw.random() < 0.3:
        source = draw.choices(("direct", "newsletter", "search", "blog", "kakao", "assistant", "facebook"), (9, 5, 4, 2, 2, 1, 1))[0]
    word = draw.choice(WORDS)
    match source:
        case "search":
            return draw.choice((f"https://search.naver.com/search.naver?{urlencode({'query': word})}", "https://www.google.com/", "https://m.search.naver.com/",
                                f"https://search.daum.net/search?{urlencode({'q': word})}")), ""  # fmt: skip
        case "ad_naver":
            return "https://m.search.naver.com/", _query("naver", "cpc", "전자근로계약_브랜드", utm_term=word, n_media="27758", n_keyword=word, n_rank="1")
        case "ad_linkedin":
            return "https://www.linkedin.com/", _query("linkedin", "paid_social", "hr_leaders", li_fat_id=f"{draw.getrandbits(64):x}")
        case "newsletter":
            return "", _query("newsletter", "email", f"news_{at:%y%m}")
        case "webinar":
            return "", _query("webinar", "event", "webinar_series")
        case "exhibition":
            return "", _query("booth", "qr", "hr_expo")
        case "referral":
            return "https://hr-community.example/board/1204", ""
        case "blog":
            return "https://blog.naver.com/nuriwork-example/1", ""
        case "kakao":
            return "android-app://com.kakao.talk", ""
        case "assistant":
            return "https://chatgpt.com/", "utm_source=chatgpt.com"
        case "facebook":
            return "https://l.facebook.com/", _query("facebook", "social", "hr_tips")
        case _:
            return "", ""


def _query(source: str, medium: str, name: str, **more: str) -> str:
    return urlencode({"utm_source": source, "utm_medium": medium, "utm_campaign": name, **more})
