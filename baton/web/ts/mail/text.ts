/**
 * A text block's writing. What writes is fetched when the first one is opened; until then, and where it cannot be had, there is the HTML in a field.
 *
 *   <mail-text data-src="…/rich.js" data-label="Text"> <textarea name="html"></textarea> <div role="toolbar"> <button data-rich="bold"> … </div>
 *     <form data-rich-link> <input type="url"> … </form> <div data-host></div>
 */
import { target } from "./merge";
import type { Field, Rich } from "./rich";

class MailText extends HTMLElement {
  #rich: Rich | null = null;
  #wait = 0;

  async connectedCallback() {
    const field = this.querySelector("textarea")!;
    if (field.disabled || field.closest("fieldset:disabled")) return;
    this.addEventListener("focusin", () => target(this));
    const module = (await import(this.dataset.src!)) as typeof import("./rich");
    if (!this.isConnected || this.#rich) return;
    field.hidden = true; // by which the stylesheet knows, too: a class of the element itself is taken back when an answer of the server settles
    this.#rich = new module.Rich(this.querySelector<HTMLElement>("[data-host]")!, field.value, this.dataset.label ?? "", { name: (path) => document.querySelector<HTMLElement>(`#merge-fields [data-merge="${CSS.escape(path)}"]`)?.dataset.name ?? path }, {
      changed: () => {
        field.value = this.#rich!.html;
        clearTimeout(this.#wait);
        field.dispatchEvent(new Event("input", { bubbles: true }));
      },
      moved: () => this.#show(),
      field: (found, chip) => {
        this.#rich!.choose(chip);
        target(this, found);
        document.getElementById("merge-fields")?.showPopover();
      },
    });
    this.addEventListener("click", this.#click);
    this.addEventListener("keydown", this.#key);
    document.addEventListener("mail-write", this.#write);
    this.#show();
  }

  disconnectedCallback() {
    document.removeEventListener("mail-write", this.#write);
    this.#rich?.close();
    this.#rich = null;
  }

  insert(field: Field, instead: boolean) {
    if (instead) this.#rich?.replace(field);
    else this.#rich?.insert(field);
  }

  #write = () => this.#rich?.focus();

  #show() {
    if (!this.#rich) return;
    for (const button of this.querySelectorAll<HTMLElement>("[data-rich]")) button.setAttribute("aria-pressed", String(this.#rich.is(button.dataset.rich!)));
  }

  #click = (e: Event) => {
    const button = (e.target as Element).closest<HTMLElement>("[data-rich]");
    const link = (e.target as Element).closest<HTMLElement>("[data-rich-link]");
    if (link) {
      const box = this.querySelector<HTMLInputElement>("[data-address]")!;
      if (link.dataset.richLink === "set") this.#rich!.do("link", box.value.trim());
      if (link.dataset.richLink === "none") this.#rich!.do("link");
      if (link.dataset.richLink !== "open") link.closest<HTMLElement>("[popover]")?.hidePopover();
      else box.value = this.#rich!.link;
    }
    if (button) this.#rich!.do(button.dataset.rich!);
  };

  /** In the box for an address Enter means "set it"; in the tools the arrows go from one to the next. */
  #key = (e: KeyboardEvent) => {
    const target = e.target as HTMLElement;
    if (e.key === "Enter" && target.matches("[data-address]")) {
      e.preventDefault();
      this.querySelector<HTMLElement>("[data-rich-link=set]")!.click();
    }
    const tools = target.closest("[role=toolbar]");
    const step = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0;
    if (!tools || !step || target.closest("[popover]")) return;
    const all = [...tools.querySelectorAll<HTMLElement>(":scope > button")];
    all[(all.indexOf(target) + step + all.length) % all.length]?.focus();
    e.preventDefault();
  };
}

customElements.define("mail-text", MailText);
export type { MailText };
