/**
 * The outline of a mail: rows, their columns, their blocks; put in order by dragging, by menus and by keys. Every change is one post (see send.ts).
 *
 *   <section id="mail" data-url="/emails/1/blocks/" data-moved="{name} …" data-added="{name} …">
 *     [data-add="text" data-name]  a kind of block to add: pressed, or dragged to a place       [data-add-row="2"]  the same for a row of columns
 *     <ol id="outline"> <li data-row="r1" data-key="r1" data-name> <i data-grip> <button data-open> <button data-do="up | down | left | right | copy | drop">
 *        <ol data-cell="r1:0"> <li data-block="b1" data-key="b1" data-name> …
 *
 * Places are `r1:0:2` (row, column, before which block) and `@3` (a row of its own before the third). Keys on a block: Alt with the arrows moves it,
 * Up and Down go through the outline, Delete takes it out.
 */
import { at, clear, show } from "./canvas";
import { drag } from "./drag";
import { chosen, editor, open, say, send } from "./send";

let focus = ""; // what has the focus after the answer

const parts = () => [...document.querySelectorAll<HTMLElement>("#outline [data-key]")];
const part = (key: string) => document.querySelector<HTMLElement>(`#outline [data-key="${CSS.escape(key)}"]`);

function act(key: string, what: string) {
  const one = part(key);
  const name = one?.dataset.name ?? "";
  const words = editor().dataset;
  if (["up", "down", "left", "right"].includes(what)) say(words.moved, { name });
  if (what === "copy") say(words.added, { name });
  if (what === "drop") {
    const all = parts().filter((p) => !one?.contains(p) || p === one);
    const place = all.indexOf(one!);
    focus = (all[place + 1] ?? all[place - 1])?.dataset.key ?? "";
  } else focus = what === "copy" ? "*" : key;
  void send({ do: what, key });
}

export function add(kind: string, name: string, to = "") {
  focus = "*";
  say(editor().dataset.added, { name });
  void send({ do: "add", kind, key: chosen(), at: to });
}

export function addRow(layout: string, name: string, to = "") {
  focus = "*";
  say(editor().dataset.added, { name });
  void send({ do: "add_row", kind: layout, key: chosen(), at: to });
}

/** Put a block or a row at a place. */
export function move(key: string, to: string) {
  focus = key;
  say(editor().dataset.moved, { name: part(key)?.dataset.name ?? "" });
  void send({ do: "move", key, at: to });
}

document.addEventListener("mail-act", (e) => {
  const { key, what } = (e as CustomEvent<{ key: string; what: string }>).detail;
  act(key, what);
});

document.addEventListener("click", (e) => {
  const target = e.target as Element;
  if (!target.closest("#mail")) return;
  const doing = target.closest<HTMLElement>("[data-do]");
  const adding = target.closest<HTMLElement>("[data-add], [data-add-row]");
  const opening = target.closest<HTMLElement>("[data-open]");
  if (doing || adding) target.closest<HTMLElement>("[popover]")?.hidePopover();
  if (doing) act(doing.closest<HTMLElement>("[data-key]")!.dataset.key!, doing.dataset.do!);
  if (adding?.dataset.add) add(adding.dataset.add, adding.dataset.name ?? "");
  else if (adding) addRow(adding.dataset.addRow!, adding.dataset.name ?? "");
  if (opening) void open(opening.closest<HTMLElement>("[data-key]")!.dataset.key!);
});

document.addEventListener("keydown", (e) => {
  const target = e.target as HTMLElement;
  const here = target.closest<HTMLElement>("#outline [data-key]");
  if (!here || e.isComposing || !target.matches("[data-open]")) return;
  const ways: Record<string, string> = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };
  const way = ways[e.key];
  if (way && e.altKey) act(here.dataset.key!, way);
  else if (way === "up" || way === "down") {
    const all = parts();
    all[all.indexOf(here) + (way === "up" ? -1 : 1)]?.querySelector<HTMLElement>("[data-open]")?.focus();
  } else if (e.key === "Delete" || e.key === "Backspace") act(here.dataset.key!, "drop");
  else return;
  e.preventDefault();
});

// Dragging: within the outline, from the palette, and on the canvas, wherever it ends. ------------------------------------------------------

interface Spot {
  to: string;
  line: DOMRect; // where the line is drawn, on the screen
}

