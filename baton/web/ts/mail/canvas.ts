/**
 * The mail as it will look, and the hand on it: what is pointed at has a frame, what is chosen has a frame with tools, and both can be dragged. The server
 * makes the mail; the frame may run nothing. It is loaded anew when the draft changed, and takes the old one's place when it is ready.
 *
 *   <mail-canvas data-url="/emails/1/canvas/" data-title="…"> <button data-width="desk | phone"> <button data-scheme="light | dark"> <button data-part="html | text">
 *     <div data-stage data-scroll> <div data-sheet></div> </div>   <div data-tools hidden> <i data-grip> <button data-tool="up | down | copy | drop">
 *
 * In the mail, rows and blocks have the class `b-<key>`; the columns of a row are `.side` within it.
 */
import { begin } from "./outline";
import { chosen, open } from "./send";

const WIDTHS: Record<string, number> = { desk: 680, phone: 390 };
const MARK = /^b-(\w+)$/;

let canvas: Canvas | null = null;

/** The place on the canvas that a point on the screen means, and the line that shows it. */
export const at = (x: number, y: number, row: boolean) => canvas?.at(x, y, row) ?? null;

let drop: HTMLElement | null = null;

/** Draw the line where something would be dropped. */
export function show(line: DOMRect) {
  if (!drop) {
    drop = document.createElement("div");
    drop.className = "drop-line";
    document.body.append(drop);
  }
  Object.assign(drop.style, { left: `${line.x}px`, top: `${line.y}px`, width: `${line.width}px` });
}

export function clear() {
  drop?.remove();
  drop = null;
}

class Canvas extends HTMLElement {
  #frame: HTMLIFrameElement | null = null;
  #next: HTMLIFrameElement | null = null;
  #wait = 0;
  #frameOf = { chosen: document.createElement("div"), over: document.createElement("div") };
  #ask = new URLSearchParams();
  #sized = new ResizeObserver(() => this.#fit());

