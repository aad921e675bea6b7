// Goes to an address as a click on a link to it would: without a reload once the page is awake.
export function follow(address, stay) {
  const link = document.createElement("a");
  link.href = address.href;
  link.toggleAttribute("noscroll", stay);
  document.documentElement.append(link);
  link.click();
  link.remove();
}
