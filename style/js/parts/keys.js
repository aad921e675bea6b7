// `/` or Ctrl-K for search, `g` and a letter to go somewhere, `?` tells.
const PLACES = {
  o: ["/", "Overview"],
  r: ["/repositories", "Repositories"],
  s: ["/resources", "Resources"],
  e: ["/ecosystem", "Ecosystem"],
  t: ["/tasks", "Tasks"],
};

export function keys() {
  let going = 0;
  document.addEventListener("keydown", (event) => {
    const search = document.getElementById("search");
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      search?.focus();
      search?.select();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");
    if (typing) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "/") {
      event.preventDefault();
      search?.focus();
    } else if (event.key === "?") {
      help();
    } else if (event.key === "g") {
      going = Date.now();
    } else if (Date.now() - going < 1500 && PLACES[event.key]) {
      going = 0;
      // The rail's own link, so that the page is changed without a reload.
      const [href] = PLACES[event.key];
      document.querySelector(`.rail li a[href="${href}"]`)?.click();
    }
  });
}

function help() {
  let dialog = document.querySelector("dialog.keys");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.className = "keys";
    dialog.setAttribute("aria-labelledby", "keys-title");
    const rows = [["/", "Search (also Ctrl K)"], ...Object.entries(PLACES).map(([key, [, name]]) => [`g ${key}`, name]), ["?", "This list"]];
    const title = document.createElement("h2");
    title.id = "keys-title";
    title.textContent = "Keys";
    const list = document.createElement("dl");
    for (const [key, what] of rows) {
      const dt = document.createElement("dt");
      const kbd = document.createElement("kbd");
      kbd.textContent = key;
      dt.append(kbd);
      const dd = document.createElement("dd");
      dd.textContent = what;
      list.append(dt, dd);
    }
    const form = document.createElement("form");
    form.method = "dialog";
    const close = document.createElement("button");
    close.className = "button";
    close.textContent = "Close";
    form.append(close);
    dialog.append(title, list, form);
    // Outside the body, which belongs to the page's own rendering.
    document.documentElement.append(dialog);
  }
  if (!dialog.open) dialog.showModal();
}
