// The little of Discord's markdown that bots use: bold, italic, code, links, mentions and times.

import { make } from "./elements.js";
import { channelName, state, userName } from "./state.js";
import { language } from "./texts.js";

const TOKENS =
  /```(?:\w+\n)?([\s\S]+?)```|`([^`\n]+)`|\*\*([\s\S]+?)\*\*|\*([^*\n]+)\*|__([\s\S]+?)__|~~([\s\S]+?)~~|<@!?(\d+)>|<@&(\d+)>|<#(\d+)>|<t:(\d+)(?::([tTdDfFR]))?>|\[([^\]\n]+)\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s<>]+)/g;

export function markdown(source) {
  const nodes = [];
  let end = 0;
  for (const match of (source ?? "").matchAll(TOKENS)) {
    nodes.push(source.slice(end, match.index), token(match));
    end = match.index + match[0].length;
  }
  nodes.push((source ?? "").slice(end));
  return nodes.filter((node) => node !== "");
}

function token(match) {
  const [whole, block, code, bold, italic, underlined, struck] = match;
  const [user, role, channel, time, style, label, target, address] = match.slice(7);
  if (block !== undefined) return make("pre", {}, make("code", {}, block));
  if (code !== undefined) return make("code", {}, code);
  if (bold !== undefined) return make("strong", {}, markdown(bold));
  if (italic !== undefined) return make("em", {}, markdown(italic));
  if (underlined !== undefined) return make("u", {}, markdown(underlined));
  if (struck !== undefined) return make("s", {}, markdown(struck));
  if (user !== undefined) return make("span", { className: "mention" }, `@${userName(user)}`);
  if (role !== undefined) return make("span", { className: "mention" }, `@${roleName(role)}`);
  if (channel !== undefined) {
    return make("span", { className: "mention" }, `#${channelName(channel) ?? channel}`);
  }
  if (time !== undefined) return moment(Number(time) * 1000, style);
  if (target !== undefined) return link(target, label);
  return address === undefined ? whole : link(address, address);
}

// Anything but the web is shown and cannot be followed.
export function link(target, label) {
  if (!/^https?:\/\//i.test(target)) return make("span", {}, label);
  return make("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, label);
}

function roleName(roleId) {
  return state.guild?.roles.find((role) => role.id === roleId)?.name ?? roleId;
}

const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

function moment(at, style) {
  const date = new Date(at);
  const shown = style === "R" ? relative(at) : date.toLocaleString(language, STYLES[style ?? "f"]);
  return make("time", { dateTime: date.toISOString(), title: date.toLocaleString(language) }, shown);
}

function relative(at) {
  const seconds = Math.round((at - Date.now()) / 1000);
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
  return new Intl.RelativeTimeFormat(language).format(Math.round(seconds / size), unit);
}
