/** Long lists to choose from: a box that narrows them, columns that move up and down, and a field that shows what goes with a choice. */
const narrow = (box: HTMLInputElement) => {
  const asked = box.value.trim().toLowerCase();
  for (const item of box.parentElement!.querySelectorAll<HTMLElement>(".scroll .menu-item")) item.hidden = !item.textContent!.toLowerCase().includes(asked);
};
document.addEventListener("input", (e) => (e.target as Element).matches("[data-narrow]") && narrow(e.target as HTMLInputElement));
document.addEventListener("htmx:after:swap", () => document.querySelectorAll<HTMLInputElement>(":popover-open [data-narrow]").forEach(narrow));
document.addEventListener("change", (e) => (e.target as Element).matches("[data-narrow]") && e.stopPropagation(), true); // it is not part of what is chosen
document.addEventListener("change", (e) => {
  const select = e.target as HTMLSelectElement;
  if (!select.matches("[data-span]")) return;
  for (const part of select.form!.querySelectorAll<HTMLElement>("[data-for]")) part.hidden = !part.dataset.for!.split(" ").includes(select.value);
});
document.addEventListener("click", (e) => {
  const target = e.target as Element;
  const button = target.closest<HTMLElement>("button[data-move]");
  if (target.closest("[data-hide]")) target.closest<HTMLElement>("[popover]")?.hidePopover();
  if (!button) return;
  const item = button.closest<HTMLElement>(".menu-item")!;
  if (button.dataset.move === "1") item.nextElementSibling?.after(item);
  else item.previousElementSibling?.before(item);
  button.focus();
  button.closest("form")!.dispatchEvent(new Event("moved"));
});
