/**
 * What somebody types while an answer is on its way stays: the answer is older. A field that was changed after the request began keeps its value when the
 * answer changes the page around it, and finds its value, its caret and the focus again when the answer brings its form anew.
 */
import htmx from "htmx.org";
import { type Context, context } from "./requests";

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;
interface Kept {
  field: Field;
  focused: boolean;
  caret: [number, number] | null;
}

const FIELDS = "input:not([type=hidden], [type=file], [type=radio]), textarea, select";
const changed = new WeakMap<Element, number>(); // field -> when
const asked = new WeakMap<Context, number>();
let since = Infinity; // when what is being put on the page was asked for
let kept: Kept[] = [];

const newer = (field: Element | null, than = since) => !!field && (changed.get(field) ?? -1) > than;

/** Whether something in here was changed after a request began. */
export const changedAfter = (ctx: Context, within: Element) => [...within.querySelectorAll(FIELDS)].some((field) => newer(field, asked.get(ctx)));

for (const kind of ["input", "change"]) document.addEventListener(kind, (e) => changed.set(e.target as Element, performance.now()), true);
document.addEventListener("htmx:config:request", (e) => asked.set(context(e), performance.now()));

interface Task {
  target: Element | string;
  swapSpec: { style: string };
}
document.addEventListener("htmx:before:swap", (e) => {
  since = asked.get(context(e)) ?? Infinity;
  kept = [];
  for (const { target, swapSpec } of (e as CustomEvent<{ tasks: Task[] }>).detail.tasks) {
    const place = typeof target === "string" ? document.querySelector(target) : target;
    if (!place || !/^(inner|outer)HTML$/.test(swapSpec.style)) continue;
    for (const field of place.querySelectorAll<Field>(FIELDS)) {
      if (!field.name || !newer(field)) continue;
      const caret: Kept["caret"] = "selectionStart" in field && field.selectionStart !== null ? [field.selectionStart, field.selectionEnd!] : null;
      kept.push({ field, focused: document.activeElement === field, caret });
    }
  }
});
const sends = (form: HTMLFormElement | null) => form?.getAttribute("hx-post") ?? form?.getAttribute("hx-get") ?? form?.getAttribute("action");
document.addEventListener("htmx:after:swap", () => {
  for (const { field, focused, caret } of kept) {
    if (field.isConnected || field.value === "" || field.closest("[data-clear-after]")) continue;
    const again = [...document.querySelectorAll<Field>(`${field.localName}[name="${CSS.escape(field.name)}"]`)].filter((other) => other.type === field.type && sends(other.form) === sends(field.form));
    if (again.length !== 1 || !field.form) continue;
    const to = again[0];
    if (to instanceof HTMLInputElement && field instanceof HTMLInputElement) to.checked = field.checked;
    to.value = field.value;
    if (focused && (document.activeElement === document.body || document.activeElement === to)) to.focus();
    if (focused && caret && "setSelectionRange" in to) to.setSelectionRange(...caret);
    to.dispatchEvent(new Event("input", { bubbles: true }));
  }
  kept = [];
});

htmx.registerExtension("typed", {
  htmx_before_morph_node: (old: Element) => !(old instanceof HTMLTextAreaElement && newer(old)),
  htmx_before_morph_attr: (old: Element, { attrName }: { attrName: string }) =>
    !((attrName === "value" || attrName === "checked") && newer(old)) && !(attrName === "selected" && newer(old.closest("select"))),
});
