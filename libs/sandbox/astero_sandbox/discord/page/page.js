// Puts the page together: loads what is there, then follows the stream of events.

import { closeCommand, refreshComposer, startComposer } from "./composer.js";
import { avatar, make, nameOf } from "./elements.js";
import { startFaults } from "./faults.js";
import { drawMembers, forgetGone, refreshTimeouts, rememberGone } from "./members.js";
import { addMessage, changeMessage, loadMessages, strikeMessage } from "./messages.js";
import { DIRECT, channelName, loadCommands, loadGuild, loadGuilds, member, state } from "./state.js";
import { text, translatePage } from "./texts.js";

const server = document.getElementById("server");
const channels = document.getElementById("channels");
const persona = document.getElementById("persona");
const title = document.getElementById("channel-name");
const connection = document.getElementById("connection");
const unread = new Set();

async function openGuild(guildId) {
  await loadGuild(guildId);
  state.channelId = state.guild.channels[0]?.id ?? null;
  unread.clear();
  draw();
  await loadMessages();
}

function draw() {
  const { guild, guilds } = state;
  server.replaceChildren(...guilds.map((item) => option(item.guildId, item.name, guild.guildId)));
  document.getElementById("outage").hidden = !guild.unavailable;
  const people = guild.members.filter((item) => !item.bot);
  persona.replaceChildren(...people.map((item) => option(item.userId, described(item), state.personaId)));
  const me = member(state.personaId);
  if (me) document.getElementById("persona-avatar").replaceWith(Object.assign(avatar(me), { id: "persona-avatar" }));
  drawChannels();
  drawMembers();
}

function drawChannels() {
  const entries = state.guild.channels.map((item) => [item.id, item.name, ""]);
  entries.push([DIRECT, text("direct"), "direct"]);
  channels.replaceChildren(
    ...entries.map(([id, name, kind]) =>
      make(
        "li",
        {},
        make(
          "button",
          {
            type: "button",
            className: [kind, unread.has(id) && "unread"].filter(Boolean).join(" "),
            "aria-current": String(id === state.channelId),
            on: { click: () => openChannel(id) },
          },
          name,
        ),
      ),
    ),
  );
  const isDirect = state.channelId === DIRECT;
  const name = isDirect ? text("direct") : (channelName(state.channelId) ?? "");
  title.textContent = name;
  title.classList.toggle("direct", isDirect);
  document.title = `${name} · ${state.guild.name}`;
  refreshComposer(name);
}

async function openChannel(id) {
  state.channelId = id;
  unread.delete(id);
  closeCommand();
  drawChannels();
  await loadMessages();
}

function option(value, label, current) {
  return make("option", { value, selected: value === current }, label);
}

function described(item) {
  const role = item.owner ? text("owner") : item.roleNames.join(", ");
  return role ? `${nameOf(item)} (${role})` : nameOf(item);
}

// Several events often follow each other; the guild is read once for all of them.
let pending = 0;
function refreshGuildSoon() {
  clearTimeout(pending);
  pending = setTimeout(async () => {
    await loadGuilds();
    if (!state.guilds.some((item) => item.guildId === state.guild?.guildId)) return start();
    await loadGuild(state.guild.guildId);
    if (state.channelId !== DIRECT && !channelName(state.channelId)) {
      state.channelId = state.guild.channels[0]?.id ?? DIRECT;
      await loadMessages();
    }
    draw();
  }, 120);
}

function heard({ name, guildId, data }) {
  if (guildId === null) {
    heardDirectly(name);
    return;
  }
  if (!state.guild || guildId !== state.guild.guildId) {
    if (name === "GUILD_CREATE" || name === "GUILD_DELETE") refreshGuildSoon();
    return;
  }
  const here = data.channel_id === state.channelId;
  if (name === "MESSAGE_CREATE") {
    if (data.visible_to && data.visible_to !== state.personaId) return;
    if (here) addMessage(data);
    else markUnread(data.channel_id);
  } else if (name === "MESSAGE_UPDATE") {
    if (here) changeMessage(data);
  } else if (name === "SANDBOX_MESSAGE_DELETE") {
    if (here) strikeMessage(data.id, data.deleted_by);
  } else if (name === "SANDBOX_MEMBER_GONE") {
    rememberGone(data.user_id, data.how);
    refreshGuildSoon();
  } else if (name.startsWith("MESSAGE_REACTION")) {
    if (here) loadMessages();
  } else if (name !== "TYPING_START" && !name.startsWith("MESSAGE_") && name !== "GUILD_AUDIT_LOG_ENTRY_CREATE") {
    if (name === "GUILD_MEMBER_ADD") forgetGone(data.user.id);
    refreshGuildSoon();
  }
}

function heardDirectly(name) {
  if (!name.startsWith("MESSAGE_") && !name.startsWith("SANDBOX_")) return;
  if (state.channelId === DIRECT) loadMessages();
  else if (name === "MESSAGE_CREATE") markUnread(DIRECT);
}

function markUnread(channelId) {
  unread.add(channelId);
  drawChannels();
}

function follow() {
  const stream = new EventSource("/page/events");
  stream.onopen = async () => {
    connection.textContent = text("live");
    connection.classList.remove("lost");
    // Whatever happened while nobody listened is in the state of now.
    await start();
  };
  stream.onerror = () => {
    connection.textContent = text("lost");
    connection.classList.add("lost");
  };
  stream.onmessage = (event) => heard(JSON.parse(event.data));
}

async function start() {
  await loadGuilds();
  const guild = state.guilds.find((item) => item.guildId === state.guild?.guildId) ?? state.guilds[0];
  document.getElementById("empty").hidden = guild !== undefined;
  if (guild === undefined) {
    state.guild = null;
    return;
  }
  if (guild.guildId !== state.guild?.guildId) {
    await openGuild(guild.guildId);
    return;
  }
  await loadGuild(guild.guildId);
  draw();
  await loadMessages();
}

translatePage();
startComposer();
startFaults();
server.addEventListener("change", () => openGuild(server.value));
persona.addEventListener("change", async () => {
  state.personaId = persona.value;
  closeCommand();
  await loadCommands();
  unread.clear();
  draw();
  await loadMessages();
});
setInterval(refreshTimeouts, 5000);
follow();
