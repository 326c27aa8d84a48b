/**
 * Nothing that was changed is lost without a word. A link waits until what saves itself is saved, and what was typed last there goes out even when the page is
 * left. Who leaves while more waits to be saved, or leaves or closes what somebody has to send, is asked first when something was typed there.
 */
import { type Context, context } from "./requests";
import "./twice"; // it listens first: what it drops is not under way

const MOST = 8000; // milliseconds a link waits at most
const SOON = 700; // milliseconds in which a form that saves itself sends what was changed
const SMALL = 30_000; // letters that the browser goes on sending when the page is left
const FIELDS = ":is(input, textarea, select):not([type=search], [type=hidden], [type=file], [readonly], [data-narrow], [hx-get], [hx-post])";
const CHOSEN = "[type=checkbox], [type=radio], [type=range], select";

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

const waiting = new Map<Context, Element>(); // changes that wait for their turn
const going = new Set<Context>(); // changes on their way
const soon = new Map<Element, number>(); // what saves itself, and when it was changed; until it is sent
const typed = new Map<Field, number>(); // fields of forms that somebody sends, and when they were changed
const asked = new WeakMap<Context, number>();

/** A post that another may replace only asks something, unless it is part of a form that saves itself. */
const saves = (ctx: Context) => ctx.request.method !== "GET" && (!ctx.sourceElement.getAttribute("hx-sync")?.endsWith("replace") || !!ctx.sourceElement.closest("form[data-autosave]"));
const coming = () => [...soon.values()].some((when) => performance.now() - when < SOON);

document.addEventListener("input", changed, true);
document.addEventListener("change", changed, true);
function changed(e: Event) {
  const field = e.target as HTMLInputElement;
  const form = field.form ?? field.closest("form");
  if (!form) return;
  if (form.matches("[data-autosave], [data-escape]")) {
    const saving = field.closest("[hx-post]");
    if (saving && field.name && !field.matches("[hx-get]")) soon.set(saving, performance.now());
  } else if (field.matches(FIELDS) && sent(field, form)) typed.set(field, performance.now());
}

/** Whether somebody has to send this field. What was only chosen counts outside of dialogs and menus: there it is chosen again at a glance. */
function sent(field: Field, form: HTMLFormElement) {
  const chosen = field.matches(CHOSEN);
  if (form.matches("[hx-post]:not([hx-trigger])")) return form.contains(field) && !(chosen && form.closest("dialog, [popover]"));
  return form.method === "post" && !chosen;
}

document.addEventListener("htmx:config:request", (e) => {
  const ctx = context(e);
  asked.set(ctx, performance.now());
  if (!saves(ctx) || e.defaultPrevented) return;
  waiting.set(ctx, ctx.sourceElement);
  soon.delete(ctx.sourceElement);
});
document.addEventListener("htmx:before:request", (e) => {
  const ctx = context(e);
  if (!saves(ctx)) return;
  for (const [other, by] of waiting) {
    if (by === ctx.sourceElement) waiting.delete(other);
    if (other === ctx) break; // those after it still wait; those before it were given up
  }
  waiting.delete(ctx);
  going.add(ctx);
  if (ctx.request.body instanceof URLSearchParams && String(ctx.request.body).length < SMALL) ctx.request.keepalive = true;
});
document.addEventListener("htmx:after:request", (e) => {
  const ctx = context(e);
  going.delete(ctx); // a redirect leaves the page before the request is done with
  if ((ctx.response?.status ?? 500) >= 400) return;
  for (const [field, when] of typed) if (field.form === ctx.sourceElement && when <= (asked.get(ctx) ?? 0)) typed.delete(field);
});
document.addEventListener("htmx:finally:request", (e) => {
  going.delete(context(e));
  waiting.delete(context(e));
});
document.addEventListener("submit", (e) => {
  if (!e.defaultPrevented) for (const field of typed.keys()) if (field.form === e.target) typed.delete(field);
});

function differs(field: Field) {
  if (field instanceof HTMLSelectElement) {
    const usual = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(usual, 0);
  }
  return field.matches(CHOSEN) && field.type !== "range" ? (field as HTMLInputElement).checked !== (field as HTMLInputElement).defaultChecked : field.value !== field.defaultValue;
}

/** Whether something that was typed in here is not sent. */
export function unsent(within: Element = document.body) {
  for (const field of typed.keys()) if (!field.isConnected || !differs(field)) typed.delete(field);
  return [...typed.keys()].some((field) => within.contains(field) && field.checkVisibility());
}

addEventListener("beforeunload", (e) => {
  const cut = [...going].some((ctx) => !ctx.request.keepalive);
  if (cut || waiting.size || (last().length && going.size) || unsent()) e.preventDefault();
});

/** What saves itself and was not sent, because its time had not come. */
const last = () => [...soon.keys()].filter((saving): saving is HTMLElement => saving.isConnected && saving.getAttribute("hx-encoding") === null);

function flush() {
  const sent = last().map((saving) => {
    const form = saving.closest("form")!;
    const headers = { ...(JSON.parse(document.body.getAttribute("hx-headers:inherited") ?? "{}") as Record<string, string>), "HX-Request": "true" };
    const request = { method: "POST", action: saving.getAttribute("hx-post")!, headers, keepalive: true, body: new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)])) };
    const ctx = { sourceElement: saving, request };
    saving.dispatchEvent(new CustomEvent("htmx:before:request", { bubbles: true, detail: { ctx } })); // a page may have a header to add
    going.clear();
    return fetch(request.action, request);
  });
  soon.clear();
  return Promise.allSettled(sent);
}
addEventListener("pagehide", () => void flush());

// A link, and the way back within a page, wait ----------------------------------------------------------------------------------------------

let timer = 0;
const pending = () => waiting.size > 0 || going.size > 0 || coming();
function settled(go: () => void) {
  const until = performance.now() + MOST;
  const look = () => (pending() && performance.now() < until ? (timer = window.setTimeout(look, 50)) : go());
  clearTimeout(timer);
  look();
}

document.addEventListener("click", (e) => {
  const link = (e.target as Element).closest<HTMLAnchorElement>("a[href]");
  if (!link || e.defaultPrevented || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
  if ((link.target && link.target !== "_self") || link.hasAttribute("download") || link.origin !== location.origin || link.getAttribute("href")!.startsWith("#")) return;
  clearTimeout(timer);
  if (!pending()) return;
  e.preventDefault();
  settled(() => location.assign(link.href));
});
document.addEventListener("htmx:before:history:restore", (e) => {
  if (!pending() && !last().length) return;
  e.preventDefault();
  void flush().then(() => settled(() => location.reload()));
});
