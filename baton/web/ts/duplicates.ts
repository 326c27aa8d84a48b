/** The inbox of duplicates by keyboard: arrows (or j, k) move, Enter compares, x says "not the same". */
document.addEventListener("keydown", (e) => {
  const list = document.getElementById("twins");
  const on = e.target as HTMLElement;
  if (!list || e.ctrlKey || e.metaKey || e.altKey || on.closest("input, textarea, select, [popover], dialog")) return;
  const rows = [...list.children] as HTMLElement[];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[e.key];
  if (step) {
    e.preventDefault();
    rows[Math.min(Math.max(at + step, 0), rows.length - 1)]?.focus();
  } else if (rows[at] && e.key === "Enter" && on === rows[at]) {
    rows[at].querySelector<HTMLElement>("[data-compare]")?.click();
  } else if (rows[at] && e.key === "x") {
    (rows[at + 1] ?? rows[at - 1])?.focus();
    rows[at].querySelector<HTMLElement>("[data-not-same]")?.click();
  }
});
