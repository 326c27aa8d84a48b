/** Versions beside their picture: `<button data-version="…address of the picture…">` shows it in `#version-frame`. And a state kept against a colleague's. */
document.addEventListener("click", (e) => {
  const target = e.target as Element;
  const version = target.closest<HTMLElement>("[data-version]");
  if (version) {
    for (const other of document.querySelectorAll("[data-version]")) other.removeAttribute("aria-current");
    version.setAttribute("aria-current", "true");
    (document.getElementById("version-frame") as HTMLIFrameElement).src = version.dataset.version!;
  }
  const picked = target.closest<HTMLElement>("[data-image-pick]");
  if (picked) {
    const value = document.querySelector<HTMLInputElement>("#panel [data-image-value]")!;
    value.value = picked.dataset.imagePick!;
    picked.closest<HTMLElement>("[popover]")?.hidePopover();
    value.dispatchEvent(new Event("change", { bubbles: true }));
  }
});
