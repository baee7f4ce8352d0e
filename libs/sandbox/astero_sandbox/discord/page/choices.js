// What a select of users, roles, mentionables or channels offers here.

import { make, nameOf } from "./elements.js";
import { state } from "./state.js";
import { text } from "./texts.js";

const people = () =>
  state.guild.members.map((member) => ({ value: member.userId, label: `@${nameOf(member)}` }));
const roles = () =>
  state.guild.roles.map((role) => ({ value: role.id, label: role.name.replace(/^@?/, "@") }));
const channels = () =>
  state.guild.channels.map((channel) => ({ value: channel.id, label: `#${channel.name}` }));

const OFFERED = {
  user: people,
  role: roles,
  channel: channels,
  mentionable: () => [...people(), ...roles()],
};

// A native select filled with `options`, or with what `kind` stands for.
export function selectOf({ kind, options, placeholder, multiple = false, ...properties }) {
  const offered = options ?? OFFERED[kind]();
  return make(
    "select",
    { multiple, ...properties },
    multiple ? null : make("option", { value: "" }, placeholder ?? text("choose")),
    offered.map((option) =>
      make(
        "option",
        { value: option.value, selected: option.default ?? false, title: option.description },
        option.description ? `${option.label} — ${option.description}` : option.label,
      ),
    ),
  );
}

export function chosen(select) {
  return Array.from(select.selectedOptions, (option) => option.value).filter(Boolean);
}
