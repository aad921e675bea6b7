// What of a page is markup that nobody of ours wrote: elements, attributes, addresses, comments and scripts.

import type { BrowserContext, Page } from "@playwright/test";

/** What a page has to be besides free of foreign markup. */
export interface Wanted {
  /** Of the policy that the page came with. */
  nonce?: string;
  /** Texts that stand in it, or in its fields, as they are. */
  shows?: readonly string[];
  /** A text in the document's title. */
  title?: string;
}

/** Notes what the policy stops; a page that is made later is told of. */
export const noteViolations = (of: BrowserContext | Page) =>
  of.addInitScript(() => {
    const stopped: string[] = [];
    (window as unknown as { stopped: string[] }).stopped = stopped;
    document.addEventListener("securitypolicyviolation", (event) => stopped.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
  });

/** The nonce of an answer's policy. */
export const nonceOf = (policy: string | undefined) => /'nonce-([^']+)'/.exec(policy ?? "")?.[1];

/** What is wrong with a page as it stands, a line each. */
export const look = (page: Page, wanted: Wanted = {}): Promise<string[]> =>
  page.evaluate(({ nonce, shows = [], title }) => {
    const wrong: string[] = [];
    const here = window as unknown as { __xss?: unknown; stopped?: string[] };
    if (here.__xss !== undefined) wrong.push("a stranger's script ran");
    for (const stopped of here.stopped ?? []) wrong.push(`the policy stopped ${stopped}`);

    // Pages have none of these.
    const never = ["applet", "audio", "base", "embed", "frame", "frameset", "iframe", "img", "marquee", "math", "object", "picture", "portal", "video"];
    const addresses = ["action", "background", "data", "formaction", "href", "ping", "poster", "src", "xlink:href"];
    for (const element of document.querySelectorAll("*")) {
      const it = `<${element.localName}>`;
      if (!/^[a-z][\w-]*$/i.test(element.localName) || never.includes(element.localName)) wrong.push(`there is ${it}`);
      if (element.localName === "meta" && element.hasAttribute("http-equiv")) wrong.push(`there is ${it} with http-equiv`);
      for (const { name, value } of element.attributes) {
        if (/^on/i.test(name)) wrong.push(`${it} has ${name}`);
        if (!/^[a-z][\w:.-]*$/i.test(name)) wrong.push(`${it} has an attribute called ${name}`);
        if (!addresses.includes(name)) continue;
        const led = URL.canParse(value, location.href) ? new URL(value, location.href) : undefined;
        const isForm = name === "action" || name === "formaction";
        if (!led || !/^https?:$/.test(led.protocol)) wrong.push(`${name} of ${it} is ${value}`);
        else if (isForm && led.origin !== location.origin) wrong.push(`${name} of ${it} leads to ${led.origin}`);
      }
      if (element instanceof HTMLScriptElement && element.type !== "application/json") {
        const own = element.src !== "" && new URL(element.src).origin === location.origin && new URL(element.src).pathname.startsWith("/assets/");
        if (!own && (!nonce || element.nonce !== nonce)) wrong.push(`${it} without the page's nonce: ${element.textContent?.slice(0, 80)}`);
      }
    }

    let text = "";
    const nodes = document.createTreeWalker(document, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_COMMENT);
    for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
      const content = node.nodeValue ?? "";
      if (node.nodeType === Node.COMMENT_NODE) {
        if (content.includes("xss")) wrong.push(`a comment holds ${content.slice(0, 80)}`);
      } else if (!["SCRIPT", "STYLE", "TITLE"].includes(node.parentElement?.nodeName ?? "")) {
        text += content;
      }
    }
    const fields = [...document.querySelectorAll("input, textarea, select")].map((field) => (field as HTMLInputElement).value);
    for (const wanted of shows) {
      if (!text.includes(wanted) && !fields.some((value) => value.includes(wanted))) wrong.push(`it does not show ${wanted}`);
    }
    if (title !== undefined && !document.title.includes(title)) wrong.push(`its title is ${document.title}`);
    return wrong;
  }, wanted);
