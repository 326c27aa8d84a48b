/** Alerts that the stream puts on the page: closing them, and marking them read on the way to the record. */
const SHOWN = 3;
const alerts = document.getElementById("alerts");

function csrf(): Record<string, string> {
  return JSON.parse(document.body.getAttribute("hx-headers:inherited") ?? "{}");
}

document.addEventListener("click", (e) => {
  const target = e.target as Element;
  target.closest("[data-close]")?.closest(".alert")?.remove();
  const link = target.closest<HTMLElement>("[data-read]");
  // `keepalive`: the request outlives the page that is being left
  if (link) void fetch(link.dataset.read!, { method: "POST", headers: csrf(), keepalive: true });
});

if (alerts) {
  new MutationObserver(() => {
    for (const old of [...alerts.children].slice(SHOWN)) old.remove();
    document.getElementById("no-notices")?.remove();
    document.getElementById("read-all")?.removeAttribute("hidden");
  }).observe(alerts, { childList: true });
}
