// The conversation: messages as they come, change and go.

import { get, put, remove } from "./api.js";
import { components } from "./components.js";
import { avatar, make, nameOf } from "./elements.js";
import { embed } from "./embeds.js";
import { interact } from "./interactions.js";
import { markdown } from "./markdown.js";
import { DIRECT, member, state, userName } from "./state.js";
import { language, text } from "./texts.js";

const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;
const STRUCK_SECONDS = 6;
const list = document.getElementById("messages");

// Draw what the open channel shows now.
export async function loadMessages() {
  const { channelId, personaId } = state;
  const path =
    channelId === DIRECT
      ? `/users/${personaId}/messages`
      : `/channels/${channelId}/messages?userId=${personaId}`;
  const { messages } = await get(path);
  if (channelId !== state.channelId || personaId !== state.personaId) return;
  list.replaceChildren(...messages.slice(-200).map(message));
  if (!messages.length && channelId === DIRECT) notice(text("directEmpty"));
  toEnd();
}

export function addMessage(body) {
  const old = find(body.id);
  if (old) {
    old.replaceWith(message(body));
    return;
  }
  const follows = isAtEnd();
  list.append(message(body));
  while (list.children.length > 400) list.firstElementChild.remove();
  if (follows || body.author.id === state.personaId) toEnd();
}

export function changeMessage(body) {
  find(body.id)?.replaceWith(message(body));
}

// Struck through for a moment, with who did it, then gone.
export function strikeMessage(id, deletedBy) {
  const element = find(id);
  if (!element || element.classList.contains("deleted")) return;
  if (element.classList.contains("ephemeral")) {
    element.remove();
    return;
  }
  element.classList.add("deleted");
  for (const control of element.querySelectorAll("button, select")) control.disabled = true;
  const own = deletedBy === null || deletedBy === element.dataset.author;
  const who = own ? text("deletedByAuthor") : text("deletedBy", userName(deletedBy));
  element.querySelector(".body").append(make("div", { className: "deleted-by" }, who));
  setTimeout(() => element.classList.add("fading"), (STRUCK_SECONDS - 1) * 1000);
  setTimeout(() => element.remove(), STRUCK_SECONDS * 1000);
}

// A line only this page shows.
export function notice(sentence, { bad = false } = {}) {
  const follows = isAtEnd();
  list.append(make("li", { className: bad ? "system bad" : "system" }, sentence));
  if (follows) toEnd();
}

function message(body) {
  const author = { ...body.author, nick: member(body.author.id)?.nick ?? null };
  const isEphemeral = Boolean(body.flags & EPHEMERAL);
  const mine = author.id === state.personaId;
  const loading = Boolean(body.flags & LOADING);
  const element = make(
    "li",
    {
      className: ["message", mine && "mine", isEphemeral && "ephemeral"].filter(Boolean).join(" "),
      id: `message-${body.id}`,
      data: { author: author.id },
    },
    avatar(author),
    make(
      "div",
      { className: "body" },
      head(body, author),
      loading
        ? make("div", { className: "only-you" }, text("loading"))
        : make("div", { className: "content" }, markdown(body.content)),
      body.embeds.map(embed),
      body.attachments.map((file) => make("span", { className: "attachment" }, file.filename)),
      body.components.length ? components(body.components, (id, values) => use(body, id, values)) : null,
      reactions(body),
      isEphemeral ? onlyYou(body.id) : null,
    ),
  );
  if (mine && !isEphemeral) element.append(tools(body));
  return element;
}

function head(body, author) {
  const at = new Date(body.timestamp);
  return [
    body.referenced_message
      ? make("div", { className: "reply" }, `${nameOf(body.referenced_message.author)}: ${body.referenced_message.content}`)
      : null,
    make(
      "div",
      { className: "head" },
      make("span", { className: "author" }, nameOf(author)),
      author.bot ? make("span", { className: "tag" }, "app") : null,
      make("time", { dateTime: body.timestamp, title: at.toLocaleString(language) },
        at.toLocaleTimeString(language, { timeStyle: "short" })),
      body.edited_timestamp ? make("span", { className: "edited" }, text("edited")) : null,
    ),
  ];
}

function reactions(body) {
  if (!body.reactions?.length) return null;
  return make(
    "div",
    { className: "reactions" },
    body.reactions.map((item) => make("span", {}, `${item.emoji.name} ${item.count}`)),
  );
}

function onlyYou(id) {
  const dismiss = make(
    "button",
    { type: "button", on: { click: () => find(id)?.remove() } },
    text("dismiss"),
  );
  return make("div", { className: "only-you" }, text("onlyYou"), " ", dismiss);
}

function tools(body) {
  const path = `/channels/${body.channel_id}/messages/${body.id}`;
  const fail = (error) => notice(error.message, { bad: true });
  return make(
    "div",
    { className: "tools" },
    make("button", { type: "button", on: { click: () => edit(body, path, fail) } }, text("edit")),
    make("button", { type: "button", on: { click: () => remove(path).catch(fail) } }, text("remove")),
  );
}

function edit(body, path, fail) {
  const content = find(body.id).querySelector(".content");
  const input = make("textarea", { value: body.content, maxLength: 2000, "aria-label": text("edit") });
  const stop = () => find(body.id)?.querySelector(".content")?.replaceChildren(...markdown(body.content));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") stop();
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      put(path, { content: input.value }).catch((error) => {
        stop();
        fail(error);
      });
    }
  });
  content.replaceChildren(make("label", { className: "field" }, input));
  input.focus();
}

function use(body, customId, values) {
  return interact(body.channel_id, {
    applicationId: body.author.id,
    messageId: body.id,
    customId,
    values,
  });
}

function find(id) {
  return document.getElementById(`message-${id}`);
}

function isAtEnd() {
  return list.scrollHeight - list.scrollTop - list.clientHeight < 80;
}

function toEnd() {
  list.scrollTop = list.scrollHeight;
}
