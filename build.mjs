// Builds what browsers load: the stylesheets, the scripts, the icon sprite and the fonts of the pages,
// and the two scripts for customers' own sites (tracker and form embed), which must run in old browsers too.
import { build, context } from "esbuild";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";

const out = "baton/web/static/dist";
const modern = { bundle: true, minify: true, sourcemap: true, target: ["chrome125", "safari18", "firefox128"], external: ["*.woff2"], logLevel: "info" };
const styles = { ...modern, entryPoints: { style: "baton/web/css/style.css", reports: "baton/web/css/reports.css", builder: "baton/web/css/builder.css", content: "baton/web/css/content.css", campaigns: "baton/web/css/campaigns.css", flow: "baton/web/css/flow.css", mail: "baton/web/css/mail.css", fonts: "baton/web/css/.fonts.css" }, outdir: out };
// Public pages are seen in browsers that are some years old.
const open = { ...modern, target: ["chrome100", "safari15.4", "firefox100"], entryPoints: { public: "baton/web/css/public.css" }, outdir: out };
// Every file of ts/ is one behaviour and loads with app.js: a new file needs no entry in a list.
const behaviours = (await readdir("baton/web/ts")).filter((f) => f.endsWith(".ts") && f !== "form-embed.ts").sort();
const app = {
  ...modern, outfile: `${out}/app.js`,
  stdin: { contents: ["htmx.org", ...behaviours.map((f) => `./${f}`)].map((f) => `import "${f}";`).join("\n"), resolveDir: "baton/web/ts", sourcefile: "app.ts", loader: "ts" },
};
const builder = { ...modern, entryPoints: ["baton/web/ts/builder/index.ts"], outfile: `${out}/builder.js` };
const flow = { ...modern, entryPoints: ["baton/web/ts/flow/index.ts"], outfile: `${out}/flow.js` };
const mail = { ...modern, entryPoints: { mail: "baton/web/ts/mail/index.ts", rich: "baton/web/ts/mail/rich.ts" }, format: "esm", outdir: out };
const sites = [
  ["baton/collector/tracker/tracker.ts", "baton/collector/static/baton.js"],
  ...["video", "banner", "linked", "hubspot", "hbspt"].map((part) => [`baton/collector/tracker/${part}.ts`, `baton/collector/static/${part}.js`]),
  ["baton/web/ts/form-embed.ts", `${out}/form-embed.js`],
].filter(([from]) => existsSync(from)).map(([from, to]) => ({
  entryPoints: [from], outfile: to, bundle: true, minify: true, format: "iife", target: "es2018", legalComments: "none", logLevel: "info",
}));

/** One sprite holding only the icons that templates, Python and scripts name. */
async function icons() {
  const names = new Set();
  for (const f of await readdir("baton", { recursive: true })) {
    if (!/\.(html|py|ts)$/.test(f)) continue;
    for (const [, word] of (await readFile(`baton/${f}`, "utf8")).matchAll(/["']([a-z][a-z0-9-]*)["']/g)) names.add(word);
  }
  const have = new Set((await readdir("node_modules/lucide-static/icons")).map((f) => f.replace(".svg", "")));
  const symbols = [];
  for (const name of [...names].filter((n) => have.has(n)).sort()) {
    const svg = await readFile(`node_modules/lucide-static/icons/${name}.svg`, "utf8");
    const body = svg.replace(/<!--.*?-->/gs, "").replace(/<svg[^>]*>|<\/svg>/g, "").replace(/\s+/g, " ").trim();
    symbols.push(`<symbol id="${name}" viewBox="0 0 24 24">${body}</symbol>`);
  }
  await writeFile(`${out}/icons.svg`, `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`);
  return symbols.length;
}

async function fonts() {
  const from = "node_modules/pretendard/dist/web/variable";
  await cp(`${from}/woff2-dynamic-subset`, `${out}/fonts`, { recursive: true });
  const css = await readFile(`${from}/pretendardvariable-dynamic-subset.css`, "utf8");
  await writeFile("baton/web/css/.fonts.css", css.replaceAll("./woff2-dynamic-subset/", "./fonts/"));
}

/**
 * The countries of addresses, from a list in the public domain, as the collector looks them up (baton/collector/countries.py):
 * a line of JSON, then the sorted first addresses (version 4: 32 bits; version 6: the upper 48 in 64) and beside each the number of its country; 0: none.
 */
async function countries() {
  const from = "node_modules/@ip-location-db/asn-country";
  const words = [""], numbers = new Map([["", 0]]), parts = [], counts = [];
  for (const [version, shift] of [[4, 0n], [6, 80n]]) {
    const firsts = [], places = [];
    let next = 0n;
    const add = (first, word) => {
      if (!numbers.has(word)) words.push(word) && numbers.set(word, words.length - 1);
      if (firsts.at(-1) === first) firsts.pop(), places.pop(); // two within one /48: the later one
      if (places.at(-1) === numbers.get(word)) return;
      firsts.push(first);
      places.push(numbers.get(word));
    };
    for (const line of (await readFile(`${from}/asn-country-ipv${version}-num.csv`, "utf8")).trim().split("\n")) {
      const [first, last, word] = line.split(",");
      if (BigInt(first) >> shift > next) add(next, "");
      add(BigInt(first) >> shift, word.trim());
      next = (BigInt(last) >> shift) + 1n;
    }
    add(next, "");
    const data = version === 4 ? new Uint32Array(firsts.map((n) => Number(n & 0xffffffffn))) : new BigUint64Array(firsts);
    parts.push(Buffer.from(data.buffer), Buffer.from(Uint8Array.from(places)));
    counts.push(firsts.length);
  }
  await mkdir("baton/collector/static", { recursive: true });
  await writeFile("baton/collector/static/countries.bin", Buffer.concat([Buffer.from(JSON.stringify({ counts, words }) + "\n"), ...parts]));
  return counts;
}

await mkdir(out, { recursive: true });
await fonts();
await countries();
if (process.argv.includes("--watch")) {
  for (const options of [styles, open, app, builder, flow, mail, ...sites]) await (await context(options)).watch();
} else {
  for (const options of [styles, open, app, builder, flow, mail, ...sites]) await build(options);
}
console.log(`${await icons()} icons`);
const made = new Set(["fonts", "icons.svg", ...["app.js", "builder.js", "flow.js", "mail.js", "rich.js", "style.css", "reports.css", "builder.css", "content.css", "campaigns.css", "flow.css", "mail.css", "public.css", "fonts.css"].flatMap((f) => [f, `${f}.map`]), ...sites.map((s) => s.outfile.split("/").at(-1))]);
for (const old of await readdir(out)) if (!made.has(old)) await rm(`${out}/${old}`, { recursive: true, force: true });
