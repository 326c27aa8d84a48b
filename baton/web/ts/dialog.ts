/** Opens the dialog that a button names (`data-dialog`); `data-close` and a click beside it close it. */
document.addEventListener("click", (e) => {
  const target = e.target as Element;
  const opener = target.closest<HTMLElement>("[data-dialog]");
  if (opener) (document.getElementById(opener.dataset.dialog!) as HTMLDialogElement).showModal();
  if (target.closest("[data-close]") || target instanceof HTMLDialogElement) target.closest("dialog")?.close();
});
