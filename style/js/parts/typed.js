// What somebody is typing stays when the page wakes or its data comes anew meanwhile: only another value than the page had
// given the field before replaces it.
const FIELDS = "main :is(input:is([type=text], [type=search]), textarea)";

export function typed() {
  document.addEventListener("input", ({ target }) => {
    if (target.matches?.(FIELDS)) keep(target);
  });
  // Somebody may have been faster than this script.
  for (const field of document.querySelectorAll(FIELDS)) {
    if (field.value !== field.defaultValue) keep(field);
  }
}

function keep(field) {
  if (Object.hasOwn(field, "value")) return;
  const { get, set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value");
  let given = field.defaultValue;
  Object.defineProperty(field, "value", {
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
}
