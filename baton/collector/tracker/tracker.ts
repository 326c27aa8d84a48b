// baton.js: tells Baton which pages a visitor sees, for how long, and what he does there. Runs on the customer's own site.
// <script async src="https://baton.example/t/baton.js"></script>
import { watchClicks } from "./clicks";
import { findForms, leaveForms, renewForms, watchForms } from "./forms";
import { cookie, data, doc, hooks, isOurs, keep, LIFE, link, load, loader, migrated, origin, random, state, take, w, type Config, type Words } from "./page";
import { add, end, restore, send, settle, soon } from "./queue";
import { again, close, fresh, leaving, open, watchViews } from "./views";

const nav = navigator as Navigator & { globalPrivacyControl?: boolean };
const HEX = "[0-9a-f]{32}";
const REFUSED = LIFE / 2.2; // seconds, about six months
const signal = nav.globalPrivacyControl || nav.doNotTrack === "1" || w.doNotTrack === "1";
let config: Config = { banner: null, linked: [], ask: data.consent === "ask" };
let watching = false;
let given = ""; // what another of our sites handed over
let shown: Words = {}; // which words the visitor was asked with

function keepCookie() {
  state.cookie =
    (hooks.handed && hooks.handed(given)) || (migrated && cookie("hubspotutk", HEX)) || cookie("baton_v", HEX) ||
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
  keep("baton_v", state.cookie, LIFE);
}

/** What the visitor chose: g granted, r refused, "" not asked, or asked again since. */
function choice(): string {
  const [, letter, edition] = cookie("baton_consent").match(/^([gr])\.(\d*)/) || [];
  return letter && (+edition || 0) >= (config.banner ? config.banner.edition : 0) ? letter : "";
}

/** Video has a file of its own; only a page with a player needs it. */
function scan() {
  findForms();
  if (doc.querySelector('video,iframe[src*="youtube"],iframe[src*="player.vimeo.com"]')) load("video");
}

function start() {
  keepCookie();
  tellAll();
  restore();
  if (doc.readyState !== "complete") settle(1_000); // its title may be made by its scripts
  open(doc.referrer);
  scan();
  if (watching) return;
  watching = true;
  watchViews();
  watchForms();
  addEventListener("online", send);
  addEventListener("load", () => (settle(100), soon()));
  doc.addEventListener("baton:sent", () => {
    send();
    if (state.cookie) state.cookie = cookie("baton_v", HEX) || state.cookie; // somebody else sits here now
    tellAll();
  });
  let timer = 0;
  new MutationObserver(() => (timer = timer || window.setTimeout(() => ((timer = 0), state.cookie && scan()), 300))).observe(doc, { childList: true, subtree: true });
}

/** Forget this browser: cookies, what waits, the view. */
function forget() {
  close();
  for (const domain of ["", data.domain]) keep("baton_v", "", 0, domain);
  end("tracking_choice", { choice: "refused", ...shown });
}

function choose(granted: boolean, version = "0", language = "") {
  keep("baton_consent", `${granted ? "g" : "r"}.${version}`, granted ? LIFE : REFUSED);
  shown = { version, language };
  if (!granted) forget();
  else {
    if (!state.cookie) start();
    add("tracking_choice", { choice: "granted", ...shown }, true);
  }
  tellAll();
}

const tellAll = () => inside.told.forEach((tell) => tell());

const ask = () =>
  fetch(`${origin}/t/config?h=${location.hostname}`, { credentials: "omit" })
    .then((answer) => answer.json())
    .catch(() => ({ ...config, ask: true })) // what is asked cannot be known: nothing is recorded
    .then((found: Config) => {
      config = inside.config = { ...found, ask: found.ask || config.ask };
      if (link(config.linked).length) return load("linked");
    });

function consent(value?: boolean | string) {
  if (value !== undefined) choose(value === true || value === "granted");
  else if (inside.show) inside.show(true);
  else (config.banner ? Promise.resolve() : ask()).then(() => config.banner && load("banner").then(() => inside.show && inside.show(true)));
}

function begin() {
  const chosen = choice();
  const refused = chosen === "r" || (!chosen && (signal || config.ask)) || (migrated && cookie("__hs_do_not_track") === "yes");
  if (!refused) start();
  if (config.banner && config.banner.mode !== "none" && !chosen && !signal) load("banner").then(() => inside.show && inside.show(false));
}

/** What may be a property: text, yes and no, a number that JSON knows. */
function plain(given: Words): Words {
  const kept: Words = {};
  for (const key of Object.keys(given).slice(0, 50)) if (/^(string|boolean)$/.test(typeof given[key]) || Number.isFinite(given[key])) kept[key] = given[key];
  return kept;
}

// A hit that is malformed spoils its whole batch: what the site's code says is put in form here.
function track(name: string, details: Words = {}) {
  if (!state.cookie) return;
  const href = details.href ? new URL(details.href as string, location.href).href : location.href;
  if (name === "page_view") again();
  else if (name === "cta_click") add(name, { cta: (details.cta || "-") + "", href }, true);
  else if (name === "download") add(name, { href, text: details.text ? details.text + "" : "" }, true);
  else {
    name = name.toLowerCase().replace(/[^a-z0-9_-]+/g, "_").slice(0, 100);
    if (name) add("custom_event", { name, properties: plain(details) }, true);
  }
}

function identify(who: Words) {
  const said = { ...state.who, ...plain(who) };
  if (/@/.test(said.email as string)) state.who = said;
}

const inside = {
  add, choose, forget, choice, scan, random, open: again, fresh, identify, leave: leaving, told: [] as (() => void)[], config, state, hooks, data, isOurs, keep, cookie,
  show: undefined as ((byHand: boolean) => void) | undefined,
};

if (!w.baton) {
  w.baton = {
    v: 1, visitor: () => state.cookie, track, consent, _: inside,
    identify(who) {
      identify(who);
      soon();
    },
  };
  state.token = take("bt");
  given = take("bt_v");
  leaving.push(leaveForms, () => setTimeout(renewForms));
  watchClicks(consent);
  const waits: Promise<unknown>[] = [];
  if (w.batonAsk || "banner" in data) waits.push(ask());
  if (migrated && !loader) waits.push(load("hubspot"));
  const go = () => (waits.length || loader ? Promise.all(waits).then(begin) : begin()); // plainly at once; else when all is known
  if ((doc as Document & { prerendering?: boolean }).prerendering) doc.addEventListener("prerenderingchange", go, { once: true });
  else go();
}
