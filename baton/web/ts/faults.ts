/**
 * Focus that was lost with what an answer took away: after an answer with faults the first faulty field has it, and in an open dialog the dialog itself
 * (`tabindex="-1"`), so that nobody is thrown out of it.
 */
import { context } from "./requests";

document.addEventListener("htmx:after:swap", (e) => {
  const ctx = context(e);
  if (!(ctx.target instanceof Element) || (document.activeElement && document.activeElement !== document.body)) return;
  const faulty = ctx.response?.status === 422 && ctx.target.querySelector<HTMLElement>("[aria-invalid=true]");
  (faulty || ctx.target.closest<HTMLElement>("dialog[open]"))?.focus();
});
