/** A read-only field that is meant to be copied: choosing it selects and copies its text, and says so in the word it was given. */
document.addEventListener("click", async (e) => {
  const field = e.target as HTMLInputElement;
  if (!field.matches?.("input[readonly][data-copied]")) return;
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    document.dispatchEvent(new CustomEvent("toast", { detail: { text: field.dataset.copied } }));
  } catch { /* No right to the clipboard: the text stays selected. */ }
});
