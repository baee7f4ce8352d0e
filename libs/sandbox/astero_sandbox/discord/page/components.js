// Buttons, selects and the layout components of a message.

import { chosen, selectOf } from "./choices.js";
import { make } from "./elements.js";
import { link, markdown } from "./markdown.js";
import { text } from "./texts.js";

const SELECTS = { 3: null, 5: "user", 6: "role", 7: "mentionable", 8: "channel" };

// `use(customId, values)` sends the click; `disabled` draws without life (a deleted message).
export function components(items, use) {
  return make(
    "div",
    { className: "components" },
    items.map((item) => component(item, use)),
  );
}

function component(item, use) {
  switch (item.type) {
    case 1:
      return make("div", { className: "row" }, item.components.map((child) => component(child, use)));
    case 2:
      return button(item, use);
    case 9:
      return make(
        "div",
        { className: "section" },
        make("div", {}, item.components.map((child) => component(child, use))),
        item.accessory ? component(item.accessory, use) : null,
      );
    case 10:
      return make("div", { className: "text" }, markdown(item.content));
    case 11:
      return item.media?.url ? link(item.media.url, item.description ?? item.media.url) : make("span");
    case 12:
      return make("div", { className: "row" }, item.items.map((entry) => link(entry.media.url, entry.media.url)));
    case 13:
      return make("span", { className: "attachment" }, item.file?.url ?? "");
    case 14:
      return make("hr");
    case 17:
      return container(item, use);
    default:
      return item.type in SELECTS ? select(item, use) : make("span");
  }
}

function container(item, use) {
  const box = make("div", { className: "box" }, item.components.map((child) => component(child, use)));
  if (typeof item.accent_color === "number") {
    box.style.borderLeftColor = `#${item.accent_color.toString(16).padStart(6, "0")}`;
  }
  return box;
}

function button(item, use) {
  const label = [item.emoji?.name, item.label].filter(Boolean).join(" ");
  if (item.style === 5) {
    const anchor = link(item.url, label);
    anchor.className = "link";
    anchor.title = text("open", item.url);
    return anchor;
  }
  return make(
    "button",
    {
      type: "button",
      className: `style-${item.style}`,
      disabled: item.disabled ?? false,
      on: { click: (event) => busy(event.currentTarget, () => use(item.custom_id)) },
    },
    label,
  );
}

function select(item, use) {
  const multiple = (item.max_values ?? 1) > 1;
  const control = selectOf({
    kind: SELECTS[item.type],
    options: item.options,
    placeholder: item.placeholder,
    multiple,
    disabled: item.disabled ?? false,
    "aria-label": item.placeholder ?? text("choose"),
    size: multiple ? Math.min(6, Math.max(2, item.options?.length ?? 6)) : 0,
  });
  const send = () => {
    const values = chosen(control);
    if (values.length >= (item.min_values ?? 1)) busy(control, () => use(item.custom_id, values));
  };
  if (!multiple) {
    control.addEventListener("change", send);
    return control;
  }
  // Several choices need a moment at which they are complete.
  const done = make("button", { type: "button", className: "style-1", on: { click: send } }, text("submit"));
  return make("div", { className: "row" }, control, done);
}

async function busy(control, action) {
  control.disabled = true;
  try {
    await action();
  } finally {
    control.disabled = false;
  }
}
