// A form in somebody else's page. Served as /f/<guid>.js, wrapped in a function whose argument is the form (forms/public.py tells its words).
// It looks like the page it stands in: no styles of its own, only classes to hold on to. On the hosted page it takes over the form that is there.

type Test = { field: string; operator: string; value?: string | string[] };
type When = { all?: Test[]; any?: Test[] };
type Tree = string | [string, Attributes, ...Tree[]];
interface Field {
  n: string; l?: string; t: string; i?: string; c?: string; r?: boolean; p?: string; h?: string; o?: [string, string][]; d?: string | string[];
  w?: number; f?: string; x?: Attributes; q?: When; s?: string | Tree[];
}
interface Version {
  v: number; lang: string; fields: Field[]; submit: string; steps?: [string, string[]][]; boxes?: { k: string; l: string; s?: string; r?: boolean; m?: boolean }[];
  notice?: [string, string, number][]; captcha?: [string, string, string]; ask?: number;
}
interface Definition {
  guid: string; number: number; versions: Version[]; trap: string; time: [string, string]; split?: [number, number];
  words: { choose: string; failed: string; sending: string; next: string; back: string; file: string };
}
interface Answer { thanks?: string; redirect?: string; file?: string; cookie?: string; problems?: { path: string; message: string }[] }
type Attributes = Record<string, string | number | boolean | undefined>;
type Control = HTMLInputElement;
declare const BATON_FORM: Definition;

const about = BATON_FORM, { words } = about, doc = document;
const tag = (doc.currentScript || doc.querySelector(`script[src*="/f/${about.guid}.js"]`)) as HTMLScriptElement;
const address = `${new URL(tag.src).origin}/f/${about.guid}/`;
let count = doc.querySelectorAll("form.baton-form").length;

function make(name: string, attributes: Attributes, ...children: (Node | string)[]): HTMLElement {
  const element = doc.createElement(name);
  for (const key in attributes) {
    const value = attributes[key];
    if (value === true) element.setAttribute(key, "");
    else if (value || value === 0) element.setAttribute(key, `${value}`);
  }
  element.append(...children);
  return element;
}

const grow = (tree: Tree): Node | string => (typeof tree === "string" ? tree : make(tree[0], tree[1], ...(tree.slice(2) as Tree[]).map(grow)));
const all = <T extends Element>(root: ParentNode, what: string) => Array.from(root.querySelectorAll<T>(what));

function cookie(name: string): string {
  const found = doc.cookie.match(`(?:^|; )${name}=([0-9a-f]{32})(?:;|$)`);
  return found ? found[1] : "";
}
const who = () => cookie("baton_v") || cookie("hubspotutk");

/** The version this browser sees: while two are compared its cookie draws the lot, as forms/shown.py does. */
function drawn(): Version {
  const { split, versions } = about, id = who();
  if (!split || !id) return versions[0];
  let hash = 0x811c9dc5;
  for (const letter of `${split[0]}:${id}`) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return versions[(hash >>> 0) % 100 < split[1] ? 1 : 0];
}

const mark = (required?: boolean) => (required ? [make("span", { class: "baton-required", "aria-hidden": "true" }, " *")] : []);

function row(f: Field, id: string): HTMLElement {
  const given = ([] as string[]).concat(f.d || []), one = { id, name: f.n, required: f.r, autocomplete: f.c, ...f.x };
  const put = (...inside: (Node | string)[]) => {
    if (f.h) inside.push(make("small", { class: "baton-help" }, f.h));
    return make("div", { class: "baton-field" + (f.w ? " baton-half" : ""), "data-baton-row": f.n }, ...inside);
  };
  const tick = (type: string, value: string, label: string, required?: boolean) =>
    make("label", {}, make("input", { type, name: f.n, value, required, checked: given.includes(value) }), " ", label);
  if (f.t === "hidden") {
    const box = put(make("input", { type: f.t, name: f.n, value: hidden(f) }));
    box.hidden = true;
    return box;
  }
  if (f.s) return put(...(typeof f.s === "string" ? [make(f.t === "heading" ? "h3" : "p", {}, f.s)] : f.s.map(grow)));
  const label = f.l || "";
  if (f.t === "boolean") {
    const box = tick("checkbox", "true", label, f.r);
    box.append(...mark(f.r));
    return put(box);
  }
  if (f.t === "multi_choice" || f.t === "radio") {
    const type = f.t === "radio" ? f.t : "checkbox";
    return put(make("fieldset", {}, make("legend", {}, label, ...mark(f.r)), ...(f.o || []).map((o) => tick(type, o[0], o[1], f.r && type === "radio"))));
  }
  const input =
    f.t === "choice" ? make("select", one, make("option", { value: "" }, f.p || words.choose), ...(f.o || []).map((o) => make("option", { value: o[0], selected: given.includes(o[0]) }, o[1])))
    : f.t === "textarea" ? make("textarea", { ...one, rows: 4, placeholder: f.p }, ...given)
    : make("input", { ...one, type: f.i || "text", placeholder: f.p, value: given[0], step: f.t === "number" ? "any" : "" });
  if (f.t === "choice") (input.firstChild as HTMLElement).setAttribute("value", "");
  return put(make("label", { for: id }, label, ...mark(f.r)), input);
}

