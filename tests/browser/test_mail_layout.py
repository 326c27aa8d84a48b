"""Mails of the gallery in a real browser, wide and narrow, light and dark: nothing sticks out, columns stand under each other, everything can be read."""

import re

import pytest
from playwright.sync_api import Browser

from baton.messaging.mail import colours, gallery, mjml

DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
WORDS = """() => {
    const solid = colour => { const parts = colour.match(/[\\d.]+/g).map(Number); return parts.length === 3 || parts[3] === 1 ? parts.slice(0, 3) : null }
    const hex = parts => '#' + parts.map(part => Math.round(part).toString(16).padStart(2, '0')).join('')
    const found = []
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walk.nextNode()) {
        const box = walk.currentNode.parentElement
        if (!walk.currentNode.data.trim() || !box.checkVisibility() || !box.offsetHeight) continue
        let ground = box
        while (ground && !solid(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement
        const on = ground ? hex(solid(getComputedStyle(ground).backgroundColor)) : '#ffffff'
        found.push([walk.currentNode.data.trim(), hex(solid(getComputedStyle(box).color)), on])
    }
    return found
}"""
COLUMNS = (
    "() => [...document.querySelectorAll('.side')].map(one => { const box = one.getBoundingClientRect(); return [box.left, box.top, box.right, box.bottom] })"
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_mails_fit_stack_and_can_be_read(browser: Browser, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
    page = context.new_page()
    for template in gallery.templates("ko"):
        html = mjml.html(template.document, subject=template.subject, purpose=template.purpose)
        html = re.sub(r'src="[^"]*"', f'src="{DOT}"', html).replace(
            "{# footer #}", '누리워크 · 서울 <a href="https://a.example" style="color:inherit">수신 거부</a>'
        )
        for width in (660, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.set_content(html)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (template.key, width)
            words = page.evaluate(WORDS)
            assert len(words) > 3
            assert not [one for one in words if colours.contrast(one[1], one[2]) < 4.5], (template.key, width)
            together = [row for row in template.document["rows"] if not row["stack"]]
            columns = page.evaluate(COLUMNS)
            beside = sum(a[1] < b[3] - 1 and b[1] < a[3] - 1 for n, a in enumerate(columns) for b in columns[n + 1 :])
            kept = sum(len(row["columns"]) * (len(row["columns"]) - 1) // 2 for row in (template.document["rows"] if width == 660 else together))
            assert beside == kept, (template.key, width)
    context.close()
