// Rows that are ticked: all of a page at once, many in a row with Shift, and how many there are. Rows come anew while a
// page is open, so a tick stays with what it stands for, not with its place in the list.

const picked = new Set();
let last;

const boxes = () => [...document.querySelectorAll("input.pick")];

export function unpick() {
  picked.clear();
  last = undefined;
  show();
}

function show() {
  const all = boxes();
  if (all.length === 0) return void picked.clear();
  const here = new Set(all.map((box) => box.value));
  for (const id of picked) if (!here.has(id)) picked.delete(id);
  for (const box of all) box.checked = picked.has(box.value);
  for (const box of document.querySelectorAll("input.pick-all")) {
    box.checked = picked.size === all.length;
    box.indeterminate = picked.size > 0 && picked.size < all.length;
  }
  for (const button of document.querySelectorAll(".pick-rest")) button.hidden = picked.size === all.length;
  const text = picked.size === 0 ? "" : `${picked.size} selected`;
  for (const count of document.querySelectorAll(".bulk-count")) if (count.textContent !== text) count.textContent = text;
}

export function picking() {
  // What the browser brought back, and what was ticked before this script came.
  for (const box of boxes()) if (box.checked) picked.add(box.value);
  show();
  document.addEventListener("click", (event) => {
    const target = event.target;
    if (target.closest?.(".pick-rest")) {
      for (const box of boxes()) picked.add(box.value);
      show();
    }
    if (!target.matches?.("input.pick")) return;
    const all = boxes();
    const [from, to] = [all.findIndex((box) => box.value === last), all.indexOf(target)].sort((a, b) => a - b);
    const range = event.shiftKey && from >= 0 ? all.slice(from, to + 1) : [target];
    for (const box of range) target.checked ? picked.add(box.value) : picked.delete(box.value);
    last = target.value;
    show();
  });
  document.addEventListener("change", ({ target }) => {
    if (!target.matches?.("input.pick-all")) return;
    for (const box of boxes()) target.checked ? picked.add(box.value) : picked.delete(box.value);
    show();
  });
  document.addEventListener("reset", (event) => {
    if (event.target.id === "bulk") setTimeout(unpick);
  });
  document.addEventListener("keydown", (event) => {
    // In a field it leaves the field.
    if (event.target.closest?.("input:not([type=checkbox]), textarea, select")) return;
    if (event.key === "Escape" && picked.size > 0 && !document.querySelector("dialog[open]")) unpick();
  });
  const main = document.getElementById("main");
  if (main) new MutationObserver(show).observe(main, { childList: true, subtree: true, attributeFilter: ["value"] });
}
