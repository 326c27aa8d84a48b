/** What was chosen last is what is shown: a page, filter, sheet or search that is asked for takes the place of what was asked for before it at the same place. */
import { type Context, context, values } from "./requests";

const ASKED = new Set([undefined, "click", "input", "change", "submit", "keydown"]); // what people do; the rest the page asks by itself

const addresses = new WeakMap<Context, string>();
const going = new Map<Context, string>(); // GETs on their way, and their addresses

document.addEventListener("htmx:config:request", (e) => {
  const ctx = context(e);
  if (ctx.request.method !== "GET" || e.defaultPrevented) return;
  const address = `${ctx.request.action} ${values(ctx.request.body)}`;
  addresses.set(ctx, address);
  const same = [...going].filter(([other]) => other.target === ctx.target);
  const type = ctx.sourceEvent?.type;
  if (type === "every" ? same.length : ASKED.has(type) && same.some(([, other]) => other === address)) return e.preventDefault();
  if (!ASKED.has(type)) return;
  for (const [other] of same) {
    going.delete(other);
    other.request.abort?.(); // going back in the history has its own
  }
});
document.addEventListener("htmx:before:request", (e) => {
  const ctx = context(e);
  if (ctx.request.method === "GET" && !e.defaultPrevented) going.set(ctx, addresses.get(ctx) ?? "");
});
document.addEventListener("htmx:finally:request", (e) => going.delete(context(e)));
