/**
 * Rows of a form that are added, moved and taken away: the options of a choice, the conditions of a field. What is in them belongs to the form around,
 * which is told by a `change`. Enter goes to a new row, and lines that are pasted become a row each.
 *
 *   <baton-rows> <div data-rows data-keep> <div data-row> <input data-line> <button data-row-do="up | down | drop"> … <template> a row </template>
 *   <button data-row-do="add">
 */
class Rows extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this.#click);
    this.addEventListener("keydown", this.#key);
    this.addEventListener("paste", this.#paste);
  }

  get #list() {
    return this.querySelector<HTMLElement>("[data-rows]")!;
  }

  #add(after?: Element | null, text = "") {
    const row = this.querySelector("template")!.content.firstElementChild!.cloneNode(true) as HTMLElement;
    if (after) after.after(row);
    else this.#list.append(row);
    const line = row.querySelector<HTMLInputElement>("[data-line]");
    if (line && text) line.value = text;
    line?.focus();
    return row;
  }

  #changed() {
    this.#list.dispatchEvent(new Event("change", { bubbles: true }));
  }

  #click = (e: Event) => {
    const button = (e.target as Element).closest<HTMLElement>("[data-row-do]");
    if (!button) return;
    const what = button.dataset.rowDo!;
    const row = button.closest<HTMLElement>("[data-row]");
    if (what === "add") {
      this.#add();
      return;
    }
    if (!row) return;
    const beside = what === "up" ? row.previousElementSibling : row.nextElementSibling;
    if (what === "drop") {
      (row.nextElementSibling ?? row.previousElementSibling ?? this.parentElement)?.querySelector<HTMLElement>("input, select, button")?.focus();
      row.remove();
    } else if (beside) {
      if (what === "up") beside.before(row);
      else beside.after(row);
      button.focus();
    }
    this.#changed();
  };

  #key = (e: KeyboardEvent) => {
    const line = (e.target as Element).closest<HTMLInputElement>("[data-line]");
    if (!line || e.isComposing) return;
    const row = line.closest("[data-row]")!;
    if (e.key === "Enter") this.#add(row);
    else if (e.key === "Backspace" && !line.value && this.#list.childElementCount > 1) {
      (row.previousElementSibling ?? row.nextElementSibling)?.querySelector<HTMLElement>("[data-line]")?.focus();
      row.remove();
      this.#changed();
    } else return;
    e.preventDefault();
  };

  #paste = (e: ClipboardEvent) => {
    const line = (e.target as Element).closest<HTMLInputElement>("[data-line]");
    const lines = (e.clipboardData?.getData("text/plain") ?? "").split(/\r?\n/).map((l) => l.trim()).filter(Boolean);
    if (!line || lines.length < 2) return;
    e.preventDefault();
    line.value = lines[0];
    let row: Element = line.closest("[data-row]")!;
    for (const text of lines.slice(1)) row = this.#add(row, text);
    this.#changed();
  };
}

customElements.define("baton-rows", Rows);
