// baton.js: tells Baton which pages a visitor sees, for how long, and what he clicks. Runs on the customer's own site.
// <script async src="https://baton.example/t/baton.js"></script>

type Kind = "page_view" | "page_dwell" | "cta_click" | "download";
interface Hit { k: Kind; id: number; t: number; u: string; title?: string; r?: string; n?: number; x?: Record<string, string> }
interface View extends Hit { shown: number; since: number; told: number }
interface Api { v: 1; visitor(): string; track(kind: "page_view" | "cta_click" | "download", details?: Record<string, string>): void }

const COOKIE = "baton_v";
const LIFE = 395 * 86400; // seconds: 13 months
const LONG = 60_000; // ms of visible time that are told at once, not only when the page is left
const STRETCH = 30 * 60_000; // ms: longer without a break, nobody sits before the page any more
const KEPT = 7 * 86_400_000; // ms that unsent hits are kept
const MOST = 100; // hits of one request, and kept while offline
const FILES = /\.(pdf|zip|7z|rar|gz|dmg|exe|msi|apk|csv|txt|rtf|xlsx?|docx?|pptx?|hwpx?|od[tsp]|epub|key|numbers|pages|mp[34]|mov)$/i;

const w = window as unknown as { baton?: Api; doNotTrack?: string };
const nav = navigator as Navigator & { globalPrivacyControl?: boolean };
const tag = (document.currentScript || document.querySelector('script[src*="/t/baton.js"]')) as HTMLScriptElement | null;

let cookie = "";
let token = "";
let view: View | undefined;
let waiting: Hit[] = [];
let sending = false;
let failing = false;
let pause = 2_000;
let timer = 0;
let longTimer = 0;
let retryTimer = 0;
let left = ""; // address of the view before this one

function random(): number {
  const [a, b] = crypto.getRandomValues(new Uint32Array(2));
  return (a & 0x1fffff) * 2 ** 32 + b - (b & 1); // 53 bits, even: id + 1 is free for the dwell
}

