/**
 * Dragging with mouse, pen or finger: a press on something becomes a drag after some pixels, a label goes along with the pointer, Esc gives it up.
 * Whoever begins one is told where the pointer is and where it was let go.
 */
const FAR = 5; // pixels before a press becomes a drag
const EDGE = 56; // pixels from an edge in which what scrolls goes on

export interface Dragging {
  label: string;
  scrollers: HTMLElement[];
  over(x: number, y: number): void;
  drop(x: number, y: number): void;
  end(): void;
}

export function drag(e: PointerEvent, make: () => Dragging) {
  if (e.button !== 0) return;
  const from = { x: e.clientX, y: e.clientY };
  let going: Dragging | null = null;
  let label: HTMLElement | null = null;
  let last = from;
  let frame = 0;

  const scroll = () => {
    for (const one of going?.scrollers ?? []) {
      const box = one.getBoundingClientRect();
      if (last.x < box.left || last.x > box.right) continue;
      if (last.y < box.top + EDGE && last.y > box.top - EDGE) one.scrollTop -= 10;
      if (last.y > box.bottom - EDGE && last.y < box.bottom + EDGE) one.scrollTop += 10;
    }
    going?.over(last.x, last.y);
    frame = requestAnimationFrame(scroll);
  };
  const move = (e: PointerEvent) => {
    last = { x: e.clientX, y: e.clientY };
    if (!going) {
      if (Math.hypot(last.x - from.x, last.y - from.y) < FAR) return;
      going = make();
      label = document.createElement("div");
      label.className = "drag-label";
      label.textContent = going.label;
      document.body.append(label);
      document.documentElement.classList.add("dragging");
      frame = requestAnimationFrame(scroll);
    }
    label!.style.translate = `${last.x + 12}px ${last.y + 8}px`;
  };
  const stop = () => {
    cancelAnimationFrame(frame);
    label?.remove();
    document.documentElement.classList.remove("dragging", "pressed");
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", drop);
    removeEventListener("pointercancel", cancel);
    removeEventListener("keydown", key, true);
    going?.end();
  };
  const drop = (e: PointerEvent) => {
    const was = going;
    if (was) {
      const swallow = (c: Event) => (c.stopPropagation(), c.preventDefault());
      addEventListener("click", swallow, true); // the press was no click
      setTimeout(() => removeEventListener("click", swallow, true));
    }
    stop();
    was?.drop(e.clientX, e.clientY);
  };
  const cancel = () => stop();
  const key = (e: KeyboardEvent) => {
    if (e.key !== "Escape") return;
    e.stopPropagation();
    stop();
  };
  document.documentElement.classList.add("pressed"); // what is framed would keep the pointer to itself
  addEventListener("pointermove", move);
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", cancel);
  addEventListener("keydown", key, true);
}
