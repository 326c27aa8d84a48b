/** The page's live stream: a quiet badge while the connection is lost, and another try when the first one failed. */
import htmx from "htmx.org";
import "htmx.org/dist/ext/hx-sse.js";

const live = document.getElementById("live");
const badge = document.querySelector<HTMLElement>("#live-lost > span");

if (live && badge) {
  let timer = 0;
  let delay = 1000;
  const lost = () => {
    clearTimeout(timer);
    timer = setTimeout(() => (badge.hidden = false), 2000); // a page that is being left loses its stream too
  };
  live.addEventListener("htmx:sse:after:connection", () => {
    clearTimeout(timer);
    badge.hidden = true;
    delay = 1000;
  });
  live.addEventListener("htmx:sse:error", lost);
  const again = (e: Event) => {
    e.stopPropagation(); // this is no failed save
    lost();
    setTimeout(() => htmx.trigger(live, "live-again"), delay);
    delay = Math.min(delay * 2, 10000);
  };
  live.addEventListener("htmx:error", again);
  live.addEventListener("htmx:response:error", again);
}
