/**
 * Images come by button, by dropping files on the editor, or by pasting them. The server keeps the image and answers the panel of the block it went into; an
 * image that was dropped beside an image block becomes a block of its own.
 *
 *   <section id="mail" data-images="/emails/1/images/"> … <input type="file" data-image-for="…name of the field…">
 */
import { at, clear, show } from "./canvas";
import { chosen, editor } from "./send";

const images = (data: DataTransfer | null) => [...(data?.files ?? [])].filter((f) => f.type.startsWith("image/"));

/** The image waits behind what is being saved, and what follows waits for it. What the panel saves by itself meanwhile does not know of it: it leaves the image alone. */
function keep(file: File, values: Record<string, string>) {
  const form = document.createElement("form");
  form.hidden = true;
  form.setAttribute("hx-encoding", "multipart/form-data");
  form.setAttribute("hx-sync", "#mail:queue all");
  const input = document.createElement("input");
  const data = new DataTransfer();
  data.items.add(file);
  Object.assign(input, { type: "file", name: "file" });
  input.files = data.files;
  form.append(input);
  editor().append(form);
  document.getElementById("panel-form")?.dispatchEvent(new Event("change")); // what was typed goes first
  const old = document.querySelectorAll<HTMLInputElement>("#panel [name=image][data-image-value]");
  for (const one of old) one.disabled = true;
  form.addEventListener("htmx:finally:request", () => {
    for (const one of old) one.disabled = false;
    form.remove();
  });
  void window.htmx.ajax("POST", editor().dataset.images!, { source: form, target: "#outline", swap: "innerMorph", values });
}

const isPicker = (e: Event) => (e.target as Element).matches("[data-image-for]");

document.addEventListener("input", (e) => isPicker(e) && e.stopPropagation(), true);
document.addEventListener("change", (e) => {
  const input = e.target as HTMLInputElement;
  if (!isPicker(e) || !input.files?.length) return;
  e.stopPropagation();
  keep(input.files[0], { key: input.dataset.imageKey ?? chosen(), field: input.dataset.imageFor! });
  input.value = "";
}, true);

document.addEventListener("paste", (e) => {
  const found = images(e.clipboardData);
  if (!found.length || !editor()?.dataset.images) return;
  e.preventDefault();
  keep(found[0], { key: chosen() });
});

const holds = (e: DragEvent) => !!editor()?.dataset.images && [...(e.dataTransfer?.types ?? [])].includes("Files");

document.addEventListener("dragover", (e) => {
  if (!holds(e)) return;
  e.preventDefault();
  const place = at(e.clientX, e.clientY, false);
  if (place) show(place.line);
  else clear();
});
document.addEventListener("dragleave", (e) => {
  if (!e.relatedTarget) clear();
});
document.addEventListener("drop", (e) => {
  if (!holds(e)) return;
  e.preventDefault();
  clear();
  const place = at(e.clientX, e.clientY, false);
  for (const file of images(e.dataTransfer)) keep(file, place ? { at: place.to } : { key: chosen() });
});
