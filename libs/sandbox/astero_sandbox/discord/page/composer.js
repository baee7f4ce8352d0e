// The box one writes in; a slash opens the picker of commands, and a command its options.

import { post } from "./api.js";
import { selectOf } from "./choices.js";
import { make } from "./elements.js";
import { interact } from "./interactions.js";
import { notice } from "./messages.js";
import { DIRECT, loadCommands, state } from "./state.js";
import { text } from "./texts.js";

const KINDS = { 6: "user", 7: "channel", 8: "role", 9: "mentionable" };
const form = document.getElementById("write");
const box = document.getElementById("composer");
const picker = document.getElementById("picker");
const command = document.getElementById("command");
let offered = [];
let selected = 0;

export function startComposer() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  box.addEventListener("input", offer);
  // A click on the picker keeps the focus here, so leaving the box means leaving both.
  box.addEventListener("blur", closePicker);
  box.addEventListener("focus", offer);
  box.addEventListener("keydown", pressed);
}

// In a direct conversation nothing can be written from here.
export function refreshComposer(name) {
  const isDirect = state.channelId === DIRECT;
  form.hidden = isDirect;
  box.placeholder = text("writeIn", name);
  filter();
}

function pressed(event) {
  if (!picker.hidden && event.key === "Escape") {
    closePicker();
  } else if (!picker.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp") && offered.length) {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : offered.length - 1;
    selected = (selected + step) % offered.length;
    drawPicker();
  } else if (!picker.hidden && (event.key === "Enter" || event.key === "Tab") && offered.length) {
    event.preventDefault();
    pick(offered[selected]);
  } else if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    send();
  }
}

async function send() {
  const content = box.value.trim();
  if (!content || content.startsWith("/")) return;
  box.value = "";
  try {
    await post(`/channels/${state.channelId}/messages`, { userId: state.personaId, content });
  } catch (error) {
    box.value = content;
    notice(error.message, { bad: true });
  }
}

function offer() {
  if (!box.value.startsWith("/")) {
    closePicker();
    return;
  }
  if (picker.hidden) {
    picker.hidden = false;
    // A bot may have registered others since.
    loadCommands().then(filter);
  }
  filter();
}

function filter() {
  if (picker.hidden) return;
  const typed = box.value.slice(1).trim().toLowerCase();
  offered = state.commands
    .filter((item) => item.name.includes(typed))
    .sort((one, other) => Number(other.allowed) - Number(one.allowed));
  selected = 0;
  drawPicker();
}

function drawPicker() {
  picker.replaceChildren(
    ...offered.map((item, index) =>
      make(
        "div",
        {
          role: "option",
          id: `option-${index}`,
          "aria-selected": String(index === selected),
          "aria-disabled": String(!item.allowed),
          on: { mousedown: (event) => event.preventDefault(), click: () => pick(item) },
        },
        make("strong", {}, `/${item.name}`),
        make("span", { className: "app-name" }, item.application),
        make("small", {}, item.allowed ? item.description : text("notAllowed")),
      ),
    ),
  );
  if (offered.length) {
    box.setAttribute("aria-activedescendant", `option-${selected}`);
    picker.children[selected].scrollIntoView({ block: "nearest" });
  } else {
    picker.append(make("p", {}, text("noCommand")));
  }
}

function closePicker() {
  picker.hidden = true;
  box.removeAttribute("aria-activedescendant");
}

function pick(item) {
  closePicker();
  box.value = "";
  if (!item.allowed) {
    notice(text("notAllowed"), { bad: true });
    return;
  }
  if (item.options.length === 0) {
    run(item, {});
    return;
  }
  openCommand(item);
}

function openCommand(item) {
  const readers = new Map();
  command.replaceChildren(
    make("h2", {}, `/${item.name} `, make("small", {}, item.description)),
    make("div", { className: "fields" }, item.options.map((option) => field(item, option, readers))),
    make(
      "div",
      { className: "actions" },
      make("button", { type: "button", on: { click: closeCommand } }, text("cancel")),
      make("button", { type: "submit", className: "primary" }, text("run")),
    ),
  );
  command.onsubmit = (event) => {
    event.preventDefault();
    run(item, read(readers));
    closeCommand();
    box.focus();
  };
  command.hidden = false;
  command.querySelector("input, select")?.focus();
}

export function closeCommand() {
  command.hidden = true;
  command.replaceChildren();
}

function read(readers) {
  const values = {};
  for (const [name, control] of readers) {
    if (control.value !== "") values[name] = control.value;
  }
  return values;
}

function run(item, options) {
  return interact(state.channelId, { applicationId: item.applicationId, command: item.name, options });
}

function field(item, option, readers) {
  const control = input(item, option, readers);
  readers.set(option.name, control);
  const label = make("b", {}, option.name, option.required ? " *" : "");
  const list = control.suggestions ?? null;
  return make("label", { className: "field" }, make("span", {}, label, ` ${option.description}`), control, list);
}

function input(item, option, readers) {
  const required = option.required ?? false;
  if (option.choices?.length) {
    const options = option.choices.map((choice) => ({ value: String(choice.value), label: choice.name }));
    return selectOf({ options, required, placeholder: text("none") });
  }
  if (option.type === 5) {
    const options = [
      { value: "true", label: text("yes") },
      { value: "false", label: text("no") },
    ];
    return selectOf({ options, required, placeholder: text("none") });
  }
  if (option.type in KINDS) {
    return selectOf({ kind: KINDS[option.type], required, placeholder: text("none") });
  }
  const number = option.type === 4 || option.type === 10;
  const control = make("input", {
    type: number ? "number" : "text",
    required,
    autocomplete: "off",
    min: number ? option.min_value : undefined,
    max: number ? option.max_value : undefined,
    step: option.type === 10 ? "any" : undefined,
    minLength: number ? undefined : option.min_length,
    maxLength: number ? undefined : (option.max_length ?? 6000),
  });
  if (option.autocomplete) suggest(item, option, control, readers);
  return control;
}

// Autocomplete: ask the bot while one types, at most a few times a second.
function suggest(item, option, control, readers) {
  control.suggestions = make("datalist", { id: `suggest-${option.name}` });
  control.setAttribute("list", control.suggestions.id);
  let waiting = 0;
  const ask = async () => {
    const seen = await interact(state.channelId, {
      applicationId: item.applicationId,
      command: item.name,
      options: read(readers),
      focused: option.name,
    });
    const choices = seen?.choices ?? [];
    control.suggestions.replaceChildren(
      ...choices.map((choice) => make("option", { value: String(choice.value), label: choice.name })),
    );
  };
  control.addEventListener("focus", ask, { once: true });
  control.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 250);
  });
}
