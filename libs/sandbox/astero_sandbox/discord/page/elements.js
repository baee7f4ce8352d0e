// Making elements: text goes in as text, never as markup.

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) {
      continue;
    }
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (name in element && name !== "list" && name !== "form") {
      element[name] = value;
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

export function avatar(user, small = false) {
  const name = user.global_name ?? user.globalName ?? user.username;
  return make(
    "span",
    {
      className: small ? "avatar small" : "avatar",
      data: { tint: String(Number(BigInt(user.id ?? user.userId) >> 22n) % 6) },
      "aria-hidden": "true",
    },
    Array.from(name)[0] ?? "?",
  );
}

export function nameOf(user) {
  return user.nick ?? user.global_name ?? user.globalName ?? user.username;
}
