// Loads the open list again when a new mail has come in.
const list = document.querySelector("[data-newest]");
if (list) {
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/demo/inbox/latest");
      if (answer.ok && (await answer.text()) !== list.dataset.newest) location.reload();
    } catch {
      // The server is restarting; the next round asks again.
    }
  }, 2000);
}
