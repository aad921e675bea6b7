// The menu of a phone: a box that is ticked, so that it opens without scripts. Where they run it is left by Escape or by
// following a link, opened by Enter too, and the page that it covers is not to be reached meanwhile.
export function drawer() {
  const box = () => document.getElementById("drawer");
  const set = (open) => {
    const found = box();
    if (!found) return;
    found.checked = open;
    for (const part of document.querySelectorAll(".frame > main, .frame > .top-bar")) part.inert = open;
  };
  document.addEventListener("change", (event) => { if (event.target === box()) set(event.target.checked); });
  document.addEventListener("click", (event) => {
    if (box()?.checked && event.target.closest?.(".rail a")) set(false);
  });
  document.addEventListener("keydown", (event) => {
    const found = box();
    if (event.key === "Enter" && event.target === found && !event.repeat) {
      set(!found.checked);
    } else if (event.key === "Escape" && found?.checked) {
      set(false);
      found.focus();
    }
  });
  // Opened before this ran, or kept open by the browser while the page was away.
  if (box()?.checked) set(true);
  addEventListener("pageshow", () => set(Boolean(box()?.checked)));
  // Turned to the side, or made wider: the menu stands beside the page then.
  matchMedia("(max-width: 720px)").addEventListener("change", () => set(false));
}
