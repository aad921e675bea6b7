// What somebody is typing stays when the page's data comes anew meanwhile: only another value than the page had given
// the field before replaces it.
const { get, set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");

export function typed() {
  document.addEventListener("input", ({ target }) => {
    if (!target.matches?.("main input:is([type=text], [type=search])") || Object.hasOwn(target, "value")) return;
    let given = target.defaultValue;
    Object.defineProperty(target, "value", {
      configurable: true,
      get() {
        return get.call(this);
      },
      set(value) {
        // Attributes that are laid anew are taken off first.
        if (value === undefined || value === null) return;
        if (value !== given) set.call(this, value);
        given = value;
      },
    });
  });
}
