/** What pages with a builder load beside app.js: forms, landing pages, the banner. */
import "./blocks";
import "./preview";
import "./rows";
