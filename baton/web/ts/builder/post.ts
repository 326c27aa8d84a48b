/** The one htmx of the page (app.js has it) sends what the elements of the builder change. Posts of one element wait for each other. */
import type Htmx from "htmx.org";

declare global {
  interface Window {
    htmx: typeof Htmx;
  }
}

export function post(source: HTMLElement, url: string, target: string, values: Record<string, string>) {
  return window.htmx.ajax("POST", url, { source, target, swap: "innerMorph", values });
}
