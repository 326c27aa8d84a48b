// How much of a video was watched: <video>, and YouTube and Vimeo players in frames. /t/video.js, loaded when the page has one.
// No script of the players' makers is loaded: their frames speak by messages, and this file asks them to.
import type { Api } from "./page";

interface Watched { id: number; t: number; video: string; title: string; parts: [number, number][]; at: number; when: number; duration: number; told: number; asked: number }

const STEPS = [25, 50, 75, 90, 100]; // percent that are told at once
const FASTEST = 2.5; // seconds of film a second: more is a jump
const inside = (window as unknown as { baton: Api }).baton._;
let films = new Map<Element, Watched>();

const seconds = (film: Watched) => film.parts.reduce((all, [from, to]) => all + to - from, 0);
const tenth = (n: number) => Math.round(n * 10) / 10;

/** Add a stretch that was watched; what overlaps, or nearly touches, is one. */
function add(film: Watched, from: number, to: number) {
  const parts: [number, number][] = [];
  if (from < 0.5) from = 0; // players begin a moment late
  for (const part of film.parts) {
    if (part[1] < from - 0.3 || part[0] > to + 0.3) parts.push(part);
    else [from, to] = [Math.min(from, part[0]), Math.max(to, part[1])];
  }
  film.parts = [...parts, [from, to]];
}

const percent = (film: Watched) => (film.duration > 0 ? Math.min(100, Math.floor((seconds(film) / film.duration) * 100 + 0.01)) : 0);

/** The growing hit: how many percent of the film were seen by now, each second once. */
function tell(film: Watched) {
  const n = percent(film);
  if (n <= film.told || !inside.state.cookie) return;
  film.told = n;
  inside.add("video_watched", { video: film.video, title: film.title.slice(0, 300), seconds: tenth(seconds(film)), duration: tenth(film.duration) }, true, film.id, n, film.t);
}

/** The player stands at `at` seconds; since the last word it played on, or jumped. */
function played(film: Watched, at: number, ended?: boolean) {
  const now = performance.now(), step = at - film.at;
  if (step > 0 && (film.when ? step <= ((now - film.when) / 1000) * FASTEST + 0.5 : at < 1)) add(film, film.at, at); // the first word may come a little late
  film.at = at;
  film.when = now;
  const { duration } = film;
  if (ended && duration - at < 1.5) add(film, Math.min(at, duration), duration); // the last word comes a little before the end
  const n = percent(film);
  if (ended || STEPS.some((step) => film.told < step && n >= step)) tell(film);
}

function film(element: Element, video: string, title: string): Watched {
  let known = films.get(element);
  if (!known || known.video !== video) {
    if (known) tell(known);
    known = { id: inside.random(), t: Date.now(), video, title, parts: [], at: 0, when: 0, duration: 0, told: 0, asked: 0 };
    films.set(element, known);
  }
  return known;
}

// <video>: its events do not bubble, but they pass here on their way down

const ignored = (e: Element) => !!e.closest("[data-baton-ignore]");
const name = (e: Element) => (e as HTMLElement).dataset.batonVideo || (e as HTMLElement).title || e.getAttribute("aria-label") || "";

for (const type of ["play", "timeupdate", "seeking", "pause", "ended"])
  document.addEventListener(type, (event) => {
    const v = event.target as HTMLVideoElement;
    if (!v || v.tagName !== "VIDEO" || ignored(v) || (v.autoplay && v.muted && v.loop)) return; // decoration is not watched
    const src = v.currentSrc.split("#")[0];
    if (!/^https?:/.test(src)) return;
    const one = film(v, src, name(v) || decodeURI(src.split("?")[0].split("/").pop() || ""));
    one.duration = isFinite(v.duration) ? v.duration : 0;
    if (type === "seeking" || type === "play") [one.at, one.when] = [v.currentTime, performance.now()];
    else if (!v.seeking) played(one, v.currentTime, type === "ended");
    if (type === "pause") tell(one);
  }, true);

// Players in frames

const YOUTUBE = /^https:\/\/(?:www\.)?youtube(?:-nocookie)?\.com\/embed\/([\w-]{6,})/;
const VIMEO = /^https:\/\/player\.vimeo\.com\/video\/(\d+)/;
const say = (frame: HTMLIFrameElement, words: object) => frame.contentWindow && frame.contentWindow.postMessage(JSON.stringify(words), new URL(frame.src).origin);

function frames(): HTMLIFrameElement[] {
  return Array.from(document.querySelectorAll<HTMLIFrameElement>('iframe[src*="youtube"],iframe[src*="player.vimeo.com"]')).filter((f) => !ignored(f));
}

function known(frame: HTMLIFrameElement): Watched | undefined {
  const youtube = frame.src.match(YOUTUBE), vimeo = frame.src.match(VIMEO);
  const found = youtube ? "youtube:" + youtube[1] : vimeo ? "vimeo:" + vimeo[1] : "";
  return found ? film(frame, found, name(frame)) : undefined;
}

/** Ask the frames to speak, until they do. A page that drives YouTube by its own script has asked already, and its player listens to one only. */
function ask() {
  let left = false;
  for (const frame of frames()) {
    const one = known(frame);
    if (!one || one.asked > 20 || one.when) continue;
    left = true;
    one.asked++;
    if (one.video[0] === "v") for (const value of ["timeupdate", "pause", "ended"]) say(frame, { method: "addEventListener", value });
    else if (/[?&]enablejsapi=1/.test(frame.src) && !(window as { YT?: object }).YT) say(frame, { event: "listening", id: 1, channel: "widget" });
  }
  timer = left ? window.setTimeout(ask, 500) : 0;
}

interface Said { event?: string; info?: { currentTime?: number; duration?: number; playerState?: number; videoData?: { title?: string } }; data?: { seconds?: number; duration?: number } }

addEventListener("message", (event) => {
  const frame = frames().find((f) => f.contentWindow === event.source && new URL(f.src).origin === event.origin);
  const one = frame && known(frame);
  if (!one) return;
  let said: Said | null;
  try {
    said = typeof event.data === "string" ? JSON.parse(event.data) : event.data;
  } catch {
    return;
  }
  if (!said) return;
  one.asked = 99;
  const { info, data } = said;
  if (one.video[0] === "v") {
    if (said.event === "ready") {
      one.asked = 0;
      ask();
    }
    if (!data || data.seconds === undefined) return;
    one.duration = data.duration || one.duration;
    played(one, data.seconds, said.event === "ended");
    if (said.event === "pause") tell(one);
  } else if (info) {
    one.duration = info.duration || one.duration;
    if (info.videoData && info.videoData.title) one.title = info.videoData.title;
    if (info.currentTime !== undefined) played(one, info.currentTime, info.playerState === 0);
    else if (info.playerState === 0) played(one, one.duration, true);
    if (info.playerState === 2) tell(one);
  }
});

let timer = 0;
new MutationObserver(() => (timer = timer || window.setTimeout(ask, 300))).observe(document, { childList: true, subtree: true });
ask();

const all = () => films.forEach(tell);
inside.leave.push(() => {
  all();
  films = new Map(); // the next view counts for itself
  setTimeout(ask);
});
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && all());
