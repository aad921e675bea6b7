// Folding in manifests. Each button says up to which line what is under its own goes.
export function folding() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".line-fold");
    if (!button) return;
    button.setAttribute("aria-expanded", button.getAttribute("aria-expanded") !== "true");
    fold(button.closest(".code-lines"));
  });

  // Who follows a link to a line wants to see it.
  addEventListener("hashchange", () => {
    const line = document.getElementById(location.hash.slice(1));
    if (!line?.hidden || !line.matches(".code-lines > .line")) return;
    for (const button of line.parentElement.querySelectorAll(".line-fold[aria-expanded=false]")) {
      if (number(button.parentElement) < number(line) && number(line) <= Number(button.dataset.to)) {
        button.setAttribute("aria-expanded", true);
      }
    }
    fold(line.parentElement);
    line.scrollIntoView({ block: "center" });
  });
}

const number = (line) => Number(line.id.slice(1));

function fold(lines) {
  let until = 0;
  for (const line of lines.children) {
    line.hidden = number(line) <= until;
    const folded = !line.hidden && line.querySelector(":scope > .line-fold[aria-expanded=false]");
    if (folded) until = Number(folded.dataset.to);
  }
}
