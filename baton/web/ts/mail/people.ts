/** Whose mail the canvas shows: a contact that was found by name. `<button data-as="12" data-name="…">` in the box that searches. */
document.addEventListener("click", (e) => {
  const one = (e.target as Element).closest<HTMLElement>("[data-as]");
  const canvas = document.querySelector("mail-canvas") as (HTMLElement & { ask(name: string, value: string): void }) | null;
  if (!one || !canvas) return;
  one.closest<HTMLElement>("[popover]")?.hidePopover();
  const shown = document.querySelector("[data-as-name]");
  if (shown) shown.textContent = one.dataset.name ?? "";
  const form = document.querySelector<HTMLInputElement>("[data-as-value]");
  if (form) form.value = one.dataset.as!;
  canvas.ask("contact", one.dataset.as!);
});
