// A modal as a dialog: texts, selects, radio buttons and check boxes, in rows or labels.

import { chosen, selectOf } from "./choices.js";
import { make } from "./elements.js";
import { interact } from "./interactions.js";
import { markdown } from "./markdown.js";
import { text } from "./texts.js";

const KINDS = { 5: "user", 6: "role", 7: "mentionable", 8: "channel" };
const dialog = document.getElementById("modal");

export function openModal(channelId, applicationId, modal) {
  const readers = new Map();
  const form = make(
    "form",
    { method: "dialog" },
    make("h2", { id: "modal-title" }, modal.title),
    modal.components.map((item) => part(item, readers)),
    make(
      "div",
      { className: "actions" },
      make("button", { type: "button", on: { click: () => dialog.close() } }, text("cancel")),
      make("button", { type: "submit", className: "primary" }, text("submit")),
    ),
  );
  form.addEventListener("submit", () => {
    const fields = {};
    for (const [id, read] of readers) fields[id] = read();
    interact(channelId, { applicationId, modal: { customId: modal.custom_id, fields } });
  });
  dialog.setAttribute("aria-labelledby", "modal-title");
  dialog.replaceChildren(form);
  dialog.showModal();
}

function part(item, readers) {
  if (item.type === 1) return item.components.map((child) => labelled(child.label, null, child, readers));
  if (item.type === 18) return labelled(item.label, item.description, item.component, readers);
  if (item.type === 10) return make("p", { className: "note" }, markdown(item.content));
  return make("span");
}

function labelled(label, description, item, readers) {
  const note = description ? make("span", { className: "note" }, description) : null;
  if (item.type === 21 || item.type === 22) {
    return make("fieldset", { className: "field" }, make("legend", {}, label), note, group(item, readers));
  }
  return make("label", { className: "field" }, make("span", {}, make("b", {}, label ?? "")), note, input(item, readers));
}

function input(item, readers) {
  if (item.type === 4) return textInput(item, readers);
  if (item.type === 23) {
    const box = make("input", { type: "checkbox", checked: item.default ?? false });
    readers.set(item.custom_id, () => box.checked);
    return box;
  }
  if (item.type === 19) {
    readers.set(item.custom_id, () => []);
    return make("input", { type: "file", disabled: true });
  }
  const multiple = (item.max_values ?? 1) > 1;
  const select = selectOf({
    kind: KINDS[item.type],
    options: item.options,
    placeholder: item.placeholder,
    multiple,
    required: item.required !== false,
  });
  for (const value of item.default_values ?? []) {
    for (const option of select.options) option.selected ||= option.value === value.id;
  }
  readers.set(item.custom_id, () => chosen(select));
  return select;
}

function textInput(item, readers) {
  const properties = {
    value: item.value ?? "",
    placeholder: item.placeholder ?? "",
    required: item.required !== false,
    minLength: item.min_length ?? 0,
    maxLength: item.max_length ?? 4000,
  };
  const field =
    item.style === 2
      ? make("textarea", { ...properties, rows: 4 })
      : make("input", { ...properties, type: "text", autocomplete: "off" });
  readers.set(item.custom_id, () => field.value);
  return field;
}

function group(item, readers) {
  const single = item.type === 21;
  const boxes = item.options.map((option) =>
    make("input", {
      type: single ? "radio" : "checkbox",
      name: item.custom_id,
      value: option.value,
      checked: option.default ?? false,
      required: single && item.required !== false,
    }),
  );
  const values = () => boxes.filter((box) => box.checked).map((box) => box.value);
  readers.set(item.custom_id, () => (single ? (values()[0] ?? null) : values()));
  return item.options.map((option, index) =>
    make("label", {}, boxes[index], ` ${option.label} `, option.description ? make("small", {}, option.description) : null),
  );
}
