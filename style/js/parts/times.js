// The same words as `relative` in app/src/components/time_ago.rs.
export function relative(time, now) {
  const seconds = Math.trunc((now - time) / 1000);
  const s = Math.abs(seconds);
  const several = (n, one, many) => [n, n === 1 ? one : many];
  const div = Math.floor;
  if (s < 45) return "just now";
  const [amount, unit] = s < 3570 ? [Math.max(div((s + 30) / 60), 1), "min"]
    : s < 84600 ? [div((s + 1800) / 3600), "h"]
    : s < 30 * 86400 ? several(div((s + 43200) / 86400), "day", "days")
    : s < 365 * 86400 ? several(Math.max(div((s + 1314900) / 2629800), 1), "month", "months")
    : several(Math.max(div((s + 15778800) / 31557600), 1), "year", "years");
  return seconds < 0 ? `in ${amount} ${unit}` : `${amount} ${unit} ago`;
}

export function refreshTimes() {
  const refresh = () => {
    if (document.hidden) return;
    const now = Date.now();
    for (const element of document.querySelectorAll("time[data-relative]")) {
      // The text node is the page's; only its letters change.
      const node = element.firstChild;
      const text = relative(Date.parse(element.dateTime), now);
      if (node?.nodeType === Node.TEXT_NODE && node.data !== text) node.data = text;
    }
  };
  setInterval(refresh, 30_000);
  document.addEventListener("visibilitychange", refresh);
  // The exact time in the reader's zone, when it is asked for.
  document.addEventListener("pointerover", (event) => {
    const element = event.target.closest?.("time[data-relative]");
    if (!element) return;
    element.title = new Date(element.dateTime).toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
  });
}
