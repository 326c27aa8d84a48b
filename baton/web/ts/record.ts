import htmx from "htmx.org";

/** A text box in which @ calls a colleague: a list below it, moved in with the arrows, taken with Enter or a click. */
class MentionBox extends HTMLElement {
  connectedCallback() {
    this.addEventListener("input", this.#look);
    this.addEventListener("keydown", this.#key);
    this.addEventListener("focusout", (e) => !this.contains(e.relatedTarget as Node) && this.#close());
    this.#list.addEventListener("pointerdown", (e) => e.preventDefault());
    this.#list.addEventListener("click", (e) => this.#take((e.target as Element).closest<HTMLElement>("[data-name]")));
  }

  get #box() {
    return this.querySelector("textarea")!;
  }

  get #list() {
    return this.querySelector<HTMLElement>(".mention-list")!;
  }

  get #shown() {
    return [...this.#list.querySelectorAll<HTMLElement>("[data-name]:not([hidden])")];
  }

  /** What was typed after the last @ before the caret. */
  get #word() {
    return this.#box.value.slice(0, this.#box.selectionStart).match(/(?:^|\s)@([^\s@]{0,30})$/)?.[1];
  }

  #look = () => {
    const word = this.#word?.toLowerCase();
    for (const item of this.#list.querySelectorAll<HTMLElement>("[data-name]")) item.hidden = word === undefined || !item.dataset.name!.toLowerCase().includes(word);
    this.#list.hidden = !this.#shown.length;
    this.#mark(0);
  };

  #mark(to: number) {
    this.#shown.forEach((item, i) => item.setAttribute("aria-selected", String(i === to)));
    this.#shown[to]?.scrollIntoView({ block: "nearest" });
  }

  #take(item?: HTMLElement | null) {
    if (!item) return;
    const end = this.#box.selectionStart;
    this.#box.setRangeText(`@${item.dataset.name} `, end - this.#word!.length - 1, end, "end");
    this.#close();
    this.#box.focus();
  }

  #close() {
    this.#list.hidden = true;
  }

  #key = (e: KeyboardEvent) => {
    if (this.#list.hidden || e.isComposing) return;
    const items = this.#shown;
    const at = items.findIndex((item) => item.ariaSelected === "true");
    if (e.key === "ArrowDown" || e.key === "ArrowUp") this.#mark((at + (e.key === "ArrowDown" ? 1 : items.length - 1)) % items.length);
    else if (e.key === "Enter" || e.key === "Tab") this.#take(items[at]);
    else if (e.key === "Escape") this.#close();
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
}

customElements.define("mention-box", MentionBox);

// The names of chosen files stand where "Attach files" stood.
document.addEventListener("change", (e) => {
  const input = e.target as HTMLInputElement;
  const label = input.closest(".attach")?.querySelector<HTMLElement>("[data-files]");
  if (label && input.files?.length) label.textContent = input.files.length > 1 ? label.dataset.many!.replace("{n}", String(input.files.length)) : input.files[0].name;
});
// A round button on top of a record opens the form below it: on a phone it may be in another tab.
document.addEventListener("click", (e) => {
  if (!(e.target as Element).closest("[data-compose]")) return;
  document.querySelector<HTMLInputElement>('.record-tabs [value="main"]')?.click();
});
// What was sent from a dialog and went well (the answer went elsewhere) closes it.
document.addEventListener("htmx:after:request", (e) => {
  const { ctx } = (e as CustomEvent).detail;
  if ((ctx?.sourceElement as Element | undefined)?.matches?.("[data-close-after]") && ctx.response?.status < 300) (ctx.sourceElement as Element).closest("dialog")?.close();
});
// Esc in a form that stands for something shows it again.
document.addEventListener("keydown", (e) => {
  const form = (e.target as Element).closest<HTMLFormElement>("[data-escape-to]");
  if (!form || e.key !== "Escape" || e.isComposing) return;
  htmx.ajax("GET", form.dataset.escapeTo!, { target: `#${form.parentElement!.id}`, swap: "outerHTML", source: document.body });
});
document.addEventListener("click", (e) => (e.target as Element).closest("[data-print]") && print());
