/** After an answer with faults the first faulty field has the focus, where it was lost with the fields that stood there before. */
document.addEventListener("htmx:after:swap", (e) => {
  const { ctx } = (e as CustomEvent<{ ctx: { response?: { status: number }; target?: unknown } }>).detail;
  const gone = !document.activeElement || document.activeElement === document.body;
  if (ctx.response?.status === 422 && gone && ctx.target instanceof Element) ctx.target.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
});
