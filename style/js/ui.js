// What makes pages pleasant where scripts run and needs no WebAssembly: theme, keys, copying, fresh times, filters
// that apply as they are chosen, forms that do something, charts. Everything listens on the document, so it works for
// content that comes later.

import { acting } from "./parts/act.js";
import { folding } from "./parts/fold.js";
import { follow } from "./parts/follow.js";
import { keys } from "./parts/keys.js";
import { picking } from "./parts/pick.js";
import { refreshTimes } from "./parts/times.js";
import { theme } from "./parts/theme.js";
import { comparing } from "./parts/timeline.js";
import { drawer } from "./parts/drawer.js";
import { typed } from "./parts/typed.js";

theme();
keys();
acting();
picking();
typed();
refreshTimes();
folding();
comparing();
drawer();

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.dataset.done = "";
    announce("Copied");
  } catch {
    announce("The browser did not allow copying");
  }
  setTimeout(() => delete button.dataset.done, 1500);
});

// Choosing is enough: a changed filter submits its form.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.hasAttribute("data-auto")) form.requestSubmit();
});

// Empty filters do not belong into the address.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "get") return;
  const empty = [...form.elements].filter((field) => field.name && !field.disabled && field.value === "");
  for (const field of empty) field.disabled = true;
  setTimeout(() => { for (const field of empty) field.disabled = false; });
}, true);

// A form that asks for an address is a link to it, so that the page is changed without a reload once it is awake.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "get" || event.defaultPrevented) return;
  event.preventDefault();
  const address = new URL(form.action);
  address.search = new URLSearchParams(new FormData(form, event.submitter));
  follow(address, form.hasAttribute("data-stay"));
});


let voice;
function announce(text) {
  if (!voice) {
    voice = document.createElement("div");
    voice.setAttribute("role", "status");
    voice.className = "sr-only";
    document.documentElement.append(voice);
  }
  voice.textContent = text;
}

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
