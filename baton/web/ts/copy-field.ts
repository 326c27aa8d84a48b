/** What is meant to be copied: a read-only field when it is chosen, or the text a button points at (`data-copy` = its id). Says so in the word it was given. */
document.addEventListener("click", async (e) => {
  const target = e.target as HTMLElement;
  const button = target.closest?.<HTMLElement>("button[data-copy]");
  const field = button ? document.getElementById(button.dataset.copy!) : target.matches?.("input[readonly][data-copied]") ? target : null;
  if (!field) return;
  if (field instanceof HTMLInputElement) field.select();
  else getSelection()!.selectAllChildren(field);
  try {
    await navigator.clipboard.writeText(field instanceof HTMLInputElement ? field.value : field.textContent!);
    document.dispatchEvent(new CustomEvent("toast", { detail: { text: (button ?? field).dataset.copied } }));
  } catch { /* No right to the clipboard: the text stays selected. */ }
});
