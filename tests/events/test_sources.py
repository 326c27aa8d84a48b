"""Where a visit comes from: address and page before it -> class and details."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baton.events import places, sources
from baton.events.sources import CLASSES, arrival, classify

HERE = "https://www.acme.example/pricing"
OWN = ("acme.example", "acme-shop.example")
TABLE = [  # what stands behind the address, the page before, class, detail 1, detail 2
    # Nothing, and what counts as nothing
    ("", "", "direct", "www.acme.example/pricing", ""),
    ("?page=2", "", "direct", "www.acme.example/pricing", ""),
    ("", "https://www.acme.example/", "direct", "www.acme.example/pricing", ""),
    ("", "https://blog.acme.example/hr", "direct", "www.acme.example/pricing", ""),
    ("", "https://acme-shop.example/cart", "direct", "www.acme.example/pricing", ""),
    ("", "https://mail.google.com/", "direct", "www.acme.example/pricing", ""),
    ("", "https://mail.naver.com/read/1", "direct", "www.acme.example/pricing", ""),
    ("", "https://mail.daum.net/", "direct", "www.acme.example/pricing", ""),
    ("", "https://outlook.live.com/mail/0/", "direct", "www.acme.example/pricing", ""),
    ("", "https://mail.hanbit.example/inbox", "direct", "www.acme.example/pricing", ""),
    ("", "https://gw.hanbit.example/mail", "direct", "www.acme.example/pricing", ""),
    ("", "android-app://com.google.android.gm/", "direct", "www.acme.example/pricing", ""),
    ("", "https://feedly.com/i/latest", "direct", "www.acme.example/pricing", ""),
    ("", "https://nid.naver.com/login", "direct", "www.acme.example/pricing", ""),
    ("", "https://checkout.stripe.com/pay", "direct", "www.acme.example/pricing", ""),
    ("", "not an address", "direct", "www.acme.example/pricing", ""),
    ("", "https://[::1", "direct", "www.acme.example/pricing", ""),
    # 1. utm_medium=social with a social site
    ("?utm_source=facebook&utm_medium=social&utm_campaign=spring", "", "organic_social", "Facebook", "spring"),
    ("?utm_source=fb&utm_medium=Social", "", "organic_social", "Facebook", ""),
    ("?utm_source=naver_blog&utm_medium=social&utm_campaign=hr", "", "organic_social", "Naver Blog", "hr"),
    ("?utm_source=kakao&utm_medium=social", "", "organic_social", "KakaoTalk", ""),
    ("?utm_source=ours&utm_medium=social", "https://l.facebook.com/l.php", "organic_social", "Facebook", ""),
    ("?utm_source=ours&utm_medium=social&utm_campaign=c", "", "other_campaign", "c", "ours / social"),
    # 2. the parameter `source`
    ("?source=adwords", "", "paid_search", "Google", ""),
    ("?source=my-ppc-list&utm_campaign=c&utm_term=crm", "", "paid_search", "c", "crm"),
    # 3. Google's click ids
    ("?gclid=Cj0KCQiA1", "https://www.google.com/", "paid_search", "Google", ""),
    ("?gbraid=0AAAAA", "", "paid_search", "Google", ""),
    ("?gclid=Cj0&utm_campaign=brand&utm_term=baton", "", "paid_search", "brand", "baton"),
    ("?gclid=", "", "direct", "www.acme.example/pricing", ""),
    # 4. paid, on a social site
    ("?utm_source=linkedin&utm_medium=cpc&utm_campaign=abm", "", "paid_social", "LinkedIn", "abm"),
    ("?utm_source=ig&utm_medium=paid", "", "paid_social", "Instagram", ""),
    ("?utm_source=x&utm_medium=ppc", "", "paid_social", "Twitter", ""),
    ("?utm_source=agency&utm_medium=cpc&utm_campaign=c", "https://www.facebook.com/", "paid_social", "Facebook", "c"),
    ("?utm_source=agency&utm_medium=paidsocial&utm_campaign=c", "", "paid_social", "agency", "c"),
    ("?utm_source=kakaotalk&utm_medium=paid_message&utm_campaign=c", "", "paid_social", "KakaoTalk", "c"),
    ("?fbclid=IwAR0&utm_source=facebook&utm_medium=cpc&utm_campaign=c", "", "paid_social", "Facebook", "c"),
    # Naver's and others' own marks
    ("?n_media=27758&n_query=%EB%A7%88%EC%BC%80%ED%8C%85&n_rank=1&n_keyword=%EB%A7%88%EC%BC%80%ED%8C%85+%EC%9E%90%EB%8F%99%ED%99%94", "https://m.search.naver.com/",
     "paid_search", "Naver", "마케팅 자동화"),
    ("?NaPm=ct%3Dabc", "", "paid_search", "Naver", ""),
    ("?n_media=8753&utm_campaign=brand", "", "paid_search", "brand", ""),
    ("?msclkid=abc", "", "paid_search", "Microsoft", ""),
    ("?ttclid=abc", "", "paid_social", "TikTok", ""),
    ("?fbclid=IwAR0", "https://l.facebook.com/", "organic_social", "Facebook", ""),
    ("?fbclid=IwAR0", "", "organic_social", "Facebook", ""),
    ("?li_fat_id=abc", "", "organic_social", "LinkedIn", ""),
    ("?fbclid=IwAR0", "https://news.example/today", "referral", "news.example", "news.example/today"),
    ("?fbclid=IwAR0", "https://www.acme.example/", "direct", "www.acme.example/pricing", ""),
    ("", "https://adcr.naver.com/adcr?x=1", "paid_search", "Naver", ""),
    ("", "https://www.googleadservices.com/pagead", "paid_search", "Google", ""),
    ("", "https://googleads.g.doubleclick.net/", "display", "Google", ""),
    ("?utm_source=gfa&utm_medium=banner&utm_campaign=spring", "https://www.naver.com/", "display", "gfa", "spring"),
    ("?utm_source=google&utm_medium=display&utm_campaign=d", "", "display", "google", "d"),
    ("?utm_source=ours&utm_medium=alimtalk&utm_campaign=seminar", "", "messaging", "alimtalk", "seminar"),
    ("?utm_source=ours&utm_medium=SMS&utm_campaign=seminar", "", "messaging", "SMS", "seminar"),
    # Assistants
    ("", "https://chatgpt.com/", "ai_referral", "ChatGPT", "chatgpt.com"),
    ("?utm_source=chatgpt.com", "", "ai_referral", "ChatGPT", ""),
    ("", "https://www.perplexity.ai/search/x", "ai_referral", "Perplexity", "www.perplexity.ai/search/x"),
    ("", "https://gemini.google.com/app", "ai_referral", "Gemini", "gemini.google.com/app"),
    ("", "https://copilot.microsoft.com/", "ai_referral", "Copilot", "copilot.microsoft.com"),
    ("", "https://claude.ai/", "ai_referral", "Claude", "claude.ai"),
    ("", "https://wrtn.ai/", "ai_referral", "wrtn", "wrtn.ai"),
    ("", "https://x.com/i/grok", "ai_referral", "Grok", "x.com/i/grok"),
    # 5. and 6. paid search by its words
    ("?utm_source=google&utm_campaign=c", "https://www.google.com/", "paid_search", "c", ""),
    ("?utm_source=google&utm_campaign=c", "https://www.google.co.kr/", "paid_search", "c", ""),
    ("?utm_source=naver&utm_medium=cpc&utm_campaign=brand&utm_term=crm", "", "paid_search", "brand", "crm"),
    ("?utm_source=daum&utm_medium=cpc", "", "paid_search", "daum", ""),
    ("?utm_source=AdWords&utm_medium=x", "", "paid_search", "AdWords", ""),
    # 7. mails
    ("?utm_source=newsletter&utm_medium=email&utm_campaign=oct&utm_content=top", "", "email", "oct", "top"),
    ("?utm_campaign=email-oct", "", "email", "email-oct", ""),
    ("?utm_source=stibee&utm_medium=newsletter&utm_campaign=oct", "", "email", "oct", ""),
    ("?utm_source=x&utm_medium=edm", "", "email", "", ""),
    ("?source=email_signature", "", "email", "", ""),
    ("?bt=abc", "", "email", "", ""),
    ("?bt=abc&utm_campaign=welcome", "https://mail.naver.com/", "email", "welcome", ""),
    ("?_hsmi=1234", "", "email", "", ""),
    # 8. every other campaign
    ("?utm_source=partner&utm_medium=listing&utm_campaign=autumn", "https://partner.example/x", "other_campaign", "autumn", "partner / listing"),
    ("?utm_source=booth&utm_medium=qr&utm_campaign=expo", "", "other_campaign", "expo", "booth / qr"),
    # 9. social sites
    ("", "https://l.facebook.com/l.php?u=x", "organic_social", "Facebook", ""),
    ("", "https://www.linkedin.com/feed/", "organic_social", "LinkedIn", ""),
    ("", "android-app://com.linkedin.android/", "organic_social", "LinkedIn", ""),
    ("", "https://t.co/abc", "organic_social", "Twitter", ""),
    ("", "https://blog.naver.com/acme/1", "organic_social", "Naver Blog", ""),
    ("", "https://m.blog.naver.com/acme/1", "organic_social", "Naver Blog", ""),
    ("", "https://cafe.naver.com/startup", "organic_social", "Naver Cafe", ""),
    ("", "https://brunch.co.kr/@acme/3", "organic_social", "Brunch", ""),
    ("", "https://acme.tistory.com/3", "organic_social", "Tistory", ""),
    ("", "https://band.us/band/1", "organic_social", "Band", ""),
    ("", "https://story.kakao.com/x", "organic_social", "KakaoStory", ""),
    ("", "android-app://com.kakao.talk", "organic_social", "KakaoTalk", ""),
    ("", "https://pf.kakao.com/_acme", "organic_social", "KakaoTalk", ""),
    # 11. search engines
    ("", "https://www.google.com/", "organic_search", "Google", ""),
    ("", "https://www.google.co.kr/search?q=marketing+automation", "organic_search", "Google", "marketing automation"),
    ("", "https://search.naver.com/search.naver?query=%EB%A7%88%EC%BC%80%ED%8C%85", "organic_search", "Naver", "마케팅"),
    ("", "https://m.search.naver.com/search.naver?query=crm", "organic_search", "Naver", "crm"),
    ("", "https://search.naver.com/", "organic_search", "Naver", ""),
    ("", "https://search.daum.net/search?w=tot&q=%ED%8F%BC", "organic_search", "Daum", "폼"),
    ("", "https://m.search.daum.net/search?q=crm", "organic_search", "Daum", "crm"),
    ("", "https://search.zum.com/search.zum?query=crm", "organic_search", "Zum", "crm"),
    ("", "https://search.nate.com/search/all.html?q=%B8%B6%C4%C9%C6%C3", "organic_search", "Nate", "마케팅"),
    ("", "https://www.bing.com/search?q=crm", "organic_search", "Bing", "crm"),
    ("", "https://kr.search.yahoo.com/search?p=crm", "organic_search", "Yahoo!", "crm"),
    ("", "https://duckduckgo.com/?q=crm", "organic_search", "DuckDuckGo", "crm"),
    ("", "https://www.baidu.com/s?wd=crm", "organic_search", "Baidu", "crm"),
    ("", "android-app://com.google.android.googlequicksearchbox/", "organic_search", "Google", ""),
    ("", "android-app://com.nhn.android.search", "organic_search", "Naver App", ""),
    ("", "https://www.cnn.com/search?query=crm", "organic_search", "Google", "crm"),
    # 13. everybody else
    ("", "https://www.cnn.com/2026/news", "referral", "cnn.com", "www.cnn.com/2026/news"),
    ("", "https://news.partner.co.kr/a?b=1", "referral", "partner.co.kr", "news.partner.co.kr/a"),
    ("", "https://www.naver.com/", "referral", "naver.com", "www.naver.com"),
    ("", "https://notacme.example/", "referral", "notacme.example", "notacme.example"),
    ("", "http://intranet/wiki", "referral", "intranet", "intranet/wiki"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "referrer", "source", "one", "two"), TABLE)
def test_a_visit_is_of_one_class_with_its_details(query: str, referrer: str, source: str, one: str, two: str) -> None:
    found = classify(HERE + query, referrer, OWN)
    assert (found.source, found.detail_1, found.detail_2) == (source, one, two)
    assert (arrival(HERE + query, referrer, OWN) is None) == (source == "direct")


def test_campaign_words_are_kept_as_given() -> None:
    found = classify(f"{HERE}?UTM_Source=Naver&utm_medium=CPC&utm_campaign=%EB%B4%84%20%ED%96%89%EC%82%AC&gclid=Ab1&other=x&utm_term=", "")
    assert dict(found.campaign) == {"utm_source": "Naver", "utm_medium": "CPC", "utm_campaign": "봄 행사", "gclid": "Ab1"}


def test_every_entry_of_the_public_lists_is_known_by_its_name() -> None:
    """664 hosts of 297 search engines, 218 of 91 social sites, 25 of 19 assistants; where two lists name one host, HubSpot's order decides."""
    elsewhere = {"chat.openai.com": "ChatGPT", "chatgpt.com": "ChatGPT", "www.perplexity.ai": "Perplexity", "you.com": "You"}  # assistants too
    wrong, seen = [], 0
    for name, urls, words, *_ in places._rows("search_engines"):
        for url in urls:
            seen += 1
            host, path = places._split(url)
            word = next((word for word in words if not word.startswith("/")), "")
            found = classify(HERE, f"https://{host.replace('{}', 'de')}/{path}{f'?{word}=crm' if word else ''}")
            want = ("organic_search", name, "crm" if word else "")
            if url == "www.facebook.com":
                want = ("organic_social", name, "")
            elif url == "search.zum.com":
                want = ("organic_search", "Zum", "crm")  # listed as Google's, whose results it showed
            elif url in elsewhere:
                want = ("ai_referral", elsewhere[url], host)
            if (found.source, found.detail_1, found.detail_2) != want:
                wrong.append((url, found))
    assert (seen, wrong) == (664, [])
    for file, source, count in (("socials", "organic_social", 218), ("ai_assistants", "ai_referral", 25)):
        rows = [(name, host, classify(HERE, f"https://{host}/")) for name, hosts in places._rows(file) for host in hosts]
        assert len(rows) == count
        assert [(host, found) for name, host, found in rows if (found.source, found.detail_1) != (source, name)] == []


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from(["", "https://", "http://a.example/?utm_source=", "https://search.naver.com/?query=", "//"]))
def test_whatever_the_texts_are_there_is_a_class(url: str, referrer: str, start: str) -> None:
    for one, two in ((url, start + referrer), (start + url, referrer)):
        found = classify(one, two, OWN)
        assert found.source in CLASSES
        assert max(len(found.detail_1), len(found.detail_2)) <= sources.LONGEST
        assert "\0" not in found.detail_1 + found.detail_2
