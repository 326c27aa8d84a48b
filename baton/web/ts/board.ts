import htmx from "htmx.org";

const FAR = 6; // pixels before a press becomes a drag

/** Moves cards between the columns of a board with the mouse; fingers and keys use the card's menu. */
class RecordBoard extends HTMLElement {
  #card: HTMLElement | null = null;
  #from = { x: 0, y: 0 };
  #by = [0, 0];
  #moving = false;
  #lane: HTMLElement | null = null;

  connectedCallback() {
    this.addEventListener("pointerdown", this.#press);
    this.addEventListener("click", this.#click, true);
    document.addEventListener("htmx:after:swap", this.#asked);
  }

  disconnectedCallback() {
    document.removeEventListener("htmx:after:swap", this.#asked);
  }

  #press = (e: PointerEvent) => {
    const card = (e.target as Element).closest<HTMLElement>("[data-movable]");
    if (!card || e.button !== 0 || e.pointerType === "touch" || (e.target as Element).closest("button, form, input")) return;
    this.#card = card;
    this.#from = { x: e.clientX, y: e.clientY };
    window.addEventListener("pointermove", this.#move);
    window.addEventListener("pointerup", this.#drop, { once: true });
    document.addEventListener("keydown", this.#key);
    document.addEventListener("dragstart", this.#still);
  };

  #still = (e: Event) => e.preventDefault();

  #move = (e: PointerEvent) => {
    this.#by = [e.clientX - this.#from.x, e.clientY - this.#from.y];
    if (!this.#moving && Math.hypot(...this.#by) < FAR) return;
    this.#moving = true;
    this.#lift();
    const lane = document.elementsFromPoint(e.clientX, e.clientY).map((el) => el.closest<HTMLElement>(".lane")).find(Boolean) ?? null;
    if (lane !== this.#lane) {
      this.#lane?.classList.remove("over");
      lane?.classList.add("over");
      this.#lane = lane;
    }
  };

  #lift() {
    this.#card!.classList.add("moving");
    this.#card!.style.translate = `${this.#by[0]}px ${this.#by[1]}px`;
  }

  #drop = () => {
    const [card, lane] = [this.#card, this.#lane];
    const moved = this.#moving && lane && card && lane !== card.closest(".lane");
    if (moved) {
      const values = { stage: lane.dataset.stage! };
      void htmx.ajax("POST", `${this.dataset.move}${card.dataset.id}/move/`, { source: this, target: "#dialog", swap: "none", values });
    }
    this.#stop(this.#moving);
  };

  #key = (e: KeyboardEvent) => {
    if (e.key === "Escape") this.#stop(this.#moving);
  };

  #stop(moved: boolean) {
    window.removeEventListener("pointermove", this.#move);
    window.removeEventListener("pointerup", this.#drop);
    document.removeEventListener("keydown", this.#key);
    document.removeEventListener("dragstart", this.#still);
    this.#lane?.classList.remove("over");
    const card = this.#card;
    this.#card = this.#lane = null;
    this.#moving = false;
    if (!card) return;
    card.style.translate = "";
    if (moved) setTimeout(() => card.classList.remove("moving")); // after the click that ends a drag
  }

  /** The click that ends a drag opens nothing. */
  #click = (e: Event) => {
    if ((e.target as Element).closest(".moving")) {
      e.preventDefault();
      e.stopPropagation();
    }
  };

  /** What a stage needs is asked for in the dialog; an answer that was taken closes it. A card that is being dragged stays in the hand. */
  #asked = () => {
    if (this.#moving) {
      this.#card = document.getElementById(this.#card!.id) ?? this.#card;
      this.#lift();
      this.#lane = this.#lane && this.querySelector<HTMLElement>(`.lane[data-stage="${CSS.escape(this.#lane.dataset.stage!)}"]`);
      this.#lane?.classList.add("over");
    }
    const dialog = this.querySelector<HTMLDialogElement>("dialog")!;
    if (dialog.childElementCount && !dialog.open) dialog.showModal();
  };
}

customElements.define("record-board", RecordBoard);
