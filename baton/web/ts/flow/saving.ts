/** The draft saves itself: every request says what the page knows of it, and what was typed last goes out even when the page is left. */
const part = () => document.getElementById("workflow-part");
let typed: HTMLFormElement | null = null; // a form with letters that no request carries yet
let sent: HTMLFormElement | null = null; // a form whose letters are on their way

document.addEventListener("input", (e) => {
  const form = (e.target as Element).closest<HTMLFormElement>("form[data-autosave][hx-post]");
  if (form) typed = form;
});
document.addEventListener("htmx:before:request", (e) => {
  const ctx = (e as CustomEvent).detail.ctx;
  const draft = part()?.dataset.draft;
  if (draft) ctx.request.headers["X-Draft"] = draft; // as it is now, not when the request began to wait
  if (!typed || ctx.sourceElement !== typed) return;
  sent = typed;
  typed = null;
});
document.addEventListener("htmx:after:request", (e) => {
  if ((e as CustomEvent).detail.ctx.sourceElement === sent) sent = null;
});

addEventListener("pagehide", () => {
  const draft = part()?.dataset.draft;
  const form = typed ?? sent;
  if (!form?.isConnected || !draft) return;
  const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited") ?? "{}") as Record<string, string>;
  const body = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));
  void fetch(form.getAttribute("hx-post")!, { method: "POST", keepalive: true, headers: { ...headers, "HX-Request": "true", "X-Draft": draft }, body });
});

/** Many changes in a row say much: only what was said last stays. */
document.addEventListener("toast", () => {
  for (const old of [...document.querySelectorAll("#toasts > .toast")].slice(0, -2)) old.remove();
});
