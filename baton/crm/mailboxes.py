"""What an e-mail address tells by itself: a mailbox several people read, a likely slip of the fingers."""

from baton.crm.search import plain

# Local parts of mailboxes that belong to a department, not to a person. A person's own address of this form is freed by hand.
_SHARED = (
    "info information contact contactus sales admin administrator office support help helpdesk hello hi mail webmaster postmaster hostmaster noreply no-reply"
    " marketing hr recruit recruiting career careers jobs pr press media cs service services customer customerservice care team biz business partner partners"
    " order orders billing account accounts accounting finance tax purchase purchasing legal privacy security abuse it dev master company ask inquiry enquiry"
    " enquiries welcome reception news newsletter event events edu academy ir qa tech"
    " 대표 문의 영업 인사 총무 고객센터 고객지원 마케팅 홍보 채용 구매 회계 관리자 사무국 안내 지원 상담"
)
SHARED = frozenset(_SHARED.split())
ONE = {"googlemail.com": "gmail.com", "daum.net": "hanmail.net"}  # two names of one provider
DOTLESS = frozenset({"gmail.com"})  # dots in the local part mean nothing
ENDINGS = {
    ".con": ".com", ".cmo": ".com", ".ocm": ".com", ".vom": ".com", ".xom": ".com", ".comm": ".com", ".coom": ".com", ".cpm": ".com", ".nte": ".net",
    ".ent": ".net", ".netr": ".net", ".co.rk": ".co.kr", ".co.krr": ".co.kr", ".cokr": ".co.kr", ".co.k": ".co.kr", ".og": ".org", ".ogr": ".org",
}  # fmt: skip
SLIPS = {
    "gmial.com": "gmail.com", "gmal.com": "gmail.com", "gmai.com": "gmail.com", "gamil.com": "gmail.com", "gmaill.com": "gmail.com", "gnail.com": "gmail.com",
    "gmail.co": "gmail.com", "gmail.cm": "gmail.com", "gmil.com": "gmail.com", "gimail.com": "gmail.com", "never.com": "naver.com", "naver.net": "naver.com",
    "navr.com": "naver.com", "anver.com": "naver.com", "naver.co": "naver.com", "naver.cm": "naver.com", "naevr.com": "naver.com", "navier.com": "naver.com",
    "hanmail.com": "hanmail.net", "hanmil.net": "hanmail.net", "hamail.net": "hanmail.net", "duam.net": "hanmail.net", "daum.com": "hanmail.net",
    "kakako.com": "kakao.com", "hotmial.com": "hotmail.com", "hotmal.com": "hotmail.com", "outlok.com": "outlook.com", "yaho.com": "yahoo.com",
    "yahooo.com": "yahoo.com", "nate.net": "nate.com", "iclod.com": "icloud.com",
}  # fmt: skip


def is_shared(address: str) -> bool:
    """Whether the address looks like a department's: info@, sales@, 대표@."""
    box = address.partition("@")[0].partition("+")[0].strip().lower()
    return box in SHARED or plain(box) in SHARED


def meant(address: str) -> str:
    """The address that was probably meant: without the slips people make, tags, and what the provider ignores. Never stored; only compared."""
    box, _, domain = address.strip().lower().rpartition("@")
    for wrong, right in ENDINGS.items():
        if domain.endswith(wrong):
            domain = domain[: -len(wrong)] + right
            break
    domain = SLIPS.get(domain, domain)
    domain = ONE.get(domain, domain)
    box = box.partition("+")[0] or box
    return f"{box.replace('.', '') if domain in DOTLESS else box}@{domain}"
