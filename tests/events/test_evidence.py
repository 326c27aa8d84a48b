"""The first verdict on an open or a click, by what the request says."""

import json
import re
from importlib.resources import files
from pathlib import Path

import crawleruseragents
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baton.events import evidence
from baton.events.evidence import judge
from baton.events.vocabulary import Kind

DOCS = Path(__file__).parents[2] / "docs" / "evidence.md"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
NAVIGATED = {"accept": "text/html", "accept-language": "ko", "sec-fetch-mode": "navigate", "sec-fetch-user": "?1"}


def click(**more: object) -> evidence.Verdict:
    return judge(**({"kind": Kind.EMAIL_CLICK, "user_agent": CHROME, "headers": NAVIGATED, "secure": True, "delay": 600.0} | more))  # type: ignore[arg-type]


def test_the_table_for_people_says_what_the_code_does() -> None:
    told = {}
    for words, weights in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ([-\d., ]+) \|", DOCS.read_text(), re.MULTILINE):
        told |= dict(zip(re.findall(r"\w+", words), map(float, weights.split(",")), strict=True))
    assert told == {word: float(weight) for word, (weight, _text) in evidence.REASONS.items()}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(sorted(evidence.REASONS.keys() - evidence.HAND)), max_size=6), st.randoms())
def test_reasons_may_be_found_in_any_order(words: list[str], random: object) -> None:
    def told(order: list[str]) -> dict[str, object]:
        payload: dict[str, object] = {"message": 1, "human": 0.95}
        for word in order:
            payload = evidence.again(Kind.EMAIL_CLICK, payload, word)
        return payload

    mixed = words[:]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert told(words) == told(mixed) == told([*mixed, *words])
    by_hand = evidence.again(Kind.EMAIL_CLICK, told(words), "person")
    assert by_hand["human"] == 0.99
    assert "machine" not in evidence.again(Kind.EMAIL_CLICK, by_hand, "trap", "head")


def test_every_known_robot_is_a_machine() -> None:
    known = json.loads(files(crawleruseragents).joinpath("crawler-user-agents.json").read_text())
    agents = {agent for entry in known for agent in entry["instances"]}
    assert len(agents) > 1_500
    believed = {agent for agent in agents if click(user_agent=agent).human >= 0.5}
    assert believed == set()
    opens = {agent for agent in agents if judge(kind=Kind.EMAIL_OPEN, user_agent=agent).human >= 0.5}
    assert {re.sub(r".*(GoogleImageProxy|YahooMailProxy|MailProxy|Outlook|Thunderbird).*", r"\1", agent) for agent in opens} <= {
        "GoogleImageProxy",
        "YahooMailProxy",
        "MailProxy",
        "Outlook",
        "Thunderbird",
    }  # these fetch pictures when somebody opens a mail


@pytest.mark.parametrize(
    ("more", "first"),
    [
        ({"method": "HEAD"}, "head"),
        ({"method": "OPTIONS"}, "head"),
        ({"user_agent": "Mimecast-URL-Protect/2.1"}, "scanner"),
        ({"user_agent": "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"}, "scanner"),
        ({"user_agent": "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984"}, "preview"),
        ({"user_agent": "bitlybot/3.0"}, "shortener"),
        ({"user_agent": "Java/17.0.2"}, "script"),
        ({"user_agent": CHROME.replace("Chrome/", "HeadlessChrome/")}, "script"),
        ({"user_agent": ""}, "no_agent"),
        ({"user_agent": "Mozilla/5.0"}, "bare_agent"),
        ({"headers": {**NAVIGATED, "sec-purpose": "prefetch;prerender"}}, "prefetch"),
        ({"headers": {**NAVIGATED, "sec-fetch-mode": "cors"}}, "fetched"),
        ({"network": "scanner"}, "scanner_network"),
        ({"delay": 2.0}, "early"),
        ({"headers": {"accept": "*/*"}}, "no_fetch"),
        ({"kind": Kind.EMAIL_OPEN, "user_agent": "Mozilla/5.0"}, "privacy"),
        ({"kind": Kind.EMAIL_OPEN, "network": "relay"}, "relay"),
        ({"kind": Kind.LINK_CLICK, "user_agent": "Slackbot-LinkExpanding 1.0"}, "preview"),
    ],
)
def test_programs(more: dict[str, object], first: str) -> None:
    verdict = click(**more)
    assert (verdict.machine, verdict.human < 0.5) == (first, True)
    assert verdict.payload()["machine"] == first


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"delay": 6.0},
        {"delay": None},
        {"network": "relay"},
        {"network": "203.0.113.0"},
        {"headers": {**NAVIGATED, "dnt": "1", "sec-gpc": "1"}},
        {"headers": {"accept": "text/html"}},
        {"headers": {"accept": "*/*"}, "secure": False},
        {"user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 KAKAOTALK 10.8.0"},
        {"user_agent": CHROME.replace("Chrome/", "HeadlessChrome/"), "headless": True},
        {"kind": Kind.EMAIL_OPEN, "user_agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"},
        {"kind": Kind.EMAIL_OPEN, "user_agent": "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Microsoft Outlook 16.0.1; ms-office; MSOffice 16)"},
        {"kind": Kind.EMAIL_OPEN, "user_agent": "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.5; Pro)"},
    ],
)
def test_people(more: dict[str, object]) -> None:
    verdict = click(**more)
    assert verdict.human > 0.5, verdict
    assert "machine" not in verdict.payload()


def test_a_mark_from_before_there_were_reasons_is_a_reason() -> None:
    assert evidence.again(Kind.EMAIL_OPEN, {"message": 1, "machine": "early"}, "trap")["why"] == ["trap", "early"]
