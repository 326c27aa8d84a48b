"""The sample company's website: what a customer of Baton would run elsewhere, with the tracker and the forms embedded.

It uses nothing of Baton's pages. Its own template engine keeps it apart from Baton's templates and context.
"""

import mimetypes
from functools import cache
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.template import Engine
from django.template.context import Context

from baton.demo import brochure, content

FOLDER = Path(__file__).resolve().parent
PAGES = {"": "home", "product": "product", "pricing": "pricing", "blog": "blog", "case": "case", "brochure": "brochure", "demo": "demo",
         "newsletter": "newsletter", "webinar": "webinar", "whitepaper": "whitepaper"}  # fmt: skip
ARTICLES = {
    "electronic-contract-guide": "전자근로계약, 도입 전에 확인할 다섯 가지",
    "attendance-2027": "2027년 근태 제도 변화, 인사팀의 준비표",
    "payroll-errors": "급여 오류의 절반은 근태 마감에서 생깁니다",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; media-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)


@cache
def _engine() -> Engine:
    return Engine(dirs=[str(FOLDER / "templates")], autoescape=True)


def page(request: HttpRequest, path: str = "") -> HttpResponse:
    """A page of the site by its path below /site/; an unknown one is the site's own 404."""
    path, status = path.rstrip("/"), 200
    if path in PAGES:
        template = f"site/{PAGES[path]}.html"
    elif path.removeprefix("blog/") in ARTICLES and path.startswith("blog/"):
        template = f"site/{path}.html"
    else:
        template, status = "site/missing.html", 404
    words = {
        "path": path,
        "section": path.split("/")[0],
        "forms": content.GUIDS,
        "articles": ARTICLES,
        "article": ARTICLES.get(path.removeprefix("blog/"), ""),
    }
    response = HttpResponse(_engine().get_template(template).render(Context(words)), status=status)
    response["Content-Security-Policy"] = POLICY
    return response


def static(request: HttpRequest, name: str) -> HttpResponse:
    """A file of the site's own look: style sheet or picture."""
    file = next((f for f in (FOLDER / "static" / "site").iterdir() if f.name == name), None)
    if file is None:
        raise Http404
    response = HttpResponse(file.read_bytes(), content_type=mimetypes.guess_type(name)[0] or "application/octet-stream")
    response["Cache-Control"] = "max-age=300"
    return response


def pdf(request: HttpRequest) -> HttpResponse:
    """The company brochure."""
    response = HttpResponse(brochure.pdf(), content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="nuriwork-brochure.pdf"'
    return response
