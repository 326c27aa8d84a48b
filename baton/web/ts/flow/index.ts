/** The canvas of a workflow. Loaded beside app.js by the pages that draw one. */
import "./canvas";
import "./saving";
