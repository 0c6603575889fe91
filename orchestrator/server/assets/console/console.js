// Nothing here is needed: every page works without it. It copies, and it keeps the inbox fresh.
"use strict";

for (const block of document.querySelectorAll("pre[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = block.dataset.copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.textContent);
    button.textContent = "✓";
  });
  block.after(button);
}

const live = document.querySelector("[data-refresh]");
if (live) {
  const refresh = async () => {
    // Whoever reads with the keyboard must not lose their place.
    if (document.hidden || live.contains(document.activeElement)) return;
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(live.id);
    if (fresh && fresh.innerHTML !== live.innerHTML) live.replaceChildren(...fresh.childNodes);
  };
  setInterval(() => refresh().catch(() => {}), Number(live.dataset.refresh) * 1000);
}
