/**
 * A workflow's tree: walking it with keys (a roving tabindex over the treeitems), adding, moving, copying and removing by pointer, menu and keys,
 * folding, zoom. The server holds the draft: each change is one post, whose answer takes the page's place.
 *
 *   <flow-canvas data-url data-workflow data-selected [data-edit]> … <ol id="flow" role="tree">
 *     <li role="treeitem" data-id="s3" data-kind="step" data-at="root:1" data-after="root:2"> <button class="insert" data-at> <div class="node" draggable> <a class="name">
 *     <li role="treeitem" data-way="s3-0" data-after="s3.yes:0">      <li role="treeitem" data-end="root:3">
 *
 * In the panel: [data-new="wait"] is dragged in, [data-act] asks for what a key asks for, [data-paste="root:1"] puts in what was copied.
 */
import type Htmx from "htmx.org";
import { lines } from "./lines";

declare global {
  interface Window {
    htmx: typeof Htmx;
  }
}

const CLIP = "flow-clip"; // what was copied: {workflow, step, name}
const NEAR = 160; // pixels within which a card that is dragged finds a place
const FIRST = ["[data-focus]", ":is(.form, .step-kinds) :is(input:not([type=hidden]), select, textarea)", "a, button:not(.sheet-close)"]; // what of the panel takes the focus
const ITEM = "[role=treeitem]";
const ARROWS: Record<string, string> = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };

class FlowCanvas extends HTMLElement {
  #zoom = 1;
  #selected = ""; // the chosen card
  #shown = ""; // what the panel shows: the chosen card, or "+" for anything else
  #at = ""; // the item that Tab leads to
  #focus = ""; // what takes the focus after the next answer: "tree", "panel", "search"
  #carried = ""; // a step that was picked up
  #near: HTMLElement | null = null;
  #folded = new Set<string>();
  #drawn = 0;
  #size = new ResizeObserver(() => this.#draw());

