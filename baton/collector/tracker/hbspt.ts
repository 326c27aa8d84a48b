// hbspt.forms.create(): the call by which sites embed HubSpot's forms puts in Baton's form of the same id instead.
// Served as /forms/embed/v2.js, /forms/v2.js and /forms/embed/<portal>.js, where HubSpot's own file stood.

interface Options {
  portalId?: string | number; formId: string; target?: string; region?: string; cssClass?: string; css?: string; submitText?: string; submitButtonClass?: string;
  redirectUrl?: string; inlineMessage?: string; formInstanceId?: string;
  onBeforeFormInit?(options: Options): void; onFormReady?(form: unknown): void; onBeforeFormSubmit?(form: unknown, values: Value[]): void;
  onFormSubmit?(form: unknown, values: Value[]): void; onFormSubmitted?(form: unknown, data: Words): void;
}
interface Value { name: string; value: string }
type Words = Record<string, unknown>;

const w = window as unknown as { hbspt?: { forms?: { create?: unknown; __baton?: boolean } }; jQuery?: (element: Element) => unknown };
const doc = document;
const tag = (doc.currentScript || doc.querySelector('script[src*="/forms/"]')) as HTMLScriptElement;
const origin = new URL(tag.src).origin;
const asked = new Map<string, Promise<void>>();

const given = (form: HTMLFormElement) => (w.jQuery ? w.jQuery(form) : form); // sites written for jQuery get what they expect
const say = (id: string, eventName: string, data: unknown) => window.postMessage({ type: "hsFormCallback", eventName, id, data }, "*");

/** HubSpot's class names beside ours: what the site's style sheet says of its forms still holds. */
function dress(form: HTMLFormElement, options: Options) {
  form.classList.add("hs-form", `hs-form-${options.formId}`, ...(options.cssClass || "").split(/\s+/).filter(Boolean));
  for (const field of Array.from(form.querySelectorAll(".baton-field"))) {
    const input = field.querySelector("input,select,textarea") as HTMLInputElement | null;
    field.classList.add("hs-form-field");
    if (!input) continue;
    field.classList.add(`hs-${input.name}`, `hs_${input.name}`);
    if (!/checkbox|radio/.test(input.type)) input.classList.add("hs-input");
  }
  const button = form.querySelector("button[type=submit],button:not([type])") as HTMLButtonElement | null;
  if (!button) return;
  button.classList.add(...(options.submitButtonClass || "hs-button primary large").split(/\s+/).filter(Boolean));
  if (options.submitText) button.textContent = options.submitText;
}

/** Load a form's script once for a call; it fills every place that waits for the form. */
function fetchForm(id: string) {
  const before = asked.get(id) || Promise.resolve();
  asked.set(id, before.then(() => new Promise<void>((done) => {
    const script = doc.createElement("script");
    script.src = `${origin}/f/${id}.js`;
    if (tag.nonce) script.nonce = tag.nonce;
    script.onload = script.onerror = () => done();
    doc.head.append(script);
  })));
}

function ready(form: HTMLFormElement, place: Element, options: Options) {
  const { formId: id } = options;
  dress(form, options);
  let submitted: Value[] = [], telling = false;
  // The form reads its own values when all is answered and it is sent: not at every step.
  form.addEventListener("formdata", (event) => {
    if (telling) return; // a listener reads them too
    telling = true;
    submitted = [];
    event.formData.forEach((value, name) => typeof value === "string" && !/^baton_/.test(name) && submitted.push({ name, value }));
    if (options.onBeforeFormSubmit) options.onBeforeFormSubmit(given(form), submitted);
    say(id, "onBeforeFormSubmit", submitted);
    if (options.onFormSubmit) options.onFormSubmit(given(form), submitted);
    say(id, "onFormSubmit", submitted);
    telling = false;
  });
  place.addEventListener("baton:sent", () => {
    const data = { redirectUrl: options.redirectUrl || "", submissionValues: Object.fromEntries(submitted.map((one) => [one.name, one.value])) };
    if (options.onFormSubmitted) options.onFormSubmitted(given(form), data);
    say(id, "onFormSubmitted", data);
    if (options.redirectUrl) location.assign(options.redirectUrl);
    else if (options.inlineMessage)
      setTimeout(() => {
        const thanks = place.querySelector(".baton-thanks");
        if (!thanks) return;
        thanks.innerHTML = options.inlineMessage as string; // the site's own HTML, as with HubSpot
        thanks.classList.add("submitted-message");
      });
  });
  if (options.onFormReady) options.onFormReady(given(form));
  say(id, "onFormReady", {});
}

function put(place: Element, options: Options) {
  const { formId: id } = options;
  if (options.css && doc.adoptedStyleSheets) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(options.css);
    doc.adoptedStyleSheets = [...doc.adoptedStyleSheets, sheet];
  }
  if (options.onBeforeFormInit) options.onBeforeFormInit(options);
  say(id, "onBeforeFormInit", {});
  const spot = doc.createElement("div");
  spot.className = "hbspt-form";
  spot.dataset.batonForm = id;
  place.append(spot);
  const look = () => {
    const form = spot.querySelector("form");
    if (!form) return;
    watcher.disconnect();
    spot.removeAttribute("data-baton-form"); // the same form may stand in a second place
    ready(form, spot, options);
  };
  const watcher = new MutationObserver(look);
  watcher.observe(spot, { childList: true, subtree: true });
  fetchForm(id);
}

function create(options: Options) {
  const script = doc.currentScript; // the inline script that calls: without a target the form stands there
  const act = () => {
    let place: Element | null = options.target ? doc.querySelector(options.target) : null;
    if (!options.target && script) {
      place = doc.createElement("div");
      script.after(place);
    }
    if (place) put(place, options);
    else console.warn(`Baton: there is no place ${options.target} for the form ${options.formId}.`);
  };
  if (doc.readyState === "loading" && options.target && !doc.querySelector(options.target)) doc.addEventListener("DOMContentLoaded", act);
  else act();
}

/** The newer way: <div class="hs-form-frame" data-form-id data-portal-id> beside the script. */
function frames() {
  for (const place of Array.from(doc.querySelectorAll<HTMLElement>(".hs-form-frame[data-form-id],.hs-form-html[data-form-id]"))) {
    if (place.dataset.baton) continue;
    place.dataset.baton = "1";
    put(place, { formId: place.dataset.formId as string });
  }
}

w.hbspt = w.hbspt || {};
w.hbspt.forms = w.hbspt.forms || {};
if (!w.hbspt.forms.__baton) {
  Object.assign(w.hbspt.forms, { create, __baton: true });
  if (doc.readyState === "loading") doc.addEventListener("DOMContentLoaded", frames);
  else frames();
}

export {};
