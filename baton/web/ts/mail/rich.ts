/**
 * The writing of text blocks, loaded when the first one is opened (rich.js). Merge fields are whole: each is one sign that is moved and deleted as such,
 * `<span data-field="contact.firstname" data-fallback="…">`; the server writes them as merge fields.
 */
import { Editor, Extension, Mark, Node } from "@tiptap/core";
import StarterKit from "@tiptap/starter-kit";

export interface Field {
  path: string;
  fallback: string;
}

/** What a merge field is called. */
export interface Words {
  name(path: string): string;
}

const style = { style: { default: null, parseHTML: (e: HTMLElement) => e.getAttribute("style"), renderHTML: (a: Record<string, unknown>) => (a.style ? { style: a.style } : {}) } };

/** Colours and alignment that came with a text (from a template, or pasted) stay; the server says which of them are kept. */
const Painted = Mark.create({ name: "painted", addAttributes: () => style, parseHTML: () => [{ tag: "span[style]:not([data-field])" }], renderHTML: ({ HTMLAttributes }) => ["span", HTMLAttributes, 0] });
const Aligned = Extension.create({ name: "aligned", addGlobalAttributes: () => [{ types: ["paragraph", "heading"], attributes: style }] });

const merge = (words: Words) =>
  Node.create({
    name: "merge",
    group: "inline",
    inline: true,
    atom: true,
    selectable: true,
    addAttributes() {
      return {
        path: { default: "", parseHTML: (e) => e.getAttribute("data-field"), renderHTML: (a) => ({ "data-field": a.path }) },
        fallback: { default: "", parseHTML: (e) => e.getAttribute("data-fallback") ?? "", renderHTML: (a) => (a.fallback ? { "data-fallback": a.fallback } : {}) },
      };
    },
    parseHTML: () => [{ tag: "span[data-field]" }],
    renderHTML: ({ HTMLAttributes, node }) => ["span", { ...HTMLAttributes, class: "merge-chip" }, words.name(node.attrs.path) + (node.attrs.fallback ? ` · ${node.attrs.fallback}` : "")],
    renderText: ({ node }) => `{{ ${node.attrs.path} }}`,
  });

export class Rich {
  #editor: Editor;

  constructor(host: HTMLElement, html: string, label: string, words: Words, told: { changed(): void; moved(): void; field(field: Field, at: HTMLElement): void }) {
    this.#editor = new Editor({
      injectCSS: false,
      element: host,
      extensions: [
        StarterKit.configure({
          codeBlock: false, heading: { levels: [1, 2, 3] }, link: { openOnClick: false, autolink: true, isAllowedUri: (url) => !/^\s*(javascript|data|vbscript):/i.test(url), HTMLAttributes: { rel: null, target: null } },
        }),
        merge(words), Painted, Aligned,
      ],
      content: html,
      editorProps: { attributes: { role: "textbox", "aria-multiline": "true", "aria-label": label, class: "rich-text" } },
      onUpdate: () => told.changed(),
      onTransaction: () => told.moved(),
    });
    host.addEventListener("click", (e) => {
      const chip = (e.target as Element).closest<HTMLElement>("[data-field]");
      if (chip) told.field({ path: chip.dataset.field!, fallback: chip.dataset.fallback ?? "" }, chip);
    });
    host.addEventListener("keydown", (e) => {
      const chosen = (this.#editor.state.selection as unknown as { node?: { type: { name: string }; attrs: Field } }).node;
      const chip = host.querySelector<HTMLElement>(".ProseMirror-selectednode");
      if (e.key !== "Enter" || chosen?.type.name !== "merge" || !chip) return;
      e.preventDefault();
      e.stopPropagation();
      told.field({ ...chosen.attrs }, chip);
    }, true);
  }

  /** The text as it is stored. */
  get html() {
    return this.#editor.isEmpty ? "" : this.#editor.getHTML();
  }

  set html(html: string) {
    this.#editor.commands.setContent(html, { emitUpdate: false });
  }

  focus() {
    this.#editor.commands.focus("end");
  }

  insert(field: Field) {
    this.#editor.chain().focus().insertContent({ type: "merge", attrs: field }).run();
  }

  /** Another fallback for the field that is chosen. */
  replace(field: Field) {
    const { from, to } = this.#editor.state.selection;
    this.#editor.chain().focus().deleteRange({ from, to: Math.max(to, from + 1) }).insertContentAt(from, { type: "merge", attrs: field }).run();
  }

  choose(chip: HTMLElement) {
    this.#editor.commands.setNodeSelection(this.#editor.view.posAtDOM(chip, 0));
  }

  do(what: string, value = "") {
    const run = this.#editor.chain().focus();
    switch (what) {
      case "bold": return void run.toggleBold().run();
      case "italic": return void run.toggleItalic().run();
      case "underline": return void run.toggleUnderline().run();
      case "strike": return void run.toggleStrike().run();
      case "bullets": return void run.toggleBulletList().run();
      case "numbers": return void run.toggleOrderedList().run();
      case "paragraph": return void run.setParagraph().run();
      case "h1": case "h2": case "h3": return void run.toggleHeading({ level: Number(what[1]) as 1 | 2 | 3 }).run();
      case "link": return void (value ? run.extendMarkRange("link").setLink({ href: value }).run() : run.extendMarkRange("link").unsetLink().run());
    }
  }

  is(what: string) {
    const names: Record<string, () => boolean> = {
      bullets: () => this.#editor.isActive("bulletList"), numbers: () => this.#editor.isActive("orderedList"),
      h1: () => this.#editor.isActive("heading", { level: 1 }), h2: () => this.#editor.isActive("heading", { level: 2 }), h3: () => this.#editor.isActive("heading", { level: 3 }),
      paragraph: () => this.#editor.isActive("paragraph"),
    };
    return names[what]?.() ?? this.#editor.isActive(what);
  }

  get link(): string {
    return String(this.#editor.getAttributes("link").href ?? "");
  }

  close() {
    this.#editor.destroy();
  }
}
