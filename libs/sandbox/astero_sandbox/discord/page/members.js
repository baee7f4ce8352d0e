// People and bots: roles, timeouts, who was kicked or banned; bots can be added and removed.

import { get, post, remove } from "./api.js";
import { avatar, make, nameOf } from "./elements.js";
import { notice } from "./messages.js";
import { state, userName } from "./state.js";
import { language, text } from "./texts.js";

const GONE = { kick: "goneKick", ban: "goneBan", leave: "goneLeave" };
const gone = new Map();

export function rememberGone(userId, how) {
  gone.set(userId, how);
}

export function forgetGone(userId) {
  gone.delete(userId);
}

export function drawMembers() {
  const { guild, applications } = state;
  const people = guild.members.filter((member) => !member.bot);
  const inside = new Set(guild.bots);
  document.getElementById("members-title").textContent = text("members", people.length);
  fill("members", people.map(person));
  fill("bots", [
    ...guild.members.filter((member) => member.bot).map(presentBot),
    ...applications.filter((app) => !inside.has(app.applicationId)).map(absentBot),
  ]);
  const absent = absentees();
  document.getElementById("gone-part").hidden = absent.length === 0;
  fill("gone", absent.map(absentPerson));
}

function fill(id, items) {
  document.getElementById(id).replaceChildren(...items);
}

function absentees() {
  const here = new Set(state.guild.members.map((member) => member.userId));
  const banned = state.guild.bans.map((ban) => [ban.userId, "ban", ban.reason]);
  const known = new Set(banned.map(([id]) => id));
  const others = [...gone]
    .filter(([id]) => !here.has(id) && !known.has(id) && state.users.get(id)?.bot === false)
    .map(([id, how]) => [id, how === "ban" ? "leave" : how, null]);
  return [...banned, ...others];
}

function person(member) {
  const roles = member.roleNames.join(", ");
  const until = member.timedOutUntil && new Date(member.timedOutUntil);
  return make(
    "li",
    {},
    avatar(member, true),
    make(
      "div",
      { className: "who" },
      make("span", { className: "name" }, nameOf(member)),
      member.owner ? make("span", { className: "roles" }, text("owner")) : null,
      roles ? make("span", { className: "roles" }, roles) : null,
      until
        ? make("span", { className: "flag" }, text("timedOut", until.toLocaleTimeString(language, { timeStyle: "short" })))
        : null,
    ),
  );
}

function presentBot(member) {
  const path = `/guilds/${state.guild.guildId}/members/${member.userId}`;
  return make(
    "li",
    {},
    avatar(member, true),
    make("div", { className: "who" }, make("span", { className: "name" }, nameOf(member)), " ", make("span", { className: "tag" }, "app")),
    action("removeBot", () => remove(path)),
  );
}

function absentBot(app) {
  const path = `/guilds/${state.guild.guildId}/members`;
  return make(
    "li",
    { className: "absent" },
    avatar({ username: app.name, userId: app.applicationId }, true),
    make("div", { className: "who" }, make("span", { className: "name" }, app.name)),
    action("addBot", () => post(path, { applicationId: app.applicationId })),
  );
}

function absentPerson([userId, how, reason]) {
  const guild = `/guilds/${state.guild.guildId}`;
  const isBan = how === "ban";
  return make(
    "li",
    { className: "absent" },
    avatar({ username: userName(userId), userId }, true),
    make(
      "div",
      { className: "who" },
      make("span", { className: "name" }, userName(userId)),
      " ",
      make("span", { className: "flag red" }, text(GONE[how])),
      reason ? make("span", { className: "roles" }, reason) : null,
    ),
    isBan
      ? action("liftBan", () => remove(`${guild}/bans/${userId}`))
      : action("rejoin", () => post(`${guild}/members`, { userId })),
  );
}

function action(key, run) {
  const click = () => run().catch((error) => notice(error.message, { bad: true }));
  return make("button", { type: "button", on: { click } }, text(key));
}

// Timeouts end by themselves; nobody tells.
export async function refreshTimeouts() {
  if (state.guild?.members.some((member) => member.timedOutUntil)) {
    state.guild = await get(`/guilds/${state.guild.guildId}`);
    drawMembers();
  }
}