  connectedCallback() {
    this.#selected = this.#shown = this.dataset.selected ?? "";
    this.#folded = new Set(JSON.parse(sessionStorage.getItem(this.#key) ?? "[]") as string[]);
    this.addEventListener("click", this.#click, true);
    this.addEventListener("keydown", this.#keys);
    this.addEventListener("focusin", (e) => this.#walkedTo((e.target as Element).closest<HTMLElement>(ITEM)));
    this.addEventListener("pointerdown", this.#grab);
    this.addEventListener("wheel", this.#wheel, { passive: false });
    document.addEventListener("click", this.#panelClick);
    document.addEventListener("keydown", this.#anywhere);
    document.addEventListener("input", narrow);
    for (const kind of ["dragstart", "dragover", "drop", "dragend"] as const) document.addEventListener(kind, this.#drag);
    document.addEventListener("htmx:before:swap", this.#before);
    document.addEventListener("htmx:after:swap", this.#after);
    this.#size.observe(this.#tree);
    const wide = this.#tree.scrollWidth;
    if (wide > this.#view.clientWidth && this.#view.clientWidth > 600) this.#scale(Math.max(0.8, this.#view.clientWidth / wide - 0.04));
    this.#centre();
    this.#refresh();
  }

  disconnectedCallback() {
    this.#size.disconnect();
    document.removeEventListener("click", this.#panelClick);
    document.removeEventListener("keydown", this.#anywhere);
    document.removeEventListener("input", narrow);
    for (const kind of ["dragstart", "dragover", "drop", "dragend"] as const) document.removeEventListener(kind, this.#drag);
    document.removeEventListener("htmx:before:swap", this.#before);
    document.removeEventListener("htmx:after:swap", this.#after);
  }

  get #key() {
    return `flow-folded-${this.dataset.workflow}`;
  }
  get #view() {
    return this.querySelector<HTMLElement>(".flow-view")!;
  }
  get #tree() {
    return this.querySelector<HTMLElement>(".flow-tree")!;
  }
  get #part() {
    return document.getElementById("workflow-part")!;
  }
  get #items() {
    return [...this.querySelectorAll<HTMLElement>(ITEM)].filter((i) => !i.parentElement!.closest(".folded"));
  }
  get #current() {
    return this.#items.find((i) => name(i) === this.#at) ?? this.#items.find((i) => i.dataset.id === this.#selected) ?? this.#items[0];
  }
  #item(id: string) {
    return this.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`);
  }

  #centre() {
    const [root, view] = [this.querySelector(".flow-rules")!.getBoundingClientRect(), this.#view.getBoundingClientRect()];
    this.#view.scrollLeft += root.left + root.width / 2 - view.left - view.width / 2;
  }

  // What is drawn ------------------------------------------------------------

  #draw() {
    cancelAnimationFrame(this.#drawn);
    this.#drawn = requestAnimationFrame(() => lines(this.#tree, this.#zoom));
  }

  /** Bring what only the page knows back onto what the server sent: folded ways, the chosen card, where Tab leads to. */
  #refresh() {
    for (const item of this.querySelectorAll<HTMLElement>("[aria-expanded]")) {
      const folded = this.#folded.has(name(item));
      item.classList.toggle("folded", folded);
      item.setAttribute("aria-expanded", String(!folded));
    }
    for (const item of this.querySelectorAll<HTMLElement>("[data-id]")) item.setAttribute("aria-selected", String(item.dataset.id === this.#selected));
    const current = this.#current;
    for (const item of this.querySelectorAll<HTMLElement>(ITEM)) item.tabIndex = item === current ? 0 : -1;
    this.classList.toggle("carrying", !!this.#carried);
    for (const item of this.querySelectorAll(".carried")) item.classList.remove("carried");
    if (this.#carried) this.#item(this.#carried)?.classList.add("carried");
    const paste = document.querySelector<HTMLElement>("[data-paste]");
    const copied = clip();
    if (paste && copied) {
      paste.hidden = false;
      paste.querySelector("span")!.textContent = `${paste.querySelector("span")!.textContent!.split(":")[0]}: ${copied.name}`;
    }
    this.querySelector(".flow-tree")!.setAttribute("style", `zoom: ${this.#zoom}`);
    this.#draw();
  }

  #walkedTo(item: HTMLElement | null | undefined, focus = false) {
    if (!item) return;
    this.#at = name(item);
    for (const other of this.querySelectorAll<HTMLElement>(ITEM)) other.tabIndex = other === item ? 0 : -1;
    if (!focus) return;
    item.focus({ preventScroll: true });
    (item.querySelector(":scope > .node") ?? item).scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #fold(item: HTMLElement, folded = !item.classList.contains("folded")) {
    if (folded) this.#folded.add(name(item));
    else this.#folded.delete(name(item));
    sessionStorage.setItem(this.#key, JSON.stringify([...this.#folded]));
    this.#refresh();
  }

  #scale(zoom: number) {
    this.#zoom = Math.min(1.5, Math.max(0.3, Math.round(zoom * 10) / 10));
    this.#tree.style.zoom = String(this.#zoom);
    this.querySelector("[data-zoom-label]")!.textContent = `${Math.round(this.#zoom * 100)}%`;
    this.#draw();
  }

  #say(words: string | undefined, step = "") {
    document.dispatchEvent(new CustomEvent("toast", { detail: { text: (words ?? "").replace("{step}", step) } }));
  }

  // What is asked for -----------------------------------------------------------

  #ask(verb: "GET" | "POST", path: string, target: string, values: Record<string, string> = {}) {
    if (!this.hasAttribute("data-edit")) return;
    void window.htmx.ajax(verb, `${this.dataset.url}${path}`, { source: this, target, swap: target === "#inspector" ? "innerHTML" : "innerMorph", values });
  }

  #change(what: string, values: Record<string, string>) {
    this.#focus = "tree";
    this.#ask("POST", "change/", "#workflow-part", { do: what, ...values });
  }

  #history(what: string) {
    this.#ask("POST", `${what}/`, "#workflow-part", { node: this.#selected });
  }

  #add(at: string) {
    this.#focus = "search";
    this.#shown = "+";
    this.#sheet(true);
    this.#ask("GET", `add/?at=${encodeURIComponent(at)}`, "#inspector");
  }

  #act(what: string, item: HTMLElement) {
    const id = item.dataset.id ?? "";
    const step = item.dataset.kind === "step" ? id : "";
    const place = item.dataset.after ?? item.dataset.end;
    if (what === "open") this.#open(item);
    else if (what === "behind" && place) this.#add(place);
    else if (what === "before" && item.dataset.at) this.#add(item.dataset.at);
    else if (what === "drop" && item.dataset.kind) this.#change(step ? "drop" : "drop_trigger", { step: id });
    else if (what === "double" && step) this.#change("copy", { step });
    else if (what === "paste" && place) this.#paste(place);
    else if (what in { up: 1, down: 1, left: 1, right: 1 } && step) this.#change("nudge", { step, to: what });
    else if (what === "carry" && step) this.#carry(step);
    else if (what === "copy" && step) {
      const words = item.querySelector(".name b")!.textContent!;
      localStorage.setItem(CLIP, JSON.stringify({ workflow: this.dataset.workflow, step, name: words }));
      this.#say(this.dataset.copied, words);
      this.#refresh();
    }
  }

  #paste(at: string) {
    const copied = clip();
    if (copied) this.#change("copy", { from: copied.workflow, step: copied.step, at });
    else this.#say(this.dataset.nothing);
  }

  #open(item: HTMLElement) {
    if (item.dataset.end) return this.#add(item.dataset.end);
    this.#focus = "panel";
    item.querySelector<HTMLElement>(":scope > .node .name, :scope > .node a, :scope > .flow-rules-link, :scope > .path-label")?.click();
  }

  /** Picked up with a key or from the menu: the next place that is chosen takes the step. */
  #carry(step: string) {
    this.#carried = step;
    this.#sheet(false);
    if (step) {
      this.#say(this.dataset.carried, this.#item(step)?.querySelector(".name b")?.textContent ?? "");
      this.#item(step)?.focus();
    }
    this.#refresh();
  }

