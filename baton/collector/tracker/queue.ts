// Hits that wait, and how they are sent: at once, again when that failed, by the browser itself when the page goes.
import { here, origin, random, state, type Words } from "./page";

export interface Hit { k: string; id: number; t: number; u: string; title?: string; r?: string; n?: number; x?: Words }

const KEPT = 7 * 86_400_000; // ms that unsent hits are kept
const MOST = 100; // hits of one request, and kept while offline
const STORE = "baton_q";
const endpoint = origin + "/t/e";
const nav = navigator;

let waiting: Hit[] = [];
let sending = false;
let failing = false;
let pause = 2_000;
let timer = 0;
let hold = 0; // time before which only what cannot wait is sent
let retryTimer = 0;

/** A view has the title that its page had last, as long as the address is its own: applications set it after the address. */
function entitle(hits = waiting) {
  if (here() === state.at) for (const hit of hits) if (hit.id === state.view) hit.title = document.title.slice(0, 300);
}

function body(hits: Hit[]): string {
  entitle(hits);
  return JSON.stringify({
    v: 1, c: state.cookie, s: Date.now(), bt: state.token || undefined, l: nav.language, z: Intl.DateTimeFormat().resolvedOptions().timeZone,
    i: state.who || undefined, h: hits,
  });
}

export function push(hit: Hit, now?: boolean) {
  if (!state.cookie) return;
  entitle();
  waiting = waiting.filter((h) => h.id !== hit.id); // a longer dwell replaces the one that waits
  waiting.push(hit);
  soon(now);
}

export function soon(now?: boolean) {
  clearTimeout(timer);
  if (now) send();
  else timer = window.setTimeout(send, Math.max(50, hold - Date.now()));
}

/** An application changes its title after its address: let it, for so many milliseconds. */
export const settle = (ms: number) => (hold = Date.now() + ms);

/** A hit on this page. The same id and time again replace what it said. */
export function add(kind: string, x: Words, now?: boolean, id = random(), n?: number, t = Date.now()) {
  push({ k: kind, id, t, u: state.at || here(), n, x }, now);
}

export function send() {
  if (sending || !state.cookie || !(waiting.length || state.who)) return;
  const hits = waiting.slice(0, MOST);
  const { token, who } = state;
  sending = true;
  fetch(endpoint, { method: "POST", body: body(hits), keepalive: true, credentials: "omit" })
    .then((answer) => {
      if (answer.status >= 500 || answer.status === 429) throw answer.status;
      if (answer.status === 403) console.warn(`Baton: ${location.hostname} is not one of its sites.`);
      done(hits, token, who);
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

function done(hits: Hit[], token: string, who: typeof state.who) {
  waiting = waiting.filter((h) => !hits.includes(h));
  if (state.token === token) state.token = "";
  if (state.who === who) state.who = null;
  save();
}

const beacon = (hits: Hit[]) => !!nav.sendBeacon && nav.sendBeacon(endpoint, body(hits));

/** The page may be gone in a moment: the browser sends what waits by itself. */
export function sendLast() {
  if (!state.cookie || !(waiting.length || state.who)) return;
  save();
  const hits = waiting.slice(0, MOST);
  if (nav.onLine !== false && beacon(hits) && !failing) done(hits, state.token, state.who); // what may not arrive is sent again by the next page; it counts once
}

/** Say one last thing, and keep nothing. */
export function end(kind: string, x: Words) {
  if (state.cookie) beacon([{ k: kind, id: random(), t: Date.now(), u: state.at || here(), x }]);
  waiting = [];
  state.cookie = "";
  state.who = null;
  save();
}

function save() {
  try {
    if (waiting.length) localStorage.setItem(STORE, JSON.stringify(waiting.slice(-MOST)));
    else localStorage.removeItem(STORE);
  } catch {
    // no storage: hits live as long as the page
  }
}

export function restore() {
  try {
    waiting = (JSON.parse(localStorage.getItem(STORE) || "[]") as Hit[]).filter((h) => h.t > Date.now() - KEPT).concat(waiting);
  } catch {
    // nothing usable was kept
  }
}
