/**
 * The public page beside its builder. It is loaded anew when the draft changed (the event `draft-changed`, which the server sends), in a second frame that
 * takes the first one's place when it is ready: nothing flickers, and the place that was scrolled to stays.
 *
 *   <baton-preview data-url="/forms/1/preview/" data-desk="760"> <button data-width="desk | phone"> <button data-language="ko"> <div data-stage></div>
 *
 * `data-desk` is how wide a desk is drawn; it is made smaller until it fits. The title of the frame is `data-title`.
 */
const PHONE = 390;

class Preview extends HTMLElement {
  #language = "";
  #width = "desk";
  #next: HTMLIFrameElement | null = null;
  #wait = 0;
  #sized = new ResizeObserver(() => this.#fit());

  connectedCallback() {
    document.addEventListener("draft-changed", this.#changed);
    this.addEventListener("click", this.#click);
    this.#sized.observe(this.#stage);
    this.#load();
  }

  disconnectedCallback() {
    document.removeEventListener("draft-changed", this.#changed);
    this.#sized.disconnect();
  }

  get #stage() {
    return this.querySelector<HTMLElement>("[data-stage]")!;
  }

  #changed = () => {
    clearTimeout(this.#wait);
    this.#wait = window.setTimeout(() => this.#load(), 150);
  };

  #load() {
    const old = this.#stage.querySelector<HTMLIFrameElement>("iframe:not(.next)");
    this.#next?.remove();
    const frame = document.createElement("iframe");
    this.#next = frame;
    frame.className = old ? "next" : "";
    frame.title = this.dataset.title ?? "";
    frame.src = `${this.dataset.url}${this.#language ? `?language=${this.#language}` : ""}`;
    frame.addEventListener("load", () => {
      if (frame !== this.#next) return;
      this.#next = null;
      const top = old?.contentWindow?.scrollY ?? 0;
      old?.remove();
      frame.className = "";
      frame.contentWindow?.scrollTo(0, top);
    });
    this.#stage.append(frame);
    this.#fit();
  }

  /** A desk that is wider than the room for it is drawn smaller. */
  #fit() {
    const stage = this.#stage;
    const wide = this.#width === "phone" ? PHONE : Math.max(Number(this.dataset.desk ?? 0), stage.clientWidth);
    const scale = Math.min(1, stage.clientWidth / wide);
    stage.dataset.shown = this.#width;
    for (const frame of stage.querySelectorAll("iframe")) {
      frame.style.width = `${wide}px`;
      frame.style.height = `${stage.clientHeight / scale}px`;
      frame.style.transform = scale < 1 ? `scale(${scale})` : "";
    }
  }

  #click = (e: Event) => {
    const button = (e.target as Element).closest<HTMLElement>("[data-width], [data-language]");
    if (!button) return;
    for (const other of button.parentElement!.children) other.setAttribute("aria-pressed", String(other === button));
    if (button.dataset.width) {
      this.#width = button.dataset.width;
      this.#fit();
    } else {
      this.#language = button.dataset.language!;
      this.#load();
    }
  };
}

customElements.define("baton-preview", Preview);
