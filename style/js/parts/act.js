// Forms that do something, and questions before it. Both work without this: a form then leads on to the page that tells
// what came of it, and a question is a page. Here the page stays, and the question is a dialog over it.

import { follow } from "./follow.js";
import { unpick } from "./pick.js";

const submits = ({ target, submitter }) => ({
  method: submitter?.hasAttribute("formmethod") ? submitter.formMethod : target.method,
  action: submitter?.hasAttribute("formaction") ? submitter.formAction : target.action,
  fields: new URLSearchParams(new FormData(target, submitter)),
});

export function acting() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.hasAttribute("data-act") || event.defaultPrevented) return;
    const { method, action, fields } = submits(event);
    event.preventDefault();
    if (method === "post") return void send(form, action, fields, event.submitter);
    const address = new URL(action);
    address.search = fields;
    if (event.submitter?.hasAttribute("data-ask")) ask(address.href, form);
    else follow(address, false);
  }, true);
  document.addEventListener("click", (event) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.("a[data-ask], dialog a[data-close]");
    if (!link) return;
    event.preventDefault();
    if (link.hasAttribute("data-ask")) ask(link.href, link);
    else link.closest("dialog").close();
  }, true);
}

async function send(form, action, fields, submitter) {
  form.querySelector(".act-failed")?.remove();
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  try {
    const answer = await fetch(action, { method: "POST", body: fields, headers: { accept: "text/plain" } });
    const text = await answer.text();
    if (!answer.ok) throw new Error(said(text) || `the server answered ${answer.status}`);
    form.closest("dialog")?.close();
    unpick();
    // From another page, such as that of what was deleted, nothing is to be kept: it would only ask for what is gone.
    if (text.startsWith(`${location.pathname}?`)) follow(new URL(text, location.href), true);
    else location.assign(text);
  } catch (error) {
    const failed = document.createElement("p");
    failed.className = "field-error act-failed";
    failed.setAttribute("role", "alert");
    failed.textContent = `That did not work: ${error.message}`;
    (submitter?.parentElement ?? form).append(failed);
  } finally {
    form.ariaBusy = null;
  }
}

/** A server's error in words. */
function said(text) {
  const [, kind, rest] = /^([a-z_]+):(.*)$/s.exec(text) ?? [undefined, undefined, text];
  if (kind === "internal") return `something broke on the server; its log has the reason under ${rest}`;
  return kind === "not_found" ? `there is no such ${rest} here any more` : rest;
}

/** Shows the question that stands at an address; where it was asked is busy until then. */
async function ask(address, where) {
  if (where.ariaBusy === "true") return;
  let step;
  where.ariaBusy = "true";
  try {
    const answer = await fetch(address, { headers: { accept: "text/html" } });
    step = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-step]");
  } catch {
    // The page itself says what is wrong.
  } finally {
    where.ariaBusy = null;
  }
  if (!step) return void location.assign(address);
  // A second click came before the first was answered.
  if (document.querySelector("dialog.asking")) return;
  const dialog = document.createElement("dialog");
  dialog.className = "asking";
  dialog.setAttribute("aria-labelledby", "step-title");
  if (step.querySelector("#step-text")) dialog.setAttribute("aria-describedby", "step-text");
  dialog.append(document.adoptNode(step));
  dialog.addEventListener("close", () => dialog.remove());
  // A click beside it is a no.
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  // Outside the body, which belongs to the page's own rendering.
  document.documentElement.append(dialog);
  dialog.showModal();
  dialog.querySelector("[data-close]")?.focus();
}
