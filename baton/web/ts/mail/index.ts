/** What the editor of mails loads beside app.js. The writing of text (rich.ts) is a second file that the first text block fetches. */
import "./canvas";
import "./history";
import "./images";
import "./merge";
import "./outline";
import "./people";
import "./text";
import "./versions";
