// What the page knows: the servers, the open one with its people, who one is and where one is.

import { get } from "./api.js";

export const state = {
  guilds: [],
  guild: null,
  users: new Map(),
  applications: [],
  commands: [],
  personaId: null,
  channelId: null,
};

export const DIRECT = "direct";

export async function loadGuilds() {
  state.guilds = (await get("/guilds")).guilds;
}

// The guild, everybody's names, and the commands the present person is offered.
export async function loadGuild(guildId) {
  const [guild, users, applications] = await Promise.all([
    get(`/guilds/${guildId}`),
    get("/users"),
    get("/applications"),
  ]);
  state.guild = guild;
  state.users = new Map(users.users.map((user) => [user.userId, user]));
  state.applications = applications.applications;
  const people = guild.members.filter((member) => !member.bot);
  if (!people.some((member) => member.userId === state.personaId)) {
    // An ordinary member first: the rules are made for them.
    const ordinary = people.find((member) => !member.owner && member.roles.length === 0);
    state.personaId = (ordinary ?? people[0])?.userId ?? null;
  }
  await loadCommands();
}

export async function loadCommands() {
  if (!state.guild || !state.personaId) {
    state.commands = [];
    return;
  }
  const path = `/guilds/${state.guild.guildId}/commands?userId=${state.personaId}`;
  state.commands = (await get(path)).commands.filter((command) => command.type === 1);
}

export function member(userId) {
  return state.guild?.members.find((item) => item.userId === userId);
}

export function channelName(channelId) {
  return state.guild?.channels.find((channel) => channel.id === channelId)?.name;
}

export function userName(userId) {
  const user = member(userId) ?? state.users.get(userId);
  return user?.nick ?? user?.globalName ?? user?.username ?? userId;
}
