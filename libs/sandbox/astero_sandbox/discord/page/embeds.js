// Embeds: a coloured edge, a title, a text, fields in threes, a footer.

import { make } from "./elements.js";
import { link, markdown } from "./markdown.js";
import { language } from "./texts.js";

export function embed(body) {
  const box = make("article", { className: "embed" });
  if (typeof body.color === "number") {
    box.style.borderLeftColor = `#${body.color.toString(16).padStart(6, "0")}`;
  }
  if (body.author) box.append(make("div", { className: "by" }, body.author.name));
  if (body.title) {
    const title = body.url ? [link(body.url, body.title)] : markdown(body.title);
    box.append(make("h3", {}, title));
  }
  if (body.description) {
    box.append(make("div", { className: "description" }, markdown(body.description)));
  }
  if (body.fields?.length) box.append(make("dl", {}, body.fields.map(field)));
  for (const picture of [body.image, body.thumbnail]) {
    if (picture?.url) box.append(link(picture.url, picture.url));
  }
  const footer = [body.footer?.text, body.timestamp && moment(body.timestamp)].filter(Boolean);
  if (footer.length) box.append(make("footer", {}, footer.join(" • ")));
  return box;
}

function field(body) {
  return make(
    "div",
    { className: body.inline ? "inline" : "" },
    make("dt", {}, markdown(body.name)),
    make("dd", {}, markdown(body.value)),
  );
}

function moment(timestamp) {
  return new Date(timestamp).toLocaleString(language, { dateStyle: "short", timeStyle: "short" });
}
