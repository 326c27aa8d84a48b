/** A form goes out when what is changing in its filter has arrived: whoever takes a condition away and saves at once saves without it. */
import { context } from "./requests";

const EDITOR = ".filter-editor";
const under = new Map<object, Element>(); // request on its way -> the editor it changes
let held: (() => void) | null = null;

document.addEventListener("htmx:before:request", (e) => {
  const editor = context(e).sourceElement.closest(EDITOR);
  if (editor) under.set(context(e), editor);
});
document.addEventListener("htmx:finally:request", (e) => {
  under.delete(context(e));
  setTimeout(() => {
    const go = held;
    held = null;
    go?.();
  });
});
document.addEventListener(
  "submit",
  (e) => {
    const form = e.target as HTMLFormElement;
    if (![...under.values()].some((editor) => form.contains(editor))) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    const by = e.submitter;
    held = () => form.isConnected && form.requestSubmit(by?.isConnected ? by : null);
  },
  true,
);
