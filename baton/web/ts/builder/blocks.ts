/**
 * A list of blocks that is put in order by dragging, by each block's menu and by keys. The server holds the draft: each change is one post, and its
 * answer (the list, and what else it brings) takes the list's place.
 *
 *   <baton-blocks data-url="/forms/1/blocks/" data-list="#blocks" data-moved="{name}: {place} of {total}" data-added="{name} added">
 *     <ol id="blocks"> <li data-block="email" data-name="E-mail">  <i data-grip>  <button data-open>  <button data-do="up | down | copy | drop">
 *     <button data-add="textarea">  (a palette, in any place of the element; `data-name` is what is told)
 *     <p role="status" data-say>
 *
 * Posts `do` (move, copy, drop, add), `block` (its key; for add the one to stand behind), `to` (its new place, from 0) and `kind` (what to add).
 * What has data-open opens settings; it, or its block, has aria-current then. Keys on a block: Alt+Up and Alt+Down move it, Delete takes it away, Up and Down go to the next.
 */
import { post } from "./post";

const FAR = 5; // pixels before a press becomes a drag
const EDGE = 48; // pixels from the upper and lower edge in which the list scrolls

class Blocks extends HTMLElement {
  #moved: HTMLElement | null = null; // the block that is dragged
  #from = { x: 0, y: 0, place: 0 };
  #to = -1; // where it would be dropped
  #focus = ""; // the block that has the focus after the answer; "*": the one that is chosen then

  connectedCallback() {
    this.addEventListener("pointerdown", this.#press);
    this.addEventListener("click", this.#click);
    this.addEventListener("keydown", this.#key);
    document.addEventListener("htmx:after:swap", this.#swapped);
  }

  disconnectedCallback() {
    document.removeEventListener("htmx:after:swap", this.#swapped);
    this.#stop();
  }

  get #blocks() {
    return [...this.querySelectorAll<HTMLElement>(`${this.dataset.list} > [data-block]`)];
  }

  #send(what: string, values: Record<string, string>) {
    void post(this, this.dataset.url!, this.dataset.list!, { do: what, ...values });
  }

  #say(words: string | undefined, name: string, place = 0) {
    const say = this.querySelector("[data-say]");
    if (say && words) say.textContent = words.replace("{name}", name).replace("{place}", String(place + 1)).replace("{total}", String(this.#blocks.length));
  }

  #go(block: HTMLElement | undefined) {
    block?.querySelector<HTMLElement>("[data-open]")?.focus();
  }

  /** Put a block at a place, at once on the page and then in the draft. */
  #move(block: HTMLElement, to: number, was = this.#blocks.indexOf(block)) {
    const blocks = this.#blocks.filter((b) => b !== block);
    to = Math.max(0, Math.min(blocks.length, to));
    if (to === blocks.length) blocks.at(-1)?.after(block);
    else blocks[to].before(block);
    this.#focus = block.dataset.block!;
    this.#go(block);
    if (to === was) return;
    this.#say(this.dataset.moved, block.dataset.name!, to);
    this.#send("move", { block: block.dataset.block!, to: String(to) });
  }

  #act(block: HTMLElement, what: string) {
    const blocks = this.#blocks;
    const place = blocks.indexOf(block);
    if (what === "up" || what === "down") this.#move(block, place + (what === "up" ? -1 : 1));
    else if (what === "copy") {
      this.#focus = "*";
      this.#say(this.dataset.added, block.dataset.name!);
      this.#send("copy", { block: block.dataset.block! });
    } else if (!block.hasAttribute("data-fixed")) {
      this.#focus = (blocks[place + 1] ?? blocks[place - 1])?.dataset.block ?? "";
      this.#send("drop", { block: block.dataset.block! });
    }
  }

  #click = (e: Event) => {
    const target = e.target as Element;
    const doing = target.closest<HTMLElement>("[data-do]");
    const adding = target.closest<HTMLElement>("[data-add]");
    const opening = target.closest("[data-open]");
    if (opening)
      for (const other of this.querySelectorAll("[data-open]")) {
        const shown = other.closest("[data-block]") ?? other;
        if (other === opening) shown.setAttribute("aria-current", "true");
        else shown.removeAttribute("aria-current");
      }
    if (doing || adding) target.closest<HTMLElement>("[popover]")?.hidePopover();
    if (doing) this.#act(doing.closest<HTMLElement>("[data-block]")!, doing.dataset.do!);
    if (!adding) return;
    this.#focus = "*";
    this.#say(this.dataset.added, adding.dataset.name ?? adding.textContent!.trim());
    this.#send("add", { kind: adding.dataset.add!, block: this.querySelector<HTMLElement>("[data-block][aria-current]")?.dataset.block ?? "" });
  };

