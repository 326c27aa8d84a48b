/**
 * Back and forth through the states of a draft. The states are kept in this tab, so they outlive a reload; a state is taken back by sending it. And the word
 * of the server that somebody else saved in the meantime.
 *
 *   <input type="hidden" id="mail-draft" data-email="1" data-revision="7" data-url="/emails/1/draft/" value="{…}">   changed by every answer
 *   <button data-history="back | forth">
 */
import { type Context, context } from "../requests";
import { chosen, sender } from "./send";

const MOST = 80; // states
const TOGETHER = 1200; // milliseconds in which typing in one place is one state
const LONGEST = 3_000_000; // letters that are kept

interface Kept {
  states: string[];
  now: number;
  revision: string;
}

interface Step extends Context {
  step?: number; // back or forth
}

const draft = () => document.getElementById("mail-draft") as HTMLInputElement | null;
const key = () => `mail-history-${draft()?.dataset.email}`;
let kept: Kept = { states: [], now: -1, revision: "" };
let last = { when: 0, where: "" };
let going = 0; // the step that is being taken

function keep() {
  while (kept.states.length > MOST || kept.states.reduce((n, s) => n + s.length, 0) > LONGEST) {
    kept.states.shift();
    kept.now -= 1;
  }
  try {
    sessionStorage.setItem(key(), JSON.stringify(kept));
  } catch {
    // a full storage only costs the way back after a reload
  }
  buttons();
}

function buttons() {
  const back = document.querySelector<HTMLButtonElement>("[data-history=back]");
  const forth = document.querySelector<HTMLButtonElement>("[data-history=forth]");
  if (back) back.ariaDisabled = String(kept.now < 1);
  if (forth) forth.ariaDisabled = String(kept.now >= kept.states.length - 1);
}

function begin() {
  const found = draft();
  if (!found) return;
  try {
    kept = JSON.parse(sessionStorage.getItem(key()) ?? "") as Kept;
  } catch {
    kept = { states: [], now: -1, revision: "" };
  }
  if (kept.revision !== found.dataset.revision || kept.states[kept.now] !== found.value) kept = { states: [found.value], now: 0, revision: found.dataset.revision! };
  keep();
}

function changed() {
  const found = draft();
  if (!found || found.dataset.revision === kept.revision) return;
  kept.revision = found.dataset.revision!;
  if (found.value !== kept.states[kept.now]) {
    const typing = !going && document.activeElement?.closest("#panel") && chosen() === last.where && Date.now() - last.when < TOGETHER && kept.now > 0;
    last = { when: Date.now(), where: chosen() };
    if (going) kept.states[kept.now] = found.value; // as the server wrote it
    else {
      kept.states.length = kept.now + 1;
      if (typing) kept.states[kept.now] = found.value;
      else kept.states.push(found.value);
      kept.now = kept.states.length - 1;
    }
  }
  going = 0;
  keep();
}

/** A step waits behind what is being saved; which state it leads to is known when it goes out. */
function step(by: number) {
  const found = draft();
  if (found) post(found.dataset.url!, { step: by });
}

function post(address: string, more: { step?: number; values?: Record<string, string> }) {
  const options = { source: sender(), target: "#outline", swap: "innerMorph", ...more };
  void window.htmx.ajax("POST", address, options);
}

function leave({ request }: Context, by: number): boolean {
  const state = kept.states[kept.now + by];
  if (state === undefined) return false;
  kept.now += by;
  going = by;
  last.where = "";
  request.body!.set("draft", state);
  request.body!.set("key", chosen());
  return true;
}

function arrived() {
  kept.now -= going; // not 0 when it was not taken
  going = 0;
  buttons();
}

document.addEventListener("htmx:after:swap", changed);
document.addEventListener("click", (e) => {
  const button = (e.target as Element).closest<HTMLElement>("[data-history]");
  if (button) step(button.dataset.history === "back" ? -1 : 1);
  const mine = (e.target as Element).closest<HTMLElement>("[data-mine]");
  if (mine) keepMine(mine.dataset.mine!);
});

/** Somebody else saved meanwhile, and what is written here shall count: the last state, and what the panel holds. */
function keepMine(revision: string) {
  const found = draft();
  if (!found) return;
  found.dataset.revision = revision;
  const form = document.querySelector<HTMLFormElement>("#panel-form");
  const typed = form && [...new FormData(form)].map(([name, value]) => [name, String(value)] as [string, string]);
  post(found.dataset.url!, { values: { draft: kept.states[kept.now]!, key: chosen() } });
  if (form && typed) post(form.getAttribute("hx-post")!, { values: Object.fromEntries(typed) });
}

document.addEventListener("keydown", (e) => {
  if (!(e.ctrlKey || e.metaKey) || e.altKey || e.isComposing || !draft()) return;
  const target = e.target as HTMLElement;
  const letter = e.key.toLowerCase();
  if (letter !== "z" && letter !== "y") return;
  if (target.closest?.("input, textarea, [contenteditable=true]")) return; // what is typed there has its own way back
  e.preventDefault();
  step(letter === "y" || e.shiftKey ? 1 : -1);
});

// Every post says which state it knows; the server refuses one that would write over somebody else's. -------------------------------------

document.addEventListener("htmx:before:request", (e) => {
  const ctx: Step = context(e);
  const found = draft();
  if (found) ctx.request.headers["X-Revision"] = found.dataset.revision!; // now, not when it began to wait
  if (ctx.step && !leave(ctx, ctx.step)) e.preventDefault();
});
document.addEventListener("htmx:finally:request", (e) => {
  if ((context(e) as Step).step) arrived();
});

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