/** What a hidden field carries: from the page's address, from a cookie, or a fixed text. */
function hidden(f: Field): string {
  const [from, name] = (f.f || "").split(/:(.*)/);
  if (from === "query" && name) return new URLSearchParams(location.search).get(name) || (f.d as string) || "";
  if (from === "cookie" && name) {
    const found = doc.cookie.split("; ").find((c) => c.startsWith(name + "="));
    const text = found ? found.slice(name.length + 1) : "";
    try {
      return decodeURIComponent(text);
    } catch {
      return text; // somebody else's cookie: "50%" is no code
    }
  }
  return f.f || (f.d as string) || "";
}

function build(v: Version): HTMLFormElement {
  const prefix = `baton-${++count}`, rows: Record<string, HTMLElement> = {};
  for (const f of v.fields) rows[f.n] = row(f, `${prefix}-${f.n}`);
  const steps = (v.steps || [["", v.fields.map((f) => f.n)]]).map(([title, names]) =>
    make("div", { class: "baton-step", "data-baton-step": true }, ...(title ? [make("h3", {}, title)] : []), ...names.map((n) => rows[n])));
  const last = steps[steps.length - 1];
  if (v.notice) last.append(make("dl", { class: "baton-notice" }, ...v.notice.flatMap(([title, text, loud]) => [...(title ? [make("dt", {}, title)] : []), make("dd", {}, loud ? make("strong", {}, text) : text)])));
  for (const box of v.boxes || [])
    last.append(make("div", { class: "baton-field baton-consent" },
      make("label", {}, make("input", { type: "checkbox", name: `consent.${box.k}`, value: "true", required: box.r }), " ", box.m ? make("strong", {}, box.l) : box.l, ...mark(box.r)), ...(box.s ? [make("small", {}, box.s)] : [])));
  const trap = make("div", { hidden: true }, make("label", {}, about.trap, make("input", { name: about.trap, tabindex: -1, autocomplete: "off" })));
  const form = make("form", { class: "baton-form", method: "post", action: address, lang: v.lang, enctype: "multipart/form-data" }, ...steps, trap,
    ...[about.time, ["baton_version", `${v.v}`]].map(([name, value]) => make("input", { type: "hidden", name, value })));
  if (v.captcha) {
    form.append(make("div", { class: v.captcha[1], "data-sitekey": v.captcha[2] }));
    if (!doc.querySelector(`script[src="${v.captcha[0]}"]`)) doc.head.append(make("script", { src: v.captcha[0], async: true }));
  }
  form.append(make("button", { type: "submit" }, v.submit));
  return form as HTMLFormElement;
}

/** The answers given so far to the fields of a name. */
function answers(form: HTMLFormElement, name: string): string[] {
  return all<Control>(form, `[name="${name}"]`)
    .filter((c) => !c.disabled && (!/checkbox|radio/.test(c.type) || c.checked)).map((c) => c.value.trim()).filter(Boolean);
}

/** Whether a field is asked; forms/fields.py decides the same way. */
function holds(when: When, form: HTMLFormElement): boolean {
  const good = (t: Test) => {
    const there = answers(form, t.field), want = ([] as string[]).concat(t.value == null ? [] : t.value).map(String), n = parseFloat(there[0]), m = +want[0];
    switch (t.operator) {
      case "known": return !!there.length;
      case "unknown": return !there.length;
      case "is_not": return !there.includes(want[0]);
      case "contains": return there.some((one) => one.toLowerCase().includes(want[0].toLowerCase()));
      case "gt": return n > m;
      case "lt": return n < m;
      default: return want.some((one) => there.includes(one));
    }
  };
  return when.all ? when.all.every(good) : (when.any || []).some(good);
}

function show(part: HTMLElement, on: boolean) {
  part.hidden = !on;
  part.style.display = on ? "" : "none"; // a page's own rules for our classes may be stronger than `hidden`
}

function clear(form: HTMLFormElement) {
  for (const old of all(form, ".baton-error, .fault")) old.remove();
  for (const old of all(form, "[aria-invalid]")) ["invalid", "describedby"].forEach((word) => old.removeAttribute(`aria-${word}`));
}