  connectedCallback() {
    canvas = this;
    document.addEventListener("draft-changed", this.#changed);
    document.addEventListener("mail-chosen", this.#mark);
    this.addEventListener("click", this.#click);
    this.#tools?.addEventListener("pointerdown", this.#grip);
    this.#frameOf.chosen.className = "block-frame chosen";
    this.#frameOf.over.className = "block-frame";
    this.#sized.observe(this.#stage);
    if (this.dataset.contact) this.#ask.set("contact", this.dataset.contact);
    this.load();
  }

  disconnectedCallback() {
    document.removeEventListener("draft-changed", this.#changed);
    document.removeEventListener("mail-chosen", this.#mark);
    this.#sized.disconnect();
    if (canvas === this) canvas = null;
  }

  get #stage() {
    return this.querySelector<HTMLElement>("[data-stage]")!;
  }

  get #sheet() {
    return this.querySelector<HTMLElement>("[data-sheet]")!;
  }

  get #tools() {
    return this.querySelector<HTMLElement>("[data-tools]");
  }

  get #mail() {
    return this.#frame?.contentDocument ?? null;
  }

  /** Show it as another contact, in other colours, or its text part. */
  ask(name: string, value: string) {
    if (value) this.#ask.set(name, value);
    else this.#ask.delete(name);
    this.load();
  }

  #changed = () => {
    clearTimeout(this.#wait);
    this.#wait = window.setTimeout(() => this.load(), 120);
  };

  load() {
    this.#next?.remove();
    const frame = document.createElement("iframe");
    this.#next = frame;
    frame.className = "next";
    frame.title = this.dataset.title ?? "";
    frame.tabIndex = -1;
    frame.src = `${this.dataset.url}?${this.#ask}`;
    frame.addEventListener("load", () => {
      if (frame !== this.#next) return;
      this.#next = null;
      this.#frame?.remove();
      this.#frame = frame;
      frame.className = "";
      this.#lines();
      this.#listen();
      this.#fit();
      this.#draw();
    });
    this.#sheet.append(frame);
    this.#fit();
  }

  /** Subject and preheader as this contact would see them. */
  #lines() {
    const told = this.#mail?.getElementById("baton-lines")?.dataset;
    const shown = this.querySelector(".mail-subject");
    if (!told || !shown) return;
    shown.querySelector("b")!.textContent = told.subject || "–";
    shown.querySelector("span")!.textContent = told.preheader ?? "";
  }

  #listen() {
    const mail = this.#mail;
    if (!mail) return;
    mail.addEventListener("click", (e) => {
      e.preventDefault();
      const key = this.#part(e.target as Element);
      if (key) void open(key);
    });
    mail.addEventListener("dblclick", () => document.dispatchEvent(new CustomEvent("mail-write")));
    mail.addEventListener("submit", (e) => e.preventDefault());
    mail.addEventListener("mousemove", (e) => this.#point(e.target as Element));
    mail.addEventListener("mouseleave", () => this.#point(null));
    mail.addEventListener("keydown", (e) => document.dispatchEvent(new KeyboardEvent("keydown", { key: e.key, ctrlKey: e.ctrlKey, metaKey: e.metaKey, shiftKey: e.shiftKey, bubbles: true })));
    for (const image of mail.images) image.addEventListener("load", () => (this.#fit(), this.#draw()));
    mail.fonts?.ready.then(() => (this.#fit(), this.#draw()));
  }

  /** The block, else the row, that an element of the mail belongs to. */
  #part(e: Element | null): string {
    for (let one = e; one; one = one.parentElement) {
      for (const name of one.classList) {
        const found = MARK.exec(name);
        if (found) return found[1];
      }
    }
    return "";
  }

  /** Where a part stands in the mail: around all its elements. */
  #box(selector: string): DOMRect | null {
    return this.#around([...(this.#mail?.querySelectorAll(selector) ?? [])].filter((e) => e.getBoundingClientRect().height));
  }

  #around(elements: Element[]): DOMRect | null {
    const boxes = elements.map((e) => e.getBoundingClientRect()).filter((b) => b.width);
    if (!boxes.length) return null;
    const left = Math.min(...boxes.map((b) => b.left));
    const top = Math.min(...boxes.map((b) => b.top));
    return new DOMRect(left, top, Math.max(...boxes.map((b) => b.right)) - left, Math.max(...boxes.map((b) => b.bottom)) - top);
  }

  #of(key: string) {
    return this.#box(`.b-${CSS.escape(key)}`);
  }

  #place(frame: HTMLElement, box: DOMRect | null) {
    if (!box) return frame.remove();
    Object.assign(frame.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px` });
    this.#sheet.append(frame);
  }

  #point(e: Element | null) {
    const key = this.#part(e);
    this.#place(this.#frameOf.over, key && key !== chosen() ? this.#of(key) : null);
  }

  #mark = () => this.#draw(true);

  #draw(scroll = false) {
    const key = chosen();
    const box = key ? this.#of(key) : null;
    const tools = this.#tools;
    this.#place(this.#frameOf.chosen, box);
    this.#frameOf.over.remove();
    if (!tools) return;
    tools.hidden = !box;
    if (!box) return;
    tools.style.top = `${Math.max(0, box.top - 34)}px`;
    tools.style.left = `${Math.max(0, Math.min(box.left, this.#sheet.clientWidth - tools.offsetWidth))}px`;
    this.#sheet.append(tools);
    const stage = this.#stage;
    const top = box.top + this.#sheet.offsetTop;
    if (scroll && (top < stage.scrollTop || top + Math.min(box.height, 80) > stage.scrollTop + stage.clientHeight)) stage.scrollTo({ top: Math.max(0, top - 80), behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  #fit() {
    const wide = Math.min(WIDTHS[this.dataset.width ?? "desk"], this.#stage.clientWidth - 24);
    this.#sheet.style.width = `${wide}px`;
    const mail = this.#mail;
    if (this.#frame && mail?.body) {
      this.#frame.style.height = "0";
      this.#frame.style.height = `${Math.max(mail.documentElement.scrollHeight, 240)}px`;
    }
    this.#draw();
  }

  #grip = (e: PointerEvent) => {
    const key = chosen();
    if (!(e.target as Element).closest("[data-grip]") || !key) return;
    e.preventDefault();
    begin(e, { key, name: document.querySelector<HTMLElement>(`#outline [data-key="${CSS.escape(key)}"]`)?.dataset.name ?? "" });
  };

  #click = (e: Event) => {
    const button = (e.target as Element).closest<HTMLElement>("[data-width], [data-scheme], [data-part], [data-tool]");
    if (!button || button === this) return;
    if (button.dataset.tool) {
      document.dispatchEvent(new CustomEvent("mail-act", { detail: { key: chosen(), what: button.dataset.tool } }));
      return;
    }
    for (const other of button.parentElement!.children) other.setAttribute("aria-pressed", String(other === button));
    if (button.dataset.width) {
      this.dataset.width = button.dataset.width;
      this.#fit();
    } else if (button.dataset.scheme) {
      this.dataset.scheme = button.dataset.scheme;
      this.ask("dark", button.dataset.scheme === "dark" ? "1" : "");
    } else this.ask("part", button.dataset.part === "text" ? "text" : "");
  };

  /** The place that a point on the screen means. */
  at(x: number, y: number, row: boolean) {
    const mail = this.#mail;
    const frame = this.#frame?.getBoundingClientRect();
    const stage = this.#stage.getBoundingClientRect();
    if (!mail || !frame || x < stage.left || x > stage.right || y < stage.top || y > stage.bottom) return null;
    const inside = { x: x - frame.left, y: y - frame.top };
    const line = (left: number, top: number, width: number) => new DOMRect(frame.left + left, frame.top + top - 1, width, 2);
    const rows = [...document.querySelectorAll<HTMLElement>("#outline > [data-row]")].map((r) => ({ key: r.dataset.row!, box: this.#of(r.dataset.row!) }));
    const whole = { left: 0, width: frame.width };
    if (!rows.length) return { to: "@0", line: line(whole.left, 8, whole.width) };
    let n = rows.findIndex((r) => r.box && inside.y < r.box.bottom);
    if (n < 0) n = rows.length - 1;
    const box = rows[n].box ?? new DOMRect(0, 0, frame.width, 0);
    const under = inside.y > box.top + box.height / 2;
    const edge = Math.min(12, box.height / 4);
    if (row || inside.y > box.bottom - (n === rows.length - 1 ? 0 : -1) || inside.y < box.top + edge / 3)
      return { to: `@${under ? n + 1 : n}`, line: line(box.left, under ? box.bottom : box.top, box.width) };
    const cells = [...document.querySelectorAll<HTMLElement>(`#outline [data-row="${CSS.escape(rows[n].key)}"] [data-cell]`)];
    const sides = [...mail.querySelectorAll(`.b-${CSS.escape(rows[n].key)} .side`)];
    const columns = cells.map((c, at) => ({ cell: c, box: (sides[at] && this.#around([sides[at]])) ?? box }));
    const column = columns.find((c) => inside.x < c.box.right && inside.x >= c.box.left && inside.y < Math.max(c.box.bottom, c.box.top + 1)) ?? columns.find((c) => inside.x < c.box.right) ?? columns.at(-1)!;
    const blocks = [...column.cell.querySelectorAll<HTMLElement>(":scope > [data-block]")].map((b) => this.#of(b.dataset.block!));
    const before = blocks.findIndex((b) => b && inside.y < b.top + b.height / 2);
    if (before >= 0) return { to: `${column.cell.dataset.cell}:${before}`, line: line(column.box.left, blocks[before]!.top, column.box.width) };
    const end = blocks.at(-1)?.bottom ?? column.box.top + 6;
    return { to: `${column.cell.dataset.cell}:${blocks.length}`, line: line(column.box.left, end, column.box.width) };
  }
}

customElements.define("mail-canvas", Canvas);
