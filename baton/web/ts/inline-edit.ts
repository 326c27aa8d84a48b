/** Fields edited in place: Esc goes back without saving, a sent note empties its box, and the first field is ready to type in. */
import htmx from "htmx.org";
import { changedAfter } from "./typed";

document.addEventListener("keydown", (e) => {
  const form = (e.target as Element).closest<HTMLFormElement>("[data-escape]");
  if (!form || e.key !== "Escape" || e.isComposing) return;
  e.stopPropagation();
  form.reset(); // should leaving the field still send it, it sends what was there
  htmx.ajax("GET", form.dataset.escape!, { target: form.parentElement!, swap: "innerHTML", source: document.body });
});
document.addEventListener("htmx:after:swap", (e) => {
  const { ctx } = (e as CustomEvent).detail;
  const form = ctx?.sourceElement as HTMLElement | undefined;
  if (form?.matches?.("[data-clear-after]") && !changedAfter(ctx, form)) (form as HTMLFormElement).reset();
});
document.addEventListener("click", (e) => {
  if ((e.target as Element).closest('a[href="#note"]')) document.querySelector<HTMLElement>("#note textarea")?.focus();
});
