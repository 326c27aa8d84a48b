/** Lines of the tree that style sheets cannot draw: from a branch to its ways, from their ends to where they join, between triggers, and back (go to). */
const NS = "http://www.w3.org/2000/svg";
const BEND = 14; // radius of a corner

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
  x: number;
  y: number;
}

export function lines(tree: HTMLElement, zoom: number) {
  const svg = tree.querySelector<SVGElement>(".flow-lines");
  if (!svg) return;
  const origin = tree.getBoundingClientRect();
  const box = (e: Element): Box => {
    const r = e.getBoundingClientRect();
    const [left, top, right, bottom] = [r.left - origin.left, r.top - origin.top, r.right - origin.left, r.bottom - origin.top].map((n) => n / zoom);
    return { left, top, right, bottom, x: (left + right) / 2, y: (top + bottom) / 2 };
  };
  const made: Element[] = [];
  const add = (name: string, values: Record<string, string | number>) => {
    const e = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(values)) e.setAttribute(key, String(value));
    made.push(e);
    return e;
  };
  /** Down, across at `y`, and down again. */
  const step = (x1: number, y1: number, y: number, x2: number, y2: number, cls: string, width = 2.5) => {
    const r = Math.min(BEND, Math.abs(x2 - x1) / 2, Math.abs(y - y1), Math.abs(y2 - y));
    const s = Math.sign(x2 - x1);
    const d = Math.abs(x2 - x1) < 1 ? `M${x1} ${y1}V${y2}` : `M${x1} ${y1}V${y - r}q0 ${r} ${s * r} ${r}H${x2 - s * r}q${s * r} 0 ${s * r} ${r}V${y2}`;
    add("path", { d, class: cls, "stroke-width": width });
  };
  const width = (way: Element) => Number.parseFloat(getComputedStyle(way).getPropertyValue("--w")) || 2.5;

  for (const paths of tree.querySelectorAll<HTMLElement>(".paths")) {
    if (!paths.offsetParent) continue;
    const node = box(paths.parentElement!.querySelector(":scope > .node")!);
    const whole = box(paths);
    for (const way of paths.querySelectorAll<HTMLElement>(":scope > .path")) {
      const tone = way.classList.contains("tone-good") ? "good" : "";
      const label = box(way.querySelector(":scope > .path-label")!);
      step(node.x, node.bottom, node.bottom + 16, label.x, label.top, tone, width(way));
      if (way.hasAttribute("data-closed")) continue;
      const end = box(way.classList.contains("folded") ? way.querySelector(":scope > .fold-way")! : way.querySelector(":scope > .flow > .flow-end")!);
      step(end.x, end.bottom, whole.bottom - 8, whole.x, whole.bottom, "", width(way));
    }
  }
  const triggers = [...tree.querySelectorAll(".triggers > li > .node")].map(box);
  const join = tree.querySelector(".flow-rules");
  if (join) for (const t of triggers) step(t.x, t.bottom, box(join).top - 10, box(join).x, box(join).top, "");

  let lane = 0;
  const boxes = [...tree.querySelectorAll<HTMLElement>(".node, .path-label")].filter((e) => e.offsetParent).map(box);
  for (const from of tree.querySelectorAll<HTMLElement>("[data-goes]")) {
    const to = tree.querySelector(`[data-id="${CSS.escape(from.dataset.goes!)}"] > .node`);
    const node = from.querySelector<HTMLElement>(":scope > .node");
    if (!to || !node?.offsetParent || !(to as HTMLElement).offsetParent) continue;
    const [a, b] = [box(node), box(to)];
    const [top, bottom] = [Math.min(a.y, b.y), Math.max(a.y, b.y)];
    const beside = boxes.filter((o) => o.bottom > top && o.top < bottom && o.right > Math.min(a.right, b.right) - 40);
    const x = Math.max(...beside.map((o) => o.right)) + 26 + 14 * lane++;
    const s = Math.sign(b.y - a.y);
    add("path", { d: `M${a.right} ${a.y}H${x - BEND}q${BEND} 0 ${BEND} ${s * BEND}V${b.y - s * BEND}q0 ${s * BEND} ${-BEND} ${s * BEND}H${b.right + 5}`, class: "goes" });
    add("path", { d: `M${b.right + 10} ${b.y - 5}l-6 5 6 5`, class: "goes head" });
    const text = add("text", { x: x - BEND, y: b.y - 7, "text-anchor": "end", class: "goes-words" });
    text.textContent = from.dataset.goesWords ?? "";
  }
  svg.replaceChildren(...made);
  svg.setAttribute("width", String(tree.scrollWidth));
  svg.setAttribute("height", String(tree.scrollHeight));
}
