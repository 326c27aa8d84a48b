/** How the parts of the editor change the draft: one post each, one after the other; its answer brings the outline, the panel and the state. */
import type Htmx from "htmx.org";

declare global {
  interface Window {
    htmx: typeof Htmx;
  }
}

export const editor = () => document.getElementById("mail") as HTMLElement;

/** What sends: an empty form, so that nothing but the given values goes along. */
export const sender = () => document.getElementById("mail-sender") as HTMLElement;

export function send(values: Record<string, string>) {
  return window.htmx.ajax("POST", editor().dataset.url!, { source: sender(), target: "#outline", swap: "innerMorph", values });
}

/** Open the settings of a block, a row or the mail itself. Those that are open stay as they are: somebody may be typing in them. */
export function open(key: string): Promise<void> {
  const there = chosen() === key && document.getElementById("panel-form")?.getAttribute("hx-post")?.endsWith(`/${key}/`);
  mark(key);
  if (there) return Promise.resolve();
  return window.htmx.ajax("GET", `${editor().dataset.url}${key}/`, { source: sender(), target: "#panel", swap: "innerHTML" });
}

/** Show which part is chosen, in the outline and on the canvas. */
export function mark(key: string) {
  const draft = document.getElementById("mail-draft");
  if (draft) draft.dataset.chosen = key;
  for (const other of document.querySelectorAll<HTMLElement>("#outline [data-key], .mail-parts [data-key]")) {
    if (other.dataset.key === key) other.setAttribute("aria-current", "true");
    else other.removeAttribute("aria-current");
  }
  document.dispatchEvent(new CustomEvent("mail-chosen", { detail: key }));
}

export const chosen = () => document.querySelector<HTMLElement>("#outline [data-key][aria-current], .mail-parts [data-key][aria-current]")?.dataset.key ?? "";

export function say(words: string | undefined, values: Record<string, string | number> = {}) {
  const line = document.querySelector("[data-say]");
  if (!line || !words) return;
  line.textContent = Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, String(value)), words);
}