/** Take over a form: conditions, steps, what is known already, sending. */
function attach(form: HTMLFormElement, v: Version) {
  form.setAttribute("data-baton-form", `${about.number}`);
  form.setAttribute("data-baton-version", `${v.v}`);
  const button = form.querySelector("button:not([type=button])") as HTMLButtonElement;
  const steps = all<HTMLElement>(form, "[data-baton-step]"), rows: Record<string, HTMLElement> = {};
  for (const part of all<HTMLElement>(form, "[data-baton-row]")) rows[part.getAttribute("data-baton-row") as string] = part;
  let at = 0, skip: string[] = [];

  const refresh = () => {
    for (const f of v.fields) {
      const part = rows[f.n];
      if (!part || f.t === "hidden") continue;
      const on = !skip.includes(f.n) && (!f.q || holds(f.q, form));
      show(part, on);
      for (const c of all<Control>(part, "input, select, textarea")) c.disabled = !on;
      if (f.q && f.r && f.t !== "multi_choice") for (const c of all<Control>(part, "input, select, textarea")) c.required = true;
    }
    steps.forEach((step, n) => show(step, n === at));
    if (steps.length > 1) {
      show(back, at > 0);
      show(next, at < steps.length - 1);
      show(button, at === steps.length - 1);
    }
  };
  const go = (by: number) => {
    if (by > 0 && all<Control>(steps[at], "input, select, textarea").some((c) => !c.reportValidity())) return;
    at += by;
    refresh();
  };
  const turn = (by: number, text: string) => {
    const made = make("button", { type: "button", class: `baton-${by < 0 ? "back" : "next"} ${button.className && (by < 0 ? "button outline" : "button")}` }, text);
    made.addEventListener("click", () => go(by));
    if (steps.length > 1) button.before(made);
    return made;
  };
  const back = turn(-1, words.back), next = turn(1, words.next);

  /** Show a fault under its input, else above the button. */
  const fault = (name: string, text: string, first?: boolean) => {
    const input = name ? form.querySelector<HTMLElement>(`[name="${name}"]`) : null;
    const note = make("p", { class: "baton-error fault", role: "alert", id: `baton-fault-${count}-${name || "form"}` }, text);
    if (!input) return button.before(note);
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", note.id);
    (input.closest(".baton-field, .field, label") || input).after(note);
    if (!first) return;
    at = Math.max(0, steps.findIndex((step) => step.contains(input)));
    refresh();
    input.focus();
  };

  const send = () => {
    const data = new FormData(form), label = button.textContent;
    data.set("hutk", who());
    data.set("page_url", location.href.split("#")[0]);
    data.set("page_title", doc.title);
    button.disabled = true;
    button.textContent = words.sending;
    let leaving = false;
    clear(form);
    fetch(address, { method: "POST", body: data, headers: { Accept: "application/json" }, credentials: "omit" })
      .then((answer) => (answer.ok || answer.status === 422 ? answer.json() : Promise.reject()))
      .then((answer: Answer) => {
        if (answer.problems) {
          answer.problems.forEach((p, n) => fault(p.path.replace(/^fields\./, ""), p.message, !n));
          for (const service of ["hcaptcha", "turnstile"]) (window as any)[service]?.reset();
          return;
        }
        if (answer.cookie && cookie("baton_v")) keep(answer.cookie);
        form.dispatchEvent(new CustomEvent("baton:sent", { bubbles: true }));
        if (answer.redirect) {
          leaving = true; // the button stays as it is: the next page is on its way
          return location.assign(answer.redirect);
        }
        const thanks = make("div", { class: "baton-thanks", role: "status", tabindex: -1 }, answer.thanks || "");
        if (answer.file) thanks.append(make("p", {}, make("a", { href: answer.file, download: true }, words.file)));
        form.replaceWith(thanks);
        thanks.focus();
      })
      .catch(() => fault("", words.failed))
      .then(() => {
        button.disabled = leaving;
        button.textContent = label;
      });
  };

  form.addEventListener("input", refresh);
  form.addEventListener("change", refresh);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (at < steps.length - 1) go(1);
    else if (!button.disabled) send();
  });
  refresh();
  if (v.ask)
    fetch(`${address}known?c=${who()}`, { credentials: "omit" }).then((answer) => answer.json()).then((answer) => {
      skip = answer.skip || [];
      refresh();
    }, () => {});
}

/** Somebody else is known at this browser: from now on it is the sender's. */
function keep(value: string) {
  const domain = doc.querySelector("script[data-domain]")?.getAttribute("data-domain");
  doc.cookie = `baton_v=${value}; path=/; max-age=34128000; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}${domain ? `; domain=${domain}` : ""}`;
}

function start() {
  const there = doc.querySelector<HTMLFormElement>(`form[data-baton-hosted="${about.guid}"]`);
  if (there) {
    const shown = there.getAttribute("data-baton-version");
    return attach(there, about.versions.find((one) => `${one.v}` === shown) || about.versions[0]);
  }
  const v = drawn(), places = all<HTMLElement>(doc, `[data-baton-form="${about.guid}"]`);
  const put = (place: (form: HTMLElement) => void) => {
    const form = build(v);
    place(form);
    attach(form, v);
  };
  for (const place of places) put((form) => place.replaceChildren(form));
  if (!places.length) put((form) => (tag.parentNode === doc.head ? doc.body.append(form) : tag.after(form)));
}

if (doc.readyState === "loading") doc.addEventListener("DOMContentLoaded", start);
else start();

export {};
