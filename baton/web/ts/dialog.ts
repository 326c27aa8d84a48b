/**
 * Opens the dialog that a button names (`data-dialog`); `data-close`, a click beside it and Escape close it, and ask before what was typed is lost: only a
 * button that says "Cancel" or sends does not. One that an answer brings open (a form with a fault) is made modal: Escape closes it, too.
 */
import { unsent } from "./unsent";

const sure = (dialog: HTMLDialogElement) => !unsent(dialog) || confirm(document.body.dataset.unsaved);

document.addEventListener("click", (e) => {
  const target = e.target as Element;
  const opener = target.closest<HTMLElement>("[data-dialog]");
  if (opener) (document.getElementById(opener.dataset.dialog!) as HTMLDialogElement).showModal();
  const button = target.closest<HTMLElement>("[data-close]");
  const dialog = button || target instanceof HTMLDialogElement ? target.closest("dialog") : null;
  if (dialog && ((button && !button.matches(".icon-only")) || sure(dialog))) dialog.close();
});
document.addEventListener("cancel", (e) => e.target instanceof HTMLDialogElement && e.cancelable && !sure(e.target) && e.preventDefault(), true);
document.addEventListener("htmx:after:swap", () => {
  for (const dialog of document.querySelectorAll<HTMLDialogElement>("dialog.sheet[open]:not(:modal)")) {
    dialog.close();
    dialog.showModal();
    dialog.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }
});
