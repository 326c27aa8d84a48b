// Views: which page, how long it is visible, how far down it is read.
import { doc, here, migrated, random, state } from "./page";
import { push, sendLast, settle } from "./queue";

interface View { id: number; t: number; u: string; shown: number; since: number; told: number; depth: number; toldDepth: number; byHand: boolean }

const LONG = 60_000; // ms of visible time that are told at once, not only when the page is left
const STRETCH = 30 * 60_000; // ms: longer without a break, nobody sits before the page any more
const WAIT = migrated ? 300 : 0; // ms that a site's own `trackPageView` may come after a change of the address

export const leaving: (() => void)[] = [];
let view: View | undefined;
let left = ""; // address of the view before this one
let longTimer = 0;
let moveTimer = 0;
let looking = 0;

export function open(referrer: string, byHand = false) {
  const u = here();
  view = { id: random(), t: Date.now(), u, shown: 0, since: 0, told: 0, depth: 0, toldDepth: 0, byHand };
  state.view = view.id;
  state.at = u;
  push({ k: "page_view", id: view.id, t: view.t, u, title: doc.title, r: referrer });
  if (doc.visibilityState === "visible") show();
}

/** The part of the page that scrolls where the reader looks: the page itself, or a panel of it. */
function scroller(): Element {
  const root = doc.scrollingElement || doc.documentElement;
  let e = root.scrollHeight > innerHeight + 1 ? null : doc.elementFromPoint(innerWidth / 2, innerHeight / 2);
  while (e && !(e.scrollHeight > e.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(e).overflowY))) e = e.parentElement;
  return e || root;
}

function look() {
  looking = 0;
  if (!view) return;
  const e = scroller();
  view.depth = Math.max(view.depth, Math.min(100, Math.round((100 * (e.scrollTop + e.clientHeight)) / (e.scrollHeight || 1))));
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

/** Say how long the view has been visible and how far it was read; the hits of the view's own ids grow. */
function tell(last?: boolean) {
  if (!view) return;
  const counting = view.since > 0;
  hide();
  look();
  const { id, t, u } = view;
  if (view.shown - view.told >= 1_000) {
    view.told = view.shown;
    push({ k: "page_dwell", id: id + 1, t, u, n: Math.min(Math.floor(view.shown / 100) / 10, 86_400) }, !last);
  }
  if (view.told && view.depth > view.toldDepth) {
    view.toldDepth = view.depth;
    push({ k: "page_scroll", id: id + 2, t, u, n: view.depth }, !last);
  }
  if (counting) show();
}

/** The reader goes, or looks elsewhere. */
export function leave() {
  tell(true);
  hide();
  sendLast();
}

/** A view that the site's own code asks for. */
export function again() {
  clearTimeout(moveTimer);
  tell();
  open(view ? view.u : doc.referrer, true);
}

/** Whether the view that is open was made by itself a moment ago: the site's own word for it is no second one. */
export const fresh = () => !!view && !view.byHand && view.u === here() && Date.now() - view.t < 5_000;

export function moved() {
  state.path = "";
  clearTimeout(moveTimer);
  if (WAIT) moveTimer = window.setTimeout(go, WAIT);
  else go();
}

function go() {
  if (!state.cookie || (view && here() === view.u)) return;
  if (view) {
    for (const say of leaving) say();
    tell();
    left = view.u;
  }
  settle(250);
  open(left);
}

export function watchViews() {
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (this: History, ...args: Parameters<History["pushState"]>) {
      original.apply(this, args);
      moved();
    };
  }
  addEventListener("popstate", moved);
  doc.addEventListener("visibilitychange", () => (doc.visibilityState === "visible" ? show() : leave()));
  addEventListener("pagehide", () => {
    for (const say of leaving) say();
    leave();
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted && state.cookie) {
      hide();
      open(doc.referrer); // back from the browser's page cache: seen again
    }
  });
  addEventListener("scroll", () => (looking = looking || window.setTimeout(look, 200)), { capture: true, passive: true });
}

/** Nothing more of this view is told. */
export function close() {
  hide();
  view = undefined;
}
