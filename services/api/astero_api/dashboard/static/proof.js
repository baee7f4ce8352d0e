// A proof that it is still the same person, where the api asks for one: a dialog over the page.

import { asCode, ask, Cancelled, guarded, knowsPasskeys, usePasskey } from "./asking.js";

const find = (id) => document.getElementById(id);
const dialog = find("proof");
const form = find("proof-form");
const problem = find("proof-problem");

let ways = {};
// What this person can prove it with: {enabled, hasPassword, hasPasskeys, discordUsername}.
export const offer = (known) => {
  ways = known;
};

const offered = (id, shown) => {
  find(id).hidden = !shown;
  for (const input of find(id).querySelectorAll("input")) {
    input.disabled = !shown;
  }
};

// Rejects with Cancelled where the person would rather not.
export const prove = () =>
  new Promise((resolve, reject) => {
    const byPassword = !ways.enabled && ways.hasPassword;
    offered("proof-password", byPassword);
    offered("proof-code", ways.enabled);
    find("proof-confirm").hidden = !byPassword && !ways.enabled;
    find("proof-passkey").hidden = !ways.hasPasskeys || !knowsPasskeys;
    find("proof-discord").hidden = ways.enabled || !ways.discordUsername;
    problem.textContent = "";
    form.reset();
    dialog.returnValue = "";
    dialog.addEventListener(
      "close",
      () => (dialog.returnValue === "proved" ? resolve() : reject(new Cancelled())),
      { once: true },
    );
    dialog.showModal();
  });

// Does `work`, after a proof if the api wants one.
export const insist = async (work) => {
  try {
    return await work();
  } catch (error) {
    if (error.code !== "auth.reauthentication_required") {
      throw error;
    }
  }
  await prove();
  return work();
};

const send = async (proof) => {
  await ask("POST", "/api/auth/reauthenticate", proof);
  dialog.close("proved");
};

form.addEventListener(
  "submit",
  guarded(problem, find("proof-confirm"), () => {
    const typed = new FormData(form);
    return send(ways.enabled ? { code: asCode(typed.get("code")) } : { password: typed.get("password") });
  }),
);
find("proof-passkey").addEventListener(
  "click",
  guarded(problem, find("proof-passkey"), async () =>
    send({ passkey: await usePasskey("/api/auth/reauthenticate/options") }),
  ),
);
find("proof-discord").addEventListener("click", () => {
  location.assign(`/api/auth/discord?next=${encodeURIComponent(location.pathname)}`);
});
find("proof-cancel").addEventListener("click", () => dialog.close());
