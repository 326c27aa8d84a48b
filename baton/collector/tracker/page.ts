// The page the tracker runs on: its tag, its cookies, its address; and other files of Baton, loaded when something asks for them.

export type Words = Record<string, unknown>;
/** What the other files (video, banner, hubspot) may use of the tracker; it is no interface for sites. */
export interface Inside {
  add(kind: string, x: Words, now?: boolean, id?: number, n?: number, t?: number): void;
  choose(granted: boolean, version?: string, language?: string): void;
  forget(): void;
  choice(): string;
  scan(): void;
  random(): number;
  open(): void;
  fresh(): boolean;
  identify(who: Words): void;
  show?(byHand: boolean): void;
  leave: (() => void)[]; // called before the last hits of a view are sent
  told: (() => void)[]; // called when the tracker starts, and when the visitor has chosen
  config: Config;
  state: typeof state;
  hooks: typeof hooks;
  data: DOMStringMap;
  isOurs(host: string): boolean;
  keep(name: string, value: string, life: number, domain?: string): void;
  cookie(name: string): string;
}
export interface Api {
  v: 1;
  visitor(): string;
  track(name: string, details?: Words): void;
  identify(who: Words): void;
  consent(choice?: boolean | string): void;
  _: Inside;
}
export interface BannerText { title: string; text: string; agree: string; refuse: string; policy: string }
export interface Banner { mode: string; edition: number; policy_url: string; versions: Record<string, string>; text: Record<string, BannerText> }
export interface Config { banner: Banner | null; linked: string[]; ask: boolean }

export const w = window as unknown as { baton?: Api; doNotTrack?: string; batonAsk?: number; _hsq?: unknown; _hsp?: unknown };
export const doc = document;
export const LIFE = 395 * 86400; // seconds: 13 months
export const tag = (doc.currentScript || doc.querySelector('script[src*="/t/baton.js"],#hs-script-loader')) as HTMLScriptElement | null;
export const data = tag ? tag.dataset : {};
export const origin = tag ? new URL(tag.src).origin : "";
/** The tag is HubSpot's, with only its host changed: the rest of this file is the compatibility. */
export const loader = !!tag && /\/\d+\.js$/.test(tag.src.split("?")[0]);
/** The page speaks to HubSpot's code: its visitor cookie is ours, and its commands are understood. */
export const migrated = loader || !!(w._hsq || w._hsp || doc.getElementById("hs-script-loader"));

export const state = {
  cookie: "", // empty: nothing is recorded
  token: "", // of a tracked mail link
  who: null as Words | null, // what the site's code said about its visitor
  view: 0, // id of the page view
  at: "", // its address
  path: "", // an address set by the site's code
};

/** What linked.js does, when the site has others beside it. */
export const hooks = {
  handed: null as ((value: string) => string) | null, // the cookie that another site handed over
  follow: null as ((a: HTMLAnchorElement) => void) | null,
  send: null as ((form: HTMLFormElement) => void) | null,
};

let ours: string[] = [];
export const link = (domains: string[]) => (ours = domains);
export const isOurs = (host: string) => ours.some((site) => ("." + host).endsWith("." + site));

export const here = () => (state.path ? location.origin + state.path : location.href.split("#")[0]);

export function random(): number {
  const [a, b] = crypto.getRandomValues(new Uint32Array(2));
  return (a & 0x1fffff) * 2 ** 32 + ((b & ~3) >>> 0); // 53 bits, a multiple of 4: the next two are free for dwell and depth
}

export function cookie(name: string, shape = "[^;]*"): string {
  const found = doc.cookie.match(`(?:^|; )${name}=(${shape})(?:;|$)`);
  return found ? found[1] : "";
}

export function keep(name: string, value: string, life: number, domain = data.domain) {
  doc.cookie = `${name}=${value}; path=/; max-age=${life}; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}${domain ? `; domain=${domain}` : ""}`;
}

/** Read a parameter and take it out of the address bar, so that it is neither copied nor bookmarked. */
export function take(name: string): string {
  const found = location.search.match(`[?&]${name}=([\\w.-]+)`);
  if (!found) return "";
  const search = location.search.replace(RegExp(`([?&])${name}=[\\w.-]+(&|$)`), (_, before, after) => (after ? before : ""));
  history.replaceState(history.state, "", location.pathname + search + location.hash);
  return found[1];
}

const loaded: Record<string, Promise<void>> = {};

/** Load another file of Baton, once. */
export function load(name: string): Promise<void> {
  return (loaded[name] = loaded[name] || new Promise((done) => {
    const script = doc.createElement("script");
    script.src = `${origin}/t/${name}.js`;
    if (tag && tag.nonce) script.nonce = tag.nonce;
    script.onload = script.onerror = () => done();
    doc.head.append(script);
  }));
}