function visitor(): string {
  const found = document.cookie.match(/(?:^|; )baton_v=([0-9a-f]{32})(?:;|$)/);
  if (found) return found[1];
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

function keepCookie() {
  cookie = visitor();
  const domain = tag && tag.dataset.domain;
  document.cookie = `${COOKIE}=${cookie}; path=/; max-age=${LIFE}; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}${domain ? `; domain=${domain}` : ""}`;
}

/** Read the token of a tracked mail link and take it out of the address bar, so that it is neither copied nor bookmarked. */
function takeToken() {
  const found = location.search.match(/[?&]bt=([\w-]+)/);
  if (!found) return;
  token = found[1];
  const search = location.search.replace(/([?&])bt=[\w-]+(&|$)/, (_, before, after) => (after ? before : ""));
  history.replaceState(history.state, "", location.pathname + search + location.hash);
}

const here = () => location.href.split("#")[0];

// Sending

function body(hits: Hit[]): string {
  if (view) for (const hit of hits) if (hit.k === "page_view" && hit.id === view.id) hit.title = document.title.slice(0, 300);
  const batch: Record<string, unknown> = { v: 1, c: cookie, s: Date.now(), h: hits };
  if (token) batch.bt = token;
  return JSON.stringify(batch);
}

function add(hit: Hit, now?: boolean) {
  waiting = waiting.filter((h) => h.id !== hit.id); // a longer dwell replaces the one that waits
  waiting.push(hit);
  clearTimeout(timer);
  if (now) send();
  else timer = window.setTimeout(send, 50); // a title set just after the route is still caught
}

function send() {
  if (sending || !waiting.length) return;
  const hits = waiting.slice(0, MOST);
  const sentToken = token;
  sending = true;
  fetch(endpoint, { method: "POST", body: body(hits), keepalive: true, credentials: "omit" })
    .then((answer) => {
      if (answer.status >= 500 || answer.status === 429) throw answer.status;
      done(hits, sentToken);
      pause = 2_000;
      sending = failing = false;
      if (waiting.length) send();
    })
    .catch(() => {
      sending = false;
      failing = true;
      save();
      clearTimeout(retryTimer);
      retryTimer = window.setTimeout(send, pause);
      pause = Math.min(pause * 2, 60_000);
    });
}

function done(hits: Hit[], sentToken: string) {
  waiting = waiting.filter((h) => !hits.includes(h));
  if (token === sentToken) token = "";
  save();
}

/** The page may be gone in a moment: the browser sends what waits by itself. */
function sendLast() {
  if (!waiting.length) return;
  save();
  if (nav.onLine === false || !nav.sendBeacon) return;
  const hits = waiting.slice(0, MOST);
  if (nav.sendBeacon(endpoint, body(hits)) && !failing) done(hits, token); // what may not arrive is sent again by the next page; it counts once
}

function save() {
  try {
    if (waiting.length) localStorage.setItem("baton_q", JSON.stringify(waiting.slice(-MOST)));
    else localStorage.removeItem("baton_q");
  } catch {
    // no storage: hits live as long as the page
  }
}

function restore() {
  try {
    const kept = JSON.parse(localStorage.getItem("baton_q") || "[]") as Hit[];
    waiting = kept.filter((h) => h.t > Date.now() - KEPT).concat(waiting);
  } catch {
    // nothing usable was kept
  }
}

// Views and how long they are visible

function open(referrer: string) {
  view = { k: "page_view", id: random(), t: Date.now(), u: here(), title: document.title, r: referrer, shown: 0, since: 0, told: 0 };
  const { k, id, t, u, title, r } = view;
  add({ k, id, t, u, title, r });
  if (document.visibilityState === "visible") show();
}

function show() {
  if (!view || view.since) return;
  view.since = Date.now();
  clearTimeout(longTimer);
  if (view.shown < LONG) longTimer = window.setTimeout(() => tell(), LONG - view.shown + 20);
}

function hide() {
  if (view && view.since) {
    view.shown += Math.max(0, Math.min(Date.now() - view.since, STRETCH));
    view.since = 0;
  }
  clearTimeout(longTimer);
}

/** Say how long the view has been visible so far; the hit of the view's own id grows. */
function tell(last?: boolean) {
  if (!view) return;
  const counting = view.since > 0;
  hide();
  if (view.shown - view.told >= 1_000) {
    view.told = view.shown;
    add({ k: "page_dwell", id: view.id + 1, t: view.t, u: view.u, n: Math.floor(view.shown / 100) / 10 }, !last);
  }
  if (counting) show();
}

function leave() {
  hide();
  tell(true);
  sendLast();
}

function moved() {
  if (view && here() === view.u) return;
  if (view) {
    hide();
    tell();
    left = view.u;
  }
  open(left);
}

function onClick(event: Event) {
  const target = event.target as Element | null;
  if (!target || !target.closest) return;
  const cta = target.closest("[data-baton-cta]") as HTMLElement | null;
  const link = target.closest("a[href]") as HTMLAnchorElement | null;
  if (cta) {
    const href = link ? link.href : "";
    track("cta_click", { cta: cta.dataset.batonCta || (cta.textContent || "").trim().slice(0, 80), href });
  }
  if (link && /^https?:$/.test(link.protocol) && (FILES.test(link.pathname) || link.hasAttribute("download")))
    track("download", { href: link.href, text: (link.textContent || "").trim().slice(0, 200) });
}

function track(kind: "page_view" | "cta_click" | "download", details?: Record<string, string>) {
  if (!cookie) return;
  if (kind === "page_view") {
    hide();
    tell();
    open(view ? view.u : "");
  } else if (kind === "cta_click" || kind === "download") add({ k: kind, id: random(), t: Date.now(), u: here(), x: details || {} }, true);
}

const endpoint = tag ? new URL(tag.src).origin + "/t/e" : "/t/e";

function start() {
  keepCookie();
  restore();
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (this: History, ...args: Parameters<History["pushState"]>) {
      original.apply(this, args);
      moved();
    };
  }
  addEventListener("popstate", moved);
  document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? show() : leave()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => {
    if (event.persisted) {
      hide();
      open(document.referrer); // back from the browser's page cache: seen again
    }
  });
  addEventListener("online", send);
  for (const name of ["click", "auxclick"]) document.addEventListener(name, onClick, true);
  open(document.referrer);
}

if (!w.baton) {
  w.baton = { v: 1, visitor: () => cookie, track };
  takeToken();
  const refused = nav.globalPrivacyControl || nav.doNotTrack === "1" || w.doNotTrack === "1";
  const early = document as Document & { prerendering?: boolean };
  if (!refused) {
    if (early.prerendering) document.addEventListener("prerenderingchange", start, { once: true });
    else start();
  }
}

export {}; // a module: its names are its own