  #key = (e: KeyboardEvent) => {
    const target = e.target as HTMLElement;
    const block = target.closest<HTMLElement>("[data-block]");
    if (!block || e.isComposing || target.closest("input, textarea, select, [popover]")) return;
    const step = e.key === "ArrowUp" ? -1 : e.key === "ArrowDown" ? 1 : 0;
    if (step && e.altKey) this.#act(block, step < 0 ? "up" : "down");
    else if (step) this.#go(this.#blocks[this.#blocks.indexOf(block) + step]);
    else if (e.key === "Delete" && target.matches("[data-open]")) this.#act(block, "drop");
    else return;
    e.preventDefault();
  };

  #press = (e: PointerEvent) => {
    const grip = (e.target as Element).closest("[data-grip]");
    const block = grip?.closest<HTMLElement>("[data-block]");
    if (!grip || !block || e.button !== 0) return;
    e.preventDefault();
    this.#moved = block;
    this.#from = { x: e.clientX, y: e.clientY, place: this.#blocks.indexOf(block) };
    grip.setPointerCapture(e.pointerId);
    window.addEventListener("pointermove", this.#drag);
    window.addEventListener("pointerup", this.#drop);
    window.addEventListener("pointercancel", this.#cancel);
    document.addEventListener("keydown", this.#escape);
  };

  #drag = (e: PointerEvent) => {
    const block = this.#moved!;
    if (!block.classList.contains("moving") && Math.hypot(e.clientX - this.#from.x, e.clientY - this.#from.y) < FAR) return;
    block.classList.add("moving");
    const others = this.#blocks.filter((b) => b !== block);
    const next = others.find((b) => {
      const box = b.getBoundingClientRect();
      return e.clientY < box.top + box.height / 2;
    });
    if (next) next.before(block);
    else others.at(-1)?.after(block);
    this.#to = this.#blocks.indexOf(block);
    const scroller = block.closest<HTMLElement>("[data-scroll]");
    const edges = scroller?.getBoundingClientRect();
    if (edges && e.clientY < edges.top + EDGE) scroller!.scrollTop -= 12;
    if (edges && e.clientY > edges.bottom - EDGE) scroller!.scrollTop += 12;
  };

  #drop = () => {
    const key = this.#moved!.dataset.block;
    const [was, to] = [this.#from.place, this.#to];
    this.#stop();
    const block = this.#blocks.find((b) => b.dataset.block === key); // an answer may have brought it anew while it was in the hand
    if (block && to >= 0) this.#move(block, to, was);
  };

  #cancel = () => {
    const block = this.#moved;
    const was = this.#from.place;
    this.#stop();
    if (!block) return;
    const others = this.#blocks.filter((b) => b !== block);
    if (was < others.length) others[was].before(block);
    else others.at(-1)?.after(block);
  };

  #escape = (e: KeyboardEvent) => {
    if (e.key === "Escape") this.#cancel();
  };

  #stop() {
    this.#moved?.classList.remove("moving");
    this.#moved = null;
    this.#to = -1;
    window.removeEventListener("pointermove", this.#drag);
    window.removeEventListener("pointerup", this.#drop);
    window.removeEventListener("pointercancel", this.#cancel);
    document.removeEventListener("keydown", this.#escape);
  }

  /** After an answer the focus stays with the block it was about. */
  #swapped = () => {
    if (!this.#focus) return;
    const wanted = this.#blocks.find((b) => (this.#focus === "*" ? b.hasAttribute("aria-current") : b.dataset.block === this.#focus));
    const active = document.activeElement;
    if (active === document.body || active === null || this.contains(active)) this.#go(wanted);
    this.#focus = "";
  };
}

customElements.define("baton-blocks", Blocks);
