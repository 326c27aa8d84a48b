"""What a mail address's domain says."""

import pytest

from baton.crm import mail_domains


@pytest.mark.parametrize(
    ("domain", "kind"),
    [
        ("acme.co.kr", "business"),
        ("snu.ac.kr", "business"),
        ("예시.한국", "business"),
        ("firm.web.id", "business"),  # web.id is listed among the providers elsewhere; here it is what people register under
        *((domain, "free") for domain in ("naver.com", "daum.net", "hanmail.net", "kakao.com", "nate.com", "gmail.com", "NAVER.com", "vip.163.com")),
        ("kim@gmail.com", "free"),
        *((nothing, "free") for nothing in ("co.kr", "localhost", "", "@", "a b.com", "-")),
        ("mailinator.com", "disposable"),
        ("inbox.mailinator.com", "disposable"),
        ("yopmail.com", "disposable"),
    ],
)
def test_kinds(domain: str, kind: str) -> None:
    assert mail_domains.kind(domain) == kind


def test_lists_do_not_overlap_and_hold_domains_only() -> None:
    assert not mail_domains.free() & mail_domains.disposable()
    assert len(mail_domains.free()) > 350
    assert len(mail_domains.disposable()) > 10_000
    assert {domain for domain in mail_domains.free() if mail_domains.registrable(domain) != domain} == set()
