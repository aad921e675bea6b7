// One line for news for all tabs of a browser: over HTTP/1.1 browsers open six connections to a host, so with a line for
// each tab the seventh waits for ever. Runs as a shared worker, or as a worker of the one tab where there are none of those.
// (Web Locks could choose a leader among the tabs, but are not there over plain HTTP, where it matters.)
//
// A tab says whether it is seen (true, false); it is told "open", "closed", "missed", and what the server tells, as text.
// While nothing is seen there is no line. A tab that is seen again is told "open" anew, and reads again what it missed.

const FIRST_RETRY = 3_000;
const LAST_RETRY = 5_000;
// A tab that is left for another says so before the other one does.
const LINGER = 1_000;

const seen = new Set();
let line, later, state, retry = FIRST_RETRY;

function become(now) {
  state = now;
  tell(now);
}

function tell(word) {
  for (const tab of seen) tab.postMessage(word);
}

function open() {
  line = new EventSource("/api/v1/stream");
  line.onopen = () => {
    retry = FIRST_RETRY;
    become("open");
  };
  line.onmessage = ({ data }) => tell(data);
  line.addEventListener("missed", () => tell("missed"));
  line.onerror = () => {
    become("closed");
    // Browsers take up a broken line themselves, except after an answer that was no stream.
    if (line?.readyState !== EventSource.CLOSED) return;
    clearTimeout(later);
    later = setTimeout(open, retry * (1 + Math.random() / 2));
    retry = Math.min(retry * 2, LAST_RETRY);
  };
}

function close() {
  if (seen.size > 0) return;
  clearTimeout(later);
  line?.close();
  line = state = undefined;
}

function see(tab, visible) {
  if (!visible) {
    seen.delete(tab);
    if (seen.size === 0) setTimeout(close, LINGER);
    return;
  }
  seen.add(tab);
  if (!line) open();
  else if (state) tab.postMessage(state);
}

function join(tab) {
  tab.onmessage = ({ data }) => see(tab, data);
  tab.onclose = () => see(tab, false);
}

if ("onconnect" in self) self.onconnect = ({ ports: [tab] }) => join(tab);
else join(self);
