// A company's own sites hand the visitor on by their links: ?bt_v=<cookie>.<time>.<sum>, good for two minutes and one target.
// /t/linked.js, loaded when the site's group has other sites.
import type { Api } from "./page";

const GOOD = 120; // seconds
const inside = (window as unknown as { baton: Api }).baton._;
const doc = document;
const now = () => Math.floor(Date.now() / 1000);

/** No secret: it only tells a whole value made for this host from a cut or copied one. */
function sum(text: string): string {
  let n = 5381;
  for (let at = 0; at < text.length; at++) n = ((n * 33) ^ text.charCodeAt(at)) >>> 0;
  return n.toString(36);
}

/** The cookie that another of our sites handed over in `value`, "" when it is stale, for another host, or does not come from there. */
inside.hooks.handed = (value) => {
  const [cookie, time, check] = value.split(".");
  const from = doc.referrer && new URL(doc.referrer).hostname;
  const good = /^[0-9a-f]{32}$/.test(cookie) && Math.abs(now() - parseInt(time, 36)) < GOOD && check === sum(cookie + time + location.hostname);
  return good && from && inside.isOurs(from) ? cookie : "";
};

function mark(host: string): string {
  const { cookie } = inside.state;
  const { domain } = inside.data;
  if (!cookie || host === location.hostname || !inside.isOurs(host) || (domain && ("." + host).endsWith(domain))) return "";
  const time = now().toString(36);
  return `${cookie}.${time}.${sum(cookie + time + host)}`;
}

/** Give a link that is being followed the visitor, and take it back when the click is over. */
inside.hooks.follow = (a) => {
  const value = mark(a.hostname);
  if (!value) return;
  const old = a.getAttribute("href") as string;
  a.search += (a.search ? "&" : "?") + "bt_v=" + value;
  setTimeout(() => a.setAttribute("href", old), 500);
};

/** The same for a form that is being sent to another of our sites. */
inside.hooks.send = (form) => {
  const to = new URL(form.getAttribute("action") || "", location.href);
  const value = mark(to.hostname);
  if (!value) return;
  if (form.method === "post") {
    to.searchParams.set("bt_v", value);
    form.setAttribute("action", to.href);
    return;
  }
  const input = (form.querySelector("input[name=bt_v]") || doc.createElement("input")) as HTMLInputElement;
  input.type = "hidden";
  input.name = "bt_v";
  input.value = value;
  form.append(input);
};