/** The place in the outline that a point means. */
function spot(x: number, y: number, row: boolean): Spot | null {
  const box = document.getElementById("outline")?.parentElement?.getBoundingClientRect();
  if (!box || x < box.left || x > box.right || y < box.top || y > box.bottom) return null;
  const rows = [...document.querySelectorAll<HTMLElement>("#outline > [data-row]")];
  const middle = (e: Element) => {
    const b = e.getBoundingClientRect();
    return b.top + b.height / 2;
  };
  const line = (e: Element, under: boolean) => {
    const b = e.getBoundingClientRect();
    return new DOMRect(b.left, under ? b.bottom + 1 : b.top - 3, b.width, 2);
  };
  if (row) {
    const n = rows.findIndex((r) => y < middle(r));
    if (!rows.length) return { to: "@0", line: new DOMRect(box.left, box.top, box.width, 2) };
    return n < 0 ? { to: `@${rows.length}`, line: line(rows.at(-1)!, true) } : { to: `@${n}`, line: line(rows[n], false) };
  }
  const cells = [...document.querySelectorAll<HTMLElement>("#outline [data-cell]")];
  const cell = cells.find((c) => y <= c.getBoundingClientRect().bottom + 6) ?? cells.at(-1);
  if (!cell) return { to: "@0", line: new DOMRect(box.left, box.top, box.width, 2) };
  const blocks = [...cell.querySelectorAll<HTMLElement>(":scope > [data-block]")];
  const n = blocks.findIndex((b) => y < middle(b));
  if (!blocks.length) return { to: `${cell.dataset.cell}:0`, line: line(cell, false) };
  return n < 0 ? { to: `${cell.dataset.cell}:${blocks.length}`, line: line(blocks.at(-1)!, true) } : { to: `${cell.dataset.cell}:${n}`, line: line(blocks[n], false) };
}

/** Begin to drag a part that is there (`key`), or one to be added (`add`, `row`). */
export function begin(e: PointerEvent, what: { key?: string; add?: string; row?: string; name: string }) {
  const isRow = !!what.row || !!(what.key && part(what.key)?.matches("[data-row]"));
  const where = (x: number, y: number) => spot(x, y, isRow) ?? at(x, y, isRow);
  drag(e, () => ({
    label: what.name,
    scrollers: [...document.querySelectorAll<HTMLElement>("#mail [data-scroll]")],
    over: (x, y) => {
      const found = where(x, y);
      if (found) show(found.line);
      else clear();
    },
    drop: (x, y) => {
      const to = where(x, y)?.to;
      if (!to) return;
      if (what.key) move(what.key, to);
      else if (what.row) addRow(what.row, what.name, to);
      else add(what.add!, what.name, to);
    },
    end: clear,
  }));
}

document.addEventListener("pointerdown", (e) => {
  const target = e.target as Element;
  const grip = target.closest("#outline [data-grip]");
  const adding = target.closest<HTMLElement>("#mail [data-add], #mail [data-add-row]");
  if (grip) {
    e.preventDefault();
    const one = grip.closest<HTMLElement>("[data-key]")!;
    begin(e, { key: one.dataset.key!, name: one.dataset.name! });
  } else if (adding && e.pointerType === "mouse") {
    begin(e, { add: adding.dataset.add, row: adding.dataset.addRow, name: adding.dataset.name ?? "" });
  }
});

document.addEventListener("htmx:after:swap", () => {
  const now = document.getElementById("mail-draft")?.dataset.chosen ?? "";
  for (const one of document.querySelectorAll<HTMLElement>(".mail-parts [data-key]")) {
    if (one.dataset.key === now) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
  if (!focus) return;
  const active = document.activeElement;
  const wanted = focus === "*" ? part(chosen()) : part(focus);
  if (!wanted || (active !== document.body && active && !active.closest("#mail"))) return;
  if (!active?.closest("#panel")) wanted.querySelector<HTMLElement>("[data-open]")?.focus({ preventScroll: false });
  focus = "";
});

// From a finding to the part it is about. ---------------------------------------------------------------------------------------------------

document.addEventListener("click", (e) => {
  const jump = (e.target as Element).closest<HTMLElement>("[data-jump]");
  if (jump) void open(jump.dataset.jump!).then(() => document.querySelector<HTMLElement>("#panel input:not([type=hidden]), #panel [contenteditable], #panel textarea")?.focus());
});
