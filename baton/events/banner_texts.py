"""What visitors are asked unless the company writes its own words, in both languages: a site has readers of either."""

FIELDS = ("title", "text", "agree", "refuse", "policy")
LANGUAGES = ("ko", "en")
MODES = ("none", "notice", "ask")

_KO = {"agree": "동의", "refuse": "거부", "policy": "개인정보 처리방침"}
_EN = {"agree": "Agree", "refuse": "Refuse", "policy": "Privacy policy"}
_NOTICE = {
    "ko": {
        "title": "방문 기록을 남기고 있습니다",
        "text": "어떤 페이지를 보셨는지 이 사이트의 쿠키로 기록하여 안내와 서비스를 개선하는 데 씁니다. 거부하셔도 사이트를 그대로 이용하실 수 있습니다.",
        **_KO,
    },
    "en": {
        "title": "We keep a record of visits",
        "text": "A cookie of this site notes which pages you see, so that we can improve what we tell and offer you. "
        "You may refuse and use the site just the same.",
        **_EN,
    },
}
_ASK = {
    "ko": {
        "title": "방문 기록을 남겨도 괜찮습니까?",
        "text": "동의하시면 어떤 페이지를 보셨는지 이 사이트의 쿠키로 기록하여 안내와 서비스를 개선하는 데 씁니다. "
        "거부하셔도 사이트를 그대로 이용하실 수 있습니다.",
        **_KO,
    },
    "en": {
        "title": "May we keep a record of your visit?",
        "text": "If you agree, a cookie of this site notes which pages you see, so that we can improve what we tell and offer you. "
        "You may refuse and use the site just the same.",
        **_EN,
    },
}


def default(mode: str, language: str) -> dict[str, str]:
    """The words of a mode in a language, by field. A site without a banner can still be asked to show one: then the notice."""
    return dict((_ASK if mode == "ask" else _NOTICE)[language])
