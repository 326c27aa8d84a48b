// The banner that tells visitors what is recorded and lets them agree or refuse. /t/banner.js, loaded when a site has one.
// It lives in a shadow tree with a style sheet made by script: a page's styles do not reach it, and a strict policy allows it.
import type { Api, Banner } from "./page";

const LOOK = `
:host{all:initial;position:fixed;inset:auto 0 0 0;z-index:2147483000;display:block;padding:12px;pointer-events:none;font:15px/1.55 system-ui,-apple-system,"Apple SD Gothic Neo","Malgun Gothic",sans-serif;--paper:#fff;--ink:#1a1d23;--line:#d5d8de;--focus:#2456d6}
@media (prefers-color-scheme:dark){:host{--paper:#1d2026;--ink:#eef0f3;--line:#454b56;--focus:#9db8ff}}
[role=dialog]{pointer-events:auto;box-sizing:border-box;max-width:720px;max-height:calc(100vh - 24px);overflow:auto;margin:0 auto;padding:20px 24px;border:1px solid var(--line);border-radius:12px;background:var(--paper);color:var(--ink);box-shadow:0 8px 32px rgba(0,0,0,.18);word-break:keep-all;overflow-wrap:anywhere}
h2{font-size:17px;font-weight:600;line-height:1.4;margin:0 0 6px}
h2:focus{outline:none}
p{margin:0}
div div{display:flex;flex-wrap:wrap;align-items:center;gap:8px;margin-top:16px}
a{color:inherit;text-underline-offset:3px;margin-right:auto;padding:6px 0}
span{margin-right:auto}
button{flex:0 1 auto;min-width:120px;min-height:42px;padding:8px 20px;border:1px solid var(--ink);border-radius:8px;background:var(--ink);color:var(--paper);font:inherit;font-weight:600;line-height:1.3;cursor:pointer}
button:hover{opacity:.88}
a:focus-visible,button:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
@media (max-width:520px){[role=dialog]{padding:16px}a,span{flex:1 0 100%}button{flex:1 1 0;min-width:0}}
@media (forced-colors:active){[role=dialog],button{border:1px solid}}`;

const api = (window as unknown as { baton?: Api }).baton;
const script = document.currentScript as HTMLScriptElement | null;
let open: (() => void) | undefined; // takes away the one that is shown

function language(banner: Banner): string {
  const wanted = [document.documentElement.lang, ...navigator.languages, "en"].map((one) => one.slice(0, 2).toLowerCase());
  return wanted.find((one) => one in banner.text) || Object.keys(banner.text)[0];
}

function make<K extends keyof HTMLElementTagNameMap>(name: K, text: string, set: Partial<HTMLElementTagNameMap[K]> = {}): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(name), set);
  element.textContent = text;
  return element;
}

/** Show it. Called up by hand it takes the focus and can be left with Escape; coming by itself it stands first in the page and takes nothing. */
function show(banner: Banner, byHand: boolean, chosen: (granted: boolean, version: string, language: string) => void) {
  if (open) open();
  const back = document.activeElement as HTMLElement | null;
  const speech = language(banner), words = banner.text[speech];
  const host = make("div", "", { lang: speech });
  host.setAttribute("data-baton-ignore", "");
  host.setAttribute("data-baton-banner", "");
  const root = host.attachShadow({ mode: "open" });
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(LOOK);
    root.adoptedStyleSheets = [sheet];
  } catch {
    root.append(make("style", LOOK)); // browsers of before 2023
  }
  const title = make("h2", words.title, { id: "title", tabIndex: -1 });
  const text = make("p", words.text, { id: "text" });
  const box = make("div", ""), row = make("div", "");
  for (const [key, value] of Object.entries({ role: "dialog", "aria-modal": "false", "aria-labelledby": "title", "aria-describedby": "text" })) box.setAttribute(key, value);
  row.append(banner.policy_url ? make("a", words.policy, { href: banner.policy_url, target: "_blank", rel: "noopener" }) : make("span", ""));
  const close = () => {
    open = undefined;
    host.remove();
    if (byHand && back && back.isConnected) back.focus();
  };
  const choose = (granted: boolean) => () => {
    close();
    chosen(granted, `${banner.edition}-${banner.versions[speech]}`, speech);
  };
  // The same size, colour and weight for both: neither is the easier one.
  const yes = make("button", words.agree, { type: "button", onclick: choose(true) });
  row.append(make("button", words.refuse, { type: "button", onclick: choose(false) }), yes);
  box.append(title, text, row);
  box.addEventListener("keydown", (event) => event.key === "Escape" && byHand && close());
  root.append(box);
  open = close;
  document.body.prepend(host);
  if (byHand) title.focus();
}

if (script && script.dataset.preview) show(JSON.parse(script.dataset.preview), false, () => undefined);
else if (api) {
  const inside = api._;
  inside.show = (byHand) => {
    const put = () => inside.config.banner && show(inside.config.banner, byHand, inside.choose);
    if (document.body) put();
    else document.addEventListener("DOMContentLoaded", put);
  };
}
