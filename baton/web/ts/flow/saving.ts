/** Every request says which draft the page knows. */
import { context } from "../requests";

document.addEventListener("htmx:before:request", (e) => {
  const draft = document.getElementById("workflow-part")?.dataset.draft;
  if (draft) context(e).request.headers["X-Draft"] = draft; // as it is now, not when the request began to wait
});

/** Many changes in a row say much: only what was said last stays. */
document.addEventListener("toast", () => {
  for (const old of [...document.querySelectorAll("#toasts > .toast")].slice(0, -2)) old.remove();
});
