// What scripts are for that needs no WebAssembly, or that it cannot do: the theme at once, the clipboard, charts. Everything
// listens on the document, so it works for content that comes later.

import { theme } from "./parts/theme.js";

theme();

const say = (text) => { document.getElementById("voice").textContent = text; };

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.dataset.done = "";
    say("Copied");
  } catch {
    say("The browser did not allow copying");
  }
  setTimeout(() => delete button.dataset.done, 1500);
});

// The element keeps its own content in a shadow, so what the server rendered inside stays as it was.
customElements.define("ks-chart", class extends HTMLElement {
  connectedCallback() {
    this.watch = new IntersectionObserver(async (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      this.watch.disconnect();
      const { draw } = await import("./parts/chart.js");
      if (this.isConnected) this.drawn = draw(this);
    }, { rootMargin: "200px" });
    this.watch.observe(this);
  }

  disconnectedCallback() {
    this.watch?.disconnect();
    this.drawn?.();
    this.drawn = undefined;
  }
});
