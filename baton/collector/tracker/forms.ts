// Forms: seen, begun, left without sending. Never what was typed. Every form counts but logins, searches and what is told to be ignored.
import { doc, hooks, type Words } from "./page";
import { add } from "./queue";

type Field = HTMLInputElement;
interface Known { x: Words; begun?: boolean; sent?: boolean; field?: string }

let known = new Map<HTMLFormElement, Known>();
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    const form = known.get(target as HTMLFormElement);
    if (isIntersecting && form) {
      seen.unobserve(target);
      add("form_view", form.x);
    }
  }
});

function counts(form: HTMLFormElement): boolean {
  const fields = Array.from(form.elements) as Field[];
  return (
    !form.closest("[data-baton-ignore],[role=search],search") &&
    !fields.some((f) => /^(password|search)$/.test(f.type) || /^(q|s|query|search|keyword)$/i.test(f.name)) &&
    fields.some((f) => !/^(hidden|submit|button|image|reset|fieldset|output)$/.test(f.type))
  );
}

/** What a form is called: Baton's own by its number, another by its id or name, else by where it is sent. */
function about(form: HTMLFormElement): Words {
  const get = (name: string) => form.getAttribute(name) || "";
  const number = [get("data-baton-number"), get("data-baton-form")].find((value) => /^\d+$/.test(value));
  const name = get("id") || get("name") || new URL(get("action") || ".", location.href).pathname;
  return {
    form: number || "#" + name.slice(0, 199), label: (get("data-baton-name") || get("aria-label") || get("name") || name).slice(0, 200),
    version: get("data-baton-version") || undefined,
  };
}

/** Look for forms; those that are gone from the page are forgotten. */
export function findForms() {
  for (const form of Array.from(doc.forms)) {
    if (!known.has(form) && counts(form)) {
      known.set(form, { x: about(form) });
      seen.observe(form);
    }
  }
  known.forEach((one, form) => {
    if (!form.isConnected) {
      abandoned(one);
      known.delete(form);
    }
  });
}

function abandoned(one: Known) {
  if (one.begun && !one.sent) add("form_abandon", { ...one.x, field: one.field });
  one.begun = false;
}

/** The page is being left: what was begun and not sent was given up. */
export const leaveForms = () => known.forEach(abandoned);

/** The page is another one now, though its forms may stand where they stood: they are seen anew. */
export function renewForms() {
  known.forEach((_, form) => seen.unobserve(form));
  known = new Map();
  findForms();
}

export function watchForms() {
  const on = (type: string, act: (one: Known, event: Event) => void) =>
    doc.addEventListener(type, (event) => {
      const target = event.target as Field;
      const form = (target.form || (target.closest && target.closest("form"))) as HTMLFormElement | null;
      if (form && doc.contains(form)) findForms();
      const one = form && known.get(form);
      if (one) act(one, event);
    }, true);
  const touched = (one: Known, event: Event) => {
    if (one.sent) return;
    one.field = ((event.target as Field).name || (event.target as Field).id || "").slice(0, 200);
    if (!one.begun) add("form_start", one.x);
    one.begun = true;
  };
  on("input", touched); // not `change`: that also comes for a form which an application takes away
  on("submit", (one, event) => {
    if (hooks.send) hooks.send(event.target as HTMLFormElement);
    if (/^#/.test(one.x.form as string)) one.sent = true; // one of Baton's own may still find faults
  });
  on("formdata", (one) => {
    if (/^#/.test(one.x.form as string)) one.sent = true; // sent by a script
  });
  on("baton:sent", (one) => (one.sent = true));
}
