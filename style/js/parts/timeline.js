// Two versions are compared by dragging one point of the timeline to another. Of a pair that is chosen already, the
// end that is dragged moves and the other stays. Fingers scroll the line; for them and for keys there are the choices below.
import { follow } from "./follow.js";

export function comparing() {
  document.addEventListener("dragstart", (event) => {
    if (event.target.closest?.(".timeline-points")) event.preventDefault();
  });
  document.addEventListener("pointerdown", (event) => {
    const point = event.target.closest?.(".timeline-points > .point");
    if (point && event.button === 0 && event.pointerType !== "touch") drag(point);
  });
}

function drag(point) {
  const line = point.parentElement;
  const points = [...line.querySelectorAll(":scope > .point")];
  const other = otherEnd(point);
  const stays = points.find((end) => end.dataset.version === other);
  let reached = point;
  const stop = new AbortController();
  const { signal } = stop;

  addEventListener("pointermove", (event) => {
    reached = nearest(points, event.clientX);
    line.toggleAttribute("data-dragging", reached !== point);
    mark(line, points, reached === point ? [] : [stays ?? (other ? reached : point), reached]);
  }, { signal });
  addEventListener("pointerup", () => {
    finish();
    if (reached === point || reached === stays) return;
    const [from, to] = [other ?? point.dataset.version, reached.dataset.version].map(Number).sort((a, b) => a - b);
    const address = new URL(location);
    address.searchParams.set("from", from);
    address.searchParams.set("to", to);
    // From the top, where the comparison stands.
    address.hash = "";
    follow(address, false);
  }, { signal });
  addEventListener("pointercancel", finish, { signal });
  addEventListener("keydown", (event) => { if (event.key === "Escape") finish(); }, { signal });

  function finish() {
    stop.abort();
    line.removeAttribute("data-dragging");
    mark(line, points, []);
  }
}

// The other one of the pair that the address names, if this is one of it; it may stand on another page of the list.
function otherEnd(point) {
  const query = new URLSearchParams(location.search);
  const pair = ["from", "to"].map((key) => query.get(key));
  const at = pair.indexOf(point.dataset.version);
  return at < 0 ? undefined : pair[1 - at] ?? undefined;
}

function nearest(points, x) {
  const middle = (point) => { const box = point.getBoundingClientRect(); return box.left + box.width / 2; };
  return points.reduce((best, point) => (Math.abs(middle(point) - x) < Math.abs(middle(best) - x) ? point : best));
}

function mark(line, points, ends) {
  for (const point of points) point.toggleAttribute("data-end", ends.includes(point));
  const places = ends.map((end) => end.offsetLeft + end.offsetWidth / 2);
  line.style.setProperty("--range-start", `${Math.min(...places, Infinity)}px`);
  line.style.setProperty("--range-size", `${Math.max(...places) - Math.min(...places)}px`);
}
