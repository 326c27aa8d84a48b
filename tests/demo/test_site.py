"""The sample company's website: every page stands, is tracked, and embeds its form as a customer would."""

import re
import zlib

import pytest
from django.test import Client

from baton.demo import brochure, content, site

PATHS = [f"/site/{path}" for path in [*site.PAGES, *(f"blog/{slug}" for slug in site.ARTICLES)]]


@pytest.fixture(autouse=True)
def _site_only(settings: object) -> None:
    settings.ROOT_URLCONF = "baton.demo.urls"  # type: ignore[attr-defined]  # the demo's addresses are on in a demo only


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_tracked_and_runs_nothing_inline(client: Client, path: str) -> None:
    answer = client.get(path)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert '<script src="/t/baton.js" defer></script>' in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "style=" not in page
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert page.count("<h1") == 1


@pytest.mark.parametrize("path", PATHS)
def test_every_link_of_a_page_leads_somewhere(client: Client, path: str) -> None:
    page = client.get(path).content.decode()
    for address in set(re.findall(r'(?:href|src)="(/site[^"#]*)', page)):
        assert client.get(address).status_code == 200, address


def test_a_form_is_embedded_by_one_script_tag(client: Client) -> None:
    for path, form in (("demo", "demo"), ("newsletter", "newsletter"), ("brochure", "brochure"), ("webinar", "webinar"), ("whitepaper", "whitepaper")):
        assert f'<script src="/f/{content.GUIDS[form]}.js" defer></script>' in client.get(f"/site/{path}").content.decode()


def test_an_unknown_page_is_the_sites_own_404(client: Client) -> None:
    answer = client.get("/site/nothing-here")
    assert answer.status_code == 404
    assert "찾으시는 페이지가 없습니다" in answer.content.decode()
    assert client.get("/site/static/../site.py").status_code == 404


def test_the_brochure_is_a_pdf_with_its_text(client: Client) -> None:
    data = client.get("/site/files/nuriwork-brochure.pdf").content
    assert data == brochure.pdf()
    assert data.startswith(b"%PDF-1.5")
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF", data)[1])  # type: ignore[index]  # a PDF without it fails here
    assert data[start : start + 4] == b"xref"
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n", data), 1):
        assert data[int(place) :].startswith(f"{number} 0 obj".encode())
    pages = [zlib.decompress(stream).decode() for stream in re.findall(rb"FlateDecode >>\nstream\n(.*?)\nendstream", data, re.S)]
    assert len(pages) == 4
    assert "전자계약".encode("utf-16-be").hex() in pages[2]
