// A form in somebody else's page. Served as /f/<guid>.js, wrapped in a function whose argument is the form.
// It looks like the page it stands in: no styles of its own, only classes to hold on to.

interface Option { value: string; label: string }
interface Field { name: string; label: string; type: string; input: string; complete: string; required: boolean; placeholder: string; options: Option[] }
interface Definition {
  guid: string; language: string; fields: Field[]; consent: { label: string; required: boolean } | null; submit: string; trap: string;
  words: { choose: string; required: string; failed: string; sending: string };
}
declare const BATON_FORM: Definition;

type Attributes = Record<string, string | boolean>;

const about = BATON_FORM;
const tag = (document.currentScript || document.querySelector(`script[src*="/f/${about.guid}.js"]`)) as HTMLScriptElement;
const address = `${new URL(tag.src).origin}/f/${about.guid}/`;
let number = document.querySelectorAll("form.baton-form").length;

function make(name: string, attributes: Attributes, ...children: (Node | string)[]): HTMLElement {
  const element = document.createElement(name);
  for (const key in attributes) {
    const value = attributes[key];
    if (value === true) element.setAttribute(key, "");
    else if (value) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

function control(field: Field, id: string): HTMLElement {
  const common: Attributes = { id, name: field.name, required: field.required, autocomplete: field.complete };
  if (field.type === "choice")
    return make("select", common, make("option", {}, about.words.choose), ...field.options.map((o) => make("option", { value: o.value }, o.label)));
  if (field.type === "textarea") return make("textarea", { ...common, rows: "4", placeholder: field.placeholder });
  return make("input", { ...common, type: field.input, placeholder: field.placeholder, step: field.type === "number" ? "any" : "" });
}

function row(field: Field, prefix: string): HTMLElement {
  const id = `${prefix}-${field.name}`;
  if (field.type === "hidden") return make("input", { type: "hidden", name: field.name });
  const mark = field.required ? [make("span", { class: "baton-required", "aria-hidden": "true" }, " *")] : [];
  if (field.type === "boolean")
    return make("div", { class: "baton-field" }, make("label", {}, make("input", { id, type: "checkbox", name: field.name, value: "true", required: field.required }), " ", field.label, ...mark));
  if (field.type === "multi_choice")
    return make("fieldset", { class: "baton-field" }, make("legend", {}, field.label, ...mark),
      ...field.options.map((o) => make("label", {}, make("input", { type: "checkbox", name: field.name, value: o.value }), " ", o.label)));
  return make("div", { class: "baton-field" }, make("label", { for: id }, field.label, ...mark), control(field, id));
}

function build(): HTMLFormElement {
  const prefix = `baton-${++number}`;
  const trap = make("div", { hidden: true }, make("label", {}, about.trap, make("input", { name: about.trap, tabindex: "-1", autocomplete: "off" })));
  const form = make("form", { class: "baton-form", method: "post", action: address, lang: about.language }, ...about.fields.map((f) => row(f, prefix)), trap);
  if (about.consent)
    form.append(make("div", { class: "baton-field baton-consent" }, make("label", {}, make("input", { type: "checkbox", name: "consent", value: "true", required: about.consent.required }), " ", about.consent.label)));
  form.append(make("button", { type: "submit" }, about.submit));
  return form as HTMLFormElement;
}

function cookie(name: string): string {
  const found = document.cookie.match(new RegExp(`(?:^|; )${name}=([0-9a-f]{32})(?:;|$)`));
  return found ? found[1] : "";
}

function clear(form: HTMLFormElement) {
  for (const old of Array.from(form.querySelectorAll(".baton-error, .fault"))) old.remove();
  for (const old of Array.from(form.querySelectorAll("[aria-invalid]"))) {
    old.removeAttribute("aria-invalid");
    old.removeAttribute("aria-describedby");
  }
}

/** Show a fault under its input, else above the button. */
function fault(form: HTMLFormElement, name: string, text: string, focus: boolean) {
  const input = name ? (form.querySelector(`[name="${name}"]`) as HTMLElement | null) : null;
  const note = make("p", { class: "baton-error fault", role: "alert", id: `baton-fault-${number}-${name || "form"}` }, text);
  if (input) {
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", note.id);
    (input.closest(".baton-field, .field, label") || input).after(note);
    if (focus) input.focus();
  } else form.insertBefore(note, form.querySelector("button"));
}

function send(form: HTMLFormElement) {
  const button = form.querySelector("button") as HTMLButtonElement;
  const data = new URLSearchParams();
  new FormData(form).forEach((value, name) => typeof value === "string" && data.append(name, value));
  data.set("hutk", cookie("baton_v") || cookie("hubspotutk"));
  data.set("page_url", location.href.split("#")[0]);
  data.set("page_title", document.title);
  const label = button.textContent;
  button.disabled = true;
  button.textContent = about.words.sending;
  clear(form);
  fetch(address, { method: "POST", body: data, headers: { Accept: "application/json" }, credentials: "omit" })
    .then((answer) => (answer.ok || answer.status === 422 ? answer.json() : Promise.reject(answer.status)))
    .then((answer: { thanks?: string; redirect?: string; problems?: { path: string; message: string }[] }) => {
      if (answer.problems) {
        answer.problems.forEach((p, n) => fault(form, p.path.replace(/^fields\./, ""), p.message, n === 0));
        return;
      }
      form.dispatchEvent(new CustomEvent("baton:sent", { bubbles: true }));
      if (answer.redirect) {
        location.assign(answer.redirect);
        return;
      }
      const thanks = make("p", { class: "baton-thanks", role: "status", tabindex: "-1" }, answer.thanks || "");
      form.replaceWith(thanks);
      thanks.focus();
    })
    .catch(() => fault(form, "", about.words.failed, false))
    .then(() => {
      button.disabled = false;
      button.textContent = label;
    });
}

function attach(form: HTMLFormElement) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!form.querySelector("button:disabled")) send(form);
  });
}

function start() {
  const places = document.querySelectorAll(`[data-baton-form="${about.guid}"]`);
  if (!places.length) {
    const form = build();
    attach(form);
    if (tag.parentNode === document.head) document.body.append(form);
    else tag.after(form);
  }
  for (const place of Array.from(places)) {
    if (place instanceof HTMLFormElement) attach(place); // the hosted page: already there
    else {
      const form = build();
      attach(form);
      place.replaceChildren(form);
    }
  }
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();

export {};
