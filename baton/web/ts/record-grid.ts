import htmx from "htmx.org";

/** A table of records: choosing rows, moving with keys, and editing cells where they stand. */
class RecordGrid extends HTMLElement {
  connectedCallback() {
    this.addEventListener("change", this.#refresh);
    this.addEventListener("click", this.#clicked);
    document.addEventListener("keydown", this.#key);
    document.addEventListener("bulk-done", this.#clear);
    this.#refresh();
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#key);
    document.removeEventListener("bulk-done", this.#clear);
  }

  get #rows() {
    return [...this.querySelectorAll<HTMLTableRowElement>("tbody tr")];
  }

  get #boxes() {
    return [...this.querySelectorAll<HTMLInputElement>("tbody input[name=id]")];
  }

  get #everything() {
    return this.querySelector<HTMLInputElement>(".bulk [name=all]");
  }

  #clicked = (e: Event) => {
    const target = e.target as Element;
    const cell = target.closest<HTMLElement>("button.edit");
    if (cell) this.#edit(cell);
    else if (target.closest("[data-everything]")) this.#all(this.#everything!.value !== "1");
    else if (target.closest("[data-clear]")) this.#clear();
    else if (target.closest("[popover] [form=bulk]")) target.closest<HTMLElement>("[popover]")!.hidePopover();
  };

  /** The editor of one value comes from the server and takes the value's place. */
  #edit(button: HTMLElement) {
    const cell = button.closest("td")!;
    const name = [...cell.classList].find((c) => c.startsWith("c-"))!.slice(2);
    const id = cell.closest("tr")!.id.slice(1);
    htmx.ajax("GET", `${this.dataset.base}cells/${id}/${name}/`, { target: cell, swap: "innerHTML", source: document.body });
  }

  /** Whether not only the chosen rows are meant, but all that match. */
  #all(on: boolean) {
    if (this.#everything) this.#everything.value = on ? "1" : "";
    this.#refresh();
  }

  #clear = () => {
    for (const b of this.#boxes) b.checked = false;
    this.#all(false);
    for (const open of document.querySelectorAll<HTMLDialogElement>("dialog.sheet[open]")) open.close();
  };

  #refresh = (e?: Event) => {
    const bulk = this.querySelector<HTMLElement>(".bulk");
    const head = this.querySelector<HTMLInputElement>("[data-all]");
    if (!bulk || !head) return;
    if (e?.target === head) for (const b of this.#boxes) b.checked = head.checked;
    const picked = this.#boxes.filter((b) => b.checked).length;
    if (!picked && this.#everything) this.#everything.value = "";
    const every = this.querySelector<HTMLElement>("[data-everything]");
    const all = this.#everything?.value === "1";
    head.checked = picked > 0 && picked === this.#boxes.length;
    head.indeterminate = picked > 0 && !head.checked;
    bulk.hidden = picked === 0;
    every?.setAttribute("aria-pressed", String(all));
    this.querySelector("[data-count]")!.textContent = all ? every!.dataset.total! : picked.toLocaleString();
  };

  #key = (e: KeyboardEvent) => {
    if ((e.target as Element).closest("input:not([type=checkbox]), textarea, select, dialog, [popover]") || e.metaKey || e.ctrlKey || e.altKey || e.isComposing) return;
    const rows = this.#rows;
    const at = rows.indexOf(document.activeElement?.closest("tr") as HTMLTableRowElement);
    const row = rows[at];
    if (e.key === "j" || e.key === "ArrowDown") rows[Math.min(at + 1, rows.length - 1)]?.focus();
    else if (e.key === "k" || e.key === "ArrowUp") rows[Math.max(at - 1, 0)]?.focus();
    else if (e.key === "x" && row) row.querySelector<HTMLInputElement>("input[name=id]")?.click();
    else if (e.key === "Enter" && row && document.activeElement === row) row.querySelector<HTMLAnchorElement>("a")!.click();
    else if (e.key === "e" && row) row.querySelector<HTMLElement>("button.edit")?.click();
    else return;
    e.preventDefault();
  };
}

customElements.define("record-grid", RecordGrid);

/** Keys of the whole page, also when the table is empty: / searches, C adds, ? tells the keys. */
document.addEventListener("keydown", (e) => {
  if ((e.target as Element).closest("input:not([type=checkbox]), textarea, select, dialog") || e.metaKey || e.ctrlKey || e.altKey || e.isComposing) return;
  const search = document.getElementById("record-search");
  if (!search) return;
  if (e.key === "/") search.focus();
  else if (e.key === "c") document.getElementById("add-record")?.click();
  else if (e.key === "?") document.querySelector<HTMLDialogElement>("dialog#keys")?.showModal();
  else return;
  e.preventDefault();
});
document.addEventListener("open-dialog", (e) => {
  const dialog = document.getElementById((e as CustomEvent).detail.value ?? (e as CustomEvent).detail) as HTMLDialogElement | null;
  if (dialog && !dialog.open) dialog.showModal();
});
