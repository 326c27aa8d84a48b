/** A form that saves itself on every change has nothing to send when Enter is pressed: the change was sent already. */
document.addEventListener("submit", (e) => {
  if ((e.target as Element).matches("form[data-autosave]")) e.preventDefault();
});
