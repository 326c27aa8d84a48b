// Sites that were built for HubSpot's tracking code go on working: its commands, cookies and listeners. /t/hubspot.js
// Loaded when the page has `_hsq`, `_hsp` or the tag `hs-script-loader`; part of the file when the tag's address is /<digits>.js.
import type { Api, Words } from "./page";

type Command = [string, ...unknown[]] | (() => void);
type Answer = (said: unknown) => void;
type Listener = (hstc: string, hssc: string, hsfp: string) => void;

const w = window as unknown as { baton: Api; _hsq?: Command[]; _hsp?: Command[] };
const inside = w.baton._;
const { cookie, keep, state } = inside;
const HALF_YEAR = 180 * 86400; // seconds
const HALF_HOUR = 1800;
const listeners: Answer[] = [];

/** The widest domain of the page that takes cookies: where HubSpot keeps its own. */
function wide(): string {
  const parts = location.hostname.split(".");
  for (let n = 2; n <= parts.length; n++) {
    const domain = parts.slice(-n).join(".");
    keep("baton_t", "1", 9, domain);
    if (cookie("baton_t")) {
      keep("baton_t", "", 0, domain);
      return domain;
    }
  }
  return "";
}

const domain = wide();

function hash(text: string): number {
  let n = 0;
  for (let at = text.length - 1; at >= 0; at--) {
    n = ((n << 6) & 0xfffffff) + text.charCodeAt(at) + (text.charCodeAt(at) << 14);
    const high = n & 0xfe00000;
    if (high) n ^= high >> 21;
  }
  return n;
}

/** Keep HubSpot's cookies as its own code would: other scripts of the site read them. */
function keepCookies() {
  if (!state.cookie) return;
  const now = Date.now(), where = hash(domain || location.hostname);
  const [, , first, , last, count] = cookie("__hstc").split(".");
  const [, views, since] = cookie("__hssc").split(".");
  keep("hubspotutk", state.cookie, HALF_YEAR, domain);
  if (cookie("__hstc").split(".")[1] !== state.cookie) keep("__hstc", [where, state.cookie, now, now, now, 1].join("."), HALF_YEAR, domain);
  else if (!since) keep("__hstc", [where, state.cookie, first, last, now, +count + 1].join("."), HALF_YEAR, domain);
  keep("__hssc", [where, (+views || 0) + 1, since || now].join("."), HALF_HOUR, domain);
  if (!cookie("__hssrc")) document.cookie = `__hssrc=1; path=/; SameSite=Lax${domain ? `; domain=${domain}` : ""}`;
}

function dropCookies() {
  for (const name of ["hubspotutk", "__hstc", "__hssc", "__hssrc"]) for (const at of ["", domain]) keep(name, "", 0, at);
}

const allowed = () => !!state.cookie;
const consent = () => ({ allowed: allowed(), categories: { necessary: true, analytics: allowed(), advertisement: false, functionality: allowed() } });

/** `pe123_demo_booked` is HubSpot's name for the event that Baton knows as `demo_booked`. */
const bare = (name: unknown) => String(name).replace(/^pe\d+_/, "");

let started = false;
const commands: Record<string, (...given: never[]) => void> = {
  setPath: (path: string) => (state.path = path[0] === "/" ? path : "/" + path),
  trackPageView() {
    if (!started || inside.fresh()) return; // the first view is made by itself
    w.baton.track("page_view");
    keepCookies();
  },
  identify: (who: Words) => inside.identify(who),
  trackCustomBehavioralEvent: (event: { name?: string; properties?: Words }) => w.baton.track(bare(event.name), event.properties || {}),
  trackEvent: (event: { id?: string; name?: string; value?: unknown }) => w.baton.track(bare(event.id || event.name), event.value === undefined ? {} : { value: event.value }),
  setContentType: () => undefined, // Baton knows pages by their address
  doNotTrack(how?: { track?: boolean }) {
    const lift = !!how && how.track === true;
    keep("__hs_do_not_track", lift ? "" : "yes", lift ? 0 : HALF_YEAR, domain);
    if (!lift) {
      inside.forget();
      dropCookies();
    }
  },
  revokeCookieConsent() {
    inside.forget();
    dropCookies();
    keep("baton_consent", "", 0);
    tell();
    w.baton.consent();
  },
  addIdentityListener: (listener: Listener) => listener(cookie("__hstc"), cookie("__hssc"), ""), // no fingerprint is taken: the third is empty
  refreshPageHandlers: () => inside.scan(),
  addPrivacyConsentListener(listener: Answer) {
    listeners.push(listener);
    if (started) listener(consent());
  },
  showBanner: () => w.baton.consent(),
};

function run(command: Command) {
  try {
    if (typeof command === "function") command();
    else if (commands[command[0]]) (commands[command[0]] as (...given: unknown[]) => void)(...command.slice(1));
  } catch (error) {
    console.warn("Baton:", error); // the site's own listener failed; the next command is still run
  }
}

function tell() {
  for (const listener of listeners) listener(consent());
}

const late: Command[] = [];
const AFTER = /^(trackCustomBehavioralEvent|trackEvent|addIdentityListener|showBanner|revokeCookieConsent)$/; // need the first view

for (const name of ["_hsq", "_hsp"] as const) {
  const queue = (w[name] = w[name] || []);
  for (const command of queue.splice(0)) {
    if (typeof command !== "function" && AFTER.test(command[0])) late.push(command);
    else run(command);
  }
  queue.push = (...given: Command[]) => {
    given.forEach((command) => (started || typeof command === "function" || !AFTER.test(command[0]) ? run(command) : late.push(command)));
    return 0;
  };
}

inside.told.push(() => {
  if (state.cookie) keepCookies();
  else dropCookies();
  setTimeout(() => {
    // the first view is on its way now
    started = true;
    late.splice(0).forEach(run);
    tell();
  });
});
