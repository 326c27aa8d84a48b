// Clicks: calls to action, downloads, links that lead away.
import { data, doc, hooks, isOurs, origin, type Words } from "./page";
import { add } from "./queue";

const FILES = /\.(pdf|zip|7z|rar|gz|dmg|exe|msi|apk|csv|txt|rtf|xlsx?|docx?|pptx?|hwpx?|od[tsp]|epub|key|numbers|pages|mp[34]|mov)$/i;
const words = (element: Element, most: number) => (element.textContent || "").trim().replace(/\s+/g, " ").slice(0, most);
const bare = (host: string) => host.replace(/^www\./, "");

/** Whether a link stays with the site: the same host, one above or below it, a site of ours, or Baton itself. */
function stays(link: HTMLAnchorElement): boolean {
  const to = "." + bare(link.hostname), at = "." + bare(location.hostname);
  return to.endsWith(at) || at.endsWith(to) || (!!data.domain && to.endsWith(data.domain)) || link.origin === origin || isOurs(link.hostname);
}

function onClick(event: Event, consent: () => void) {
  const target = event.target as Element | null;
  if (!target || !target.closest || (event as MouseEvent).button > 1) return;
  if (target.closest("[data-baton-consent]")) {
    event.preventDefault();
    consent();
  }
  if (target.closest("[data-baton-ignore]")) return;
  const cta = target.closest("[data-baton-cta]") as HTMLElement | null;
  const link = target.closest("a[href]") as HTMLAnchorElement | null;
  if (cta) add("cta_click", { cta: cta.dataset.batonCta || words(cta, 80) || "-", href: link ? link.href : "" }, true);
  if (!link || !/^https?:$/.test(link.protocol)) return;
  const x: Words = { href: link.href, text: words(link, 200) };
  if (FILES.test(link.pathname) || link.hasAttribute("download")) add("download", x, true);
  else if (!stays(link)) add("outbound_click", x, true);
  if (hooks.follow) hooks.follow(link);
}

export function watchClicks(consent: () => void) {
  for (const name of ["click", "auxclick"]) doc.addEventListener(name, (event) => onClick(event, consent), true);
}
