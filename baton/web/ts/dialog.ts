/** Opens the dialog that a button names (`data-dialog`); `data-close` and a click beside it close it. One that an answer brings open (a form with a fault) is made modal: Escape closes it, too. */
document.addEventListener("click", (e) => {
  const target = e.target as Element;
  const opener = target.closest<HTMLElement>("[data-dialog]");
  if (opener) (document.getElementById(opener.dataset.dialog!) as HTMLDialogElement).showModal();
  if (target.closest("[data-close]") || target instanceof HTMLDialogElement) target.closest("dialog")?.close();
});
document.addEventListener("htmx:after:swap", () => {
  for (const dialog of document.querySelectorAll<HTMLDialogElement>("dialog.sheet[open]:not(:modal)")) {
    dialog.close();
    dialog.showModal();
    dialog.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }
});