  #put(at: string) {
    const step = this.#carried;
    this.#carried = "";
    this.#change("move", { step, at });
  }

  #sheet(open: boolean) {
    this.#part.toggleAttribute("data-sheet", open);
  }

  // Pointer -----------------------------------------------------------------------

  #click = (e: Event) => {
    const target = e.target as Element;
    const insert = target.closest<HTMLElement>(".insert[data-at]");
    if (insert && this.#carried) {
      e.stopPropagation();
      e.preventDefault();
      return this.#put(insert.dataset.at!);
    }
    const zoom = target.closest<HTMLElement>("[data-zoom]")?.dataset.zoom;
    if (zoom === "fit") this.#fit();
    else if (zoom) this.#scale(Number(zoom) ? this.#zoom + Number(zoom) : 1);
    const doing = target.closest<HTMLElement>("[data-do]")?.dataset.do;
    if (doing) this.#history(doing);
    const item = target.closest<HTMLElement>(ITEM);
    if (target.closest("[data-fold]") && item) this.#fold(item);
    if (target.closest(".insert, .add-trigger, .none, .counts a, .path-label")) {
      this.#sheet(true);
      this.#shown = "+";
    }
    if (target.closest(".insert, .add-trigger") && (e as PointerEvent).detail > 0) this.#focus = "search";
    const link = target.closest(".name, .flow-rules-link");
    if (link && item) {
      this.#selected = this.#shown = item.dataset.id ?? "";
      this.#at = name(item);
      this.#sheet(true);
      this.#refresh();
    } else if (target.closest(".node") && !target.closest("a, button")) item?.querySelector<HTMLElement>(":scope > .node a")?.click();
  };

  #fit() {
    const view = this.#view;
    this.#scale(1);
    this.#scale(Math.floor(Math.min(1, (view.clientWidth - 8) / this.#tree.scrollWidth, (view.clientHeight - 8) / this.#tree.scrollHeight) * 10) / 10);
    view.scrollTop = 0;
    this.#centre();
  }

  #panelClick = (e: Event) => {
    const target = e.target as Element;
    if (target.closest("[data-close-sheet]")) {
      this.#sheet(false);
      this.#walkedTo(this.#current, true);
    }
    const act = target.closest<HTMLElement>("[data-act]");
    if (act) {
      act.closest<HTMLElement>("[popover]")?.hidePopover();
      const item = this.#item(this.#selected);
      if (item) this.#act(act.dataset.act!, item);
    }
    const paste = target.closest<HTMLElement>("[data-paste]");
    if (paste) this.#paste(paste.dataset.paste!);
  };

  #wheel = (e: WheelEvent) => {
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    this.#scale(this.#zoom - Math.sign(e.deltaY) * 0.1);
  };

  #grab = (e: PointerEvent) => {
    const view = this.#view;
    if (e.pointerType !== "mouse" || e.button !== 0 || (e.target as Element).closest("button, a, .node, .flow-tools")) return;
    const from = { x: e.clientX + view.scrollLeft, y: e.clientY + view.scrollTop };
    const move = (m: PointerEvent) => view.scrollTo(from.x - m.clientX, from.y - m.clientY);
    addEventListener("pointermove", move);
    addEventListener("pointerup", () => removeEventListener("pointermove", move), { once: true });
  };

  /** A card, or a kind of step from the list, is dragged to the nearest place. */
  #dragged: { step?: string; type?: string; inside?: Element } | null = null;
  #drag = (e: DragEvent) => {
    const target = e.target as Element;
    if (e.type === "dragstart") {
      const item = target.closest?.<HTMLElement>(".node[draggable]")?.closest<HTMLElement>(ITEM);
      const kind = target.closest?.<HTMLElement>("[data-new]");
      if (!item && !kind) return;
      this.#dragged = item ? { step: item.dataset.id!, inside: item } : { type: kind!.dataset.new! };
      e.dataTransfer!.setData("text/plain", this.#dragged.step ?? this.#dragged.type!);
      e.dataTransfer!.effectAllowed = item ? "move" : "copy";
      if (item) e.dataTransfer!.setDragImage(item.querySelector(":scope > .node")!, 140, 24);
      requestAnimationFrame(() => this.classList.add("carrying"));
      item?.classList.add("carried");
    } else if (!this.#dragged) return;
    else if (e.type === "dragover") {
      const view = this.#view.getBoundingClientRect();
      const inside = e.clientX > view.left && e.clientX < view.right && e.clientY > view.top && e.clientY < view.bottom;
      const near = inside ? this.#nearest(e.clientX, e.clientY) : null;
      if (near) e.preventDefault();
      if (near !== this.#near) {
        this.#near?.classList.remove("near");
        near?.classList.add("near");
        this.#near = near;
      }
    } else if (e.type === "drop" && this.#near) {
      e.preventDefault();
      const { step, type } = this.#dragged;
      const at = this.#near.dataset.at!;
      if (step) this.#change("move", { step, at });
      else this.#change("add", { type: type!, at });
    } else if (e.type === "dragend") {
      this.#near?.classList.remove("near");
      this.#near = this.#dragged = null;
      this.#refresh();
    }
  };

  #nearest(x: number, y: number) {
    let best: HTMLElement | null = null;
    let least = NEAR;
    for (const place of this.querySelectorAll<HTMLElement>(".insert[data-at]:not(.closed)")) {
      if (!place.offsetParent || this.#dragged?.inside?.contains(place)) continue;
      const r = place.getBoundingClientRect();
      const far = Math.hypot((x - r.left - r.width / 2) / 2, y - r.top - r.height / 2);
      if (far < least) [best, least] = [place, far];
    }
    return best;
  }

  // Keys ----------------------------------------------------------------------------

  #keys = (e: KeyboardEvent) => {
    const item = (e.target as Element).closest<HTMLElement>(ITEM);
    if (!item || e.isComposing) return;
    const to = ARROWS[e.key];
    const control = e.ctrlKey || e.metaKey;
    if (this.#carried && !control && !e.altKey) {
      if (!this.#placing(e, item)) return;
    } else if (e.altKey && to) this.#act(to, item);
    else if (e.altKey || (e.shiftKey && control)) return;
    else if (control && e.code === "KeyC" && !String(getSelection())) this.#act("copy", item);
    else if (control && e.code === "KeyV") this.#act("paste", item);
    else if (control && e.code === "KeyD") this.#act("double", item);
    else if (control) return;
    else if (to === "up" || to === "down") this.#walk(item, to === "up" ? -1 : 1);
    else if (to === "right") {
      if (item.classList.contains("folded")) this.#fold(item, false);
      else this.#walkedTo(item.querySelector<HTMLElement>(`:scope > [role=group] ${ITEM}`), true);
    } else if (to === "left") {
      if (item.getAttribute("aria-expanded") === "true") this.#fold(item, true);
      else this.#walkedTo(item.parentElement!.closest<HTMLElement>(ITEM), true);
    } else if (e.key === "Home") this.#walkedTo(this.#items[0], true);
    else if (e.key === "End") this.#walkedTo(this.#items.at(-1), true);
    else if (e.key === "Enter" || e.key === " ") this.#act("open", item);
    else if (e.key === "+" || e.key === "/") this.#act("behind", item);
    else if (e.key === "Delete" || e.key === "Backspace") this.#act("drop", item);
    else if (e.code === "KeyM") this.#act("carry", item);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };

  #walk(item: HTMLElement, by: number) {
    const items = this.#items;
    this.#walkedTo(items[items.indexOf(item) + by], true);
  }

  /** While a step is carried: arrows walk on, Enter puts it behind the item that has the focus, Escape leaves it where it is. */
  #placing(e: KeyboardEvent, item: HTMLElement) {
    const place = item.dataset.after ?? item.dataset.end;
    if (e.key === "Escape") this.#carry("");
    else if (e.key === "ArrowUp" || e.key === "ArrowDown") this.#walk(item, e.key === "ArrowUp" ? -1 : 1);
    else if ((e.key === "Enter" || e.key === " ") && place) this.#put(place);
    else return false;
    return true;
  }

  #anywhere = (e: KeyboardEvent) => {
    const target = e.target as HTMLElement;
    const list = target.closest(".step-kinds");
    if (list && !e.isComposing) this.#listKeys(e, target, list);
    const typing = target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    if ((e.ctrlKey || e.metaKey) && e.code === "KeyZ" && !typing) {
      e.preventDefault();
      this.#focus = this.contains(target) ? "tree" : "";
      this.#history(e.shiftKey ? "redo" : "undo");
    } else if (e.key === "Escape" && this.#carried) this.#carry("");
    else if (e.key === "Escape" && target.closest("#inspector") && !document.querySelector(":popover-open")) {
      this.#sheet(false);
      this.#walkedTo(this.#current, true);
    }
  };

  /** In the list of new steps: down from the search into the list, Enter takes the first that is left. */
  #listKeys(e: KeyboardEvent, target: HTMLElement, list: Element) {
    const kinds = [...list.querySelectorAll<HTMLElement>("[name=type]:not([hidden])")];
    const searching = target.matches("[data-kinds-search]");
    const here = kinds.indexOf(target);
    if (e.key === "ArrowDown") kinds[here + 1]?.focus();
    else if (e.key === "ArrowUp" && !searching) (kinds[here - 1] ?? list.querySelector<HTMLElement>("[data-kinds-search]"))?.focus();
    else if (e.key === "Enter" && searching) kinds[0]?.click();
    else return;
    this.#focus = "tree";
    e.preventDefault();
  }

  // Answers ---------------------------------------------------------------------------

  /** An answer about a step that is no longer the chosen one leaves the panel as it is. */
  #before = (e: Event) => {
    const { ctx } = (e as CustomEvent).detail;
    const about = /\/steps\/([^/]+)\//.exec(String(ctx.request?.action ?? ""))?.[1];
    document.getElementById("inspector")?.toggleAttribute("data-keep", !!about && about !== this.#shown);
  };

  #after = (e: Event) => {
    const { ctx } = (e as CustomEvent).detail;
    const inspector = document.getElementById("inspector")!;
    const kept = inspector.hasAttribute("data-keep");
    inspector.removeAttribute("data-keep");
    const target = (ctx?.target as Element | null)?.id;
    if (target === "workflow-part" && !kept) this.#selected = this.#shown = this.dataset.selected ?? "";
    if (target === "workflow-part" && this.#focus === "tree") this.#at = this.#selected;
    if (target === "workflow-part" || target === "inspector") this.#refresh();
    else return this.#draw();
    if (this.#focus === "search" && target === "inspector") inspector.querySelector<HTMLElement>("[data-kinds-search]")?.focus();
    else if (this.#focus === "panel" && target === "inspector") FIRST.map((f) => inspector.querySelector<HTMLElement>(f)).find(Boolean)?.focus();
    else if (this.#focus === "tree" && target === "workflow-part") this.#walkedTo(this.#current, true);
    else return;
    this.#focus = "";
  };
}

/** What an item is called on this page. */
function name(item: HTMLElement) {
  return item.dataset.id ?? item.dataset.way ?? `end ${item.dataset.end}`;
}

/** The search over the list of what can be added. */
function narrow(e: Event) {
  const box = e.target as HTMLInputElement;
  if (!box.matches("[data-kinds-search]")) return;
  const asked = box.value.trim().toLowerCase();
  for (const kind of box.closest(".step-kinds")!.querySelectorAll<HTMLElement>("[name=type]")) kind.hidden = !kind.textContent!.toLowerCase().includes(asked);
}

function clip(): { workflow: string; step: string; name: string } | null {
  return JSON.parse(localStorage.getItem(CLIP) ?? "null");
}

customElements.define("flow-canvas", FlowCanvas);
