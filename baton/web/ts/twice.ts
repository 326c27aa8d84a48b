/**
 * What is pressed twice in a hurry is sent once: a button or form whose same words are still on their way drops the second press, and its button says that it
 * is busy (it keeps the focus). `hx-sync="this:queue all"` on what is pressed says that each press counts. Forms that the browser sends itself are guarded, too.
 */
import { type Context, context, values } from "./requests";

const BUSY = 200; // milliseconds until a button says it is busy
const LEAVING = 10_000; // milliseconds in which the next page should have come
const BY_HAND = new Set(["click", "submit", "change", "focusout"]);

let last = new WeakMap<Element, string>(); // what was asked last and is not answered
const about = new WeakMap<Context, { by: Element; words: string; done?: () => void }>();

function again(by: Element, words: string): boolean {
  if (last.get(by) === words) return true;
  last.set(by, words);
  return false;
}

/** Say that a button is busy; gives what takes it back. */
function busy(button: Element | null | undefined) {
  if (!button?.matches("button")) return undefined;
  const timer = setTimeout(() => ["aria-busy", "aria-disabled"].forEach((name) => button.setAttribute(name, "true")), BUSY);
  return () => {
    clearTimeout(timer);
    if (button.ariaBusy) ["aria-busy", "aria-disabled"].forEach((name) => button.removeAttribute(name));
  };
}

document.addEventListener("htmx:config:request", (e) => {
  const ctx = context(e);
  const by = ctx.sourceElement;
  if (ctx.request.method === "GET" || !BY_HAND.has(ctx.sourceEvent?.type ?? "") || by.getAttribute("hx-sync") === "this:queue all") return;
  const words = `${ctx.request.action} ${values(ctx.request.body)}`;
  if (again(by, words)) e.preventDefault();
  else about.set(ctx, { by, words });
});
document.addEventListener("htmx:before:request", (e) => {
  const ctx = context(e);
  const one = about.get(ctx);
  if (one) one.done = busy(ctx.request.submitter ?? one.by);
});
document.addEventListener("htmx:finally:request", (e) => {
  const one = about.get(context(e));
  const clear = () => {
    one?.done?.();
    if (one && last.get(one.by) === one.words) last.delete(one.by);
  };
  if (context(e).hx?.redirect || context(e).hx?.refresh) setTimeout(clear, LEAVING);
  else clear();
});

document.addEventListener("submit", (e) => {
  const form = e.target as HTMLFormElement;
  if (e.defaultPrevented || form.method !== "post") return;
  if (again(form, values(new FormData(form, e.submitter)))) return e.preventDefault();
  const done = busy(e.submitter);
  setTimeout(() => (last.delete(form), done?.()), LEAVING);
});
addEventListener("pageshow", () => (last = new WeakMap())); // back on a page that was kept
