/**
 * The picker of merge fields: one for the page. It writes into what had the focus last: a field, or the writing of a text block.
 *
 *   <div popover id="merge-fields"> <input data-narrow> <button data-merge="contact.firstname" data-name="First name"> … <input data-fallback> <button data-merge-done>
 *   <button popovertarget="merge-fields" data-merge-for="subject">   opens it for the field of this name
 */
import type { Field } from "./rich";
import type { MailText } from "./text";

let into: HTMLInputElement | HTMLTextAreaElement | MailText | null = null;
let caret: [number, number] | null = null;
let instead = false;
let usual = ""; // the fallback that was proposed, as long as nobody wrote another

const pop = () => document.getElementById("merge-fields");
const fallback = () => pop()!.querySelector<HTMLInputElement>("[data-fallback-for]")!;

/** What the picker writes into; `field`: the one that is changed. */
export function target(to: MailText, field?: Field) {
  into = to;
  instead = !!field;
  if (!field) return;
  choose(field.path);
  fallback().value = field.fallback;
}

function choose(path: string) {
  for (const one of pop()!.querySelectorAll<HTMLElement>("[data-merge]")) one.setAttribute("aria-pressed", String(one.dataset.merge === path));
}

const text = (field: Field) => (field.fallback ? `{{ ${field.path}|default("${field.fallback.replace(/["{}]/g, "")}") }}` : `{{ ${field.path} }}`);

document.addEventListener("click", (e) => {
  const clicked = e.target as Element;
  const opener = clicked.closest<HTMLElement>("[data-merge-for]");
  if (opener) {
    const to = opener.dataset.mergeFor!;
    instead = false;
    into = to ? (opener.closest("form")!.elements.namedItem(to) as HTMLInputElement) : (opener.closest("mail-text") as MailText);
    caret = into && "selectionStart" in into ? [into.selectionStart ?? into.value.length, into.selectionEnd ?? into.value.length] : null;
    choose("");
    fallback().value = usual = "";
  }
  const field = clicked.closest<HTMLElement>("#merge-fields [data-merge]");
  if (field) {
    if (fallback().value === usual) fallback().value = usual = field.dataset.usual ?? "";
    choose(field.dataset.merge!);
  }
  if (clicked.closest("[data-merge-done]")) done();
});

function done() {
  const path = pop()!.querySelector<HTMLElement>("[data-merge][aria-pressed=true]")?.dataset.merge;
  if (!path || !into) return;
  const field = { path, fallback: fallback().value.trim() };
  pop()!.hidePopover();
  if ("insert" in into) into.insert(field, instead);
  else {
    const [from, to] = caret ?? [into.value.length, into.value.length];
    into.setRangeText(text(field), from, to, "end");
    into.focus();
    into.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

document.addEventListener("keydown", (e) => {
  if (e.key === "Enter" && !e.isComposing && (e.target as Element).matches("[data-fallback-for]")) {
    e.preventDefault();
    done();
  }
});
