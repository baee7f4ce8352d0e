// The address, the password and the Discord account.

import { ask } from "./asking.js";
import { insist, prove } from "./proof.js";

const find = (id) => document.getElementById(id);

export const showDetails = (me, ways) => {
  find("address").textContent = me.email;
  find("password-user").value = me.email;
  const state = find("address-state");
  state.textContent = me.emailVerified ? state.dataset.yes : state.dataset.no;
  state.classList.toggle("good", me.emailVerified);
  find("resend").hidden = me.emailVerified;
  find("password-form").hidden = !ways.hasPassword;
  find("no-password").hidden = ways.hasPassword;
  const discord = find("discord-state");
  if (discord) {
    discord.textContent = ways.discordUsername ? `${discord.dataset.on} ${ways.discordUsername}` : discord.dataset.off;
    find("connect-discord").hidden = Boolean(ways.discordUsername);
    find("disconnect-discord").hidden = !ways.discordUsername;
  }
};

// `say` shows what has come of it; `show` shows the account as it is now.
export const listen = ({ onClick, onSubmit, say, show }) => {
  onClick("resend", async () => say((await ask("POST", "/api/auth/email/resend")).detail));
  onSubmit("address-form", async (typed) => {
    await insist(() => ask("PATCH", "/api/users/me", { email: typed.get("email") }));
    say(find("address-form").dataset.done);
  });
  onSubmit("password-form", async (typed) => {
    const body = { currentPassword: typed.get("currentPassword"), password: typed.get("password") };
    await insist(() => ask("POST", "/api/auth/password/change", body));
    await show();
    say(find("password-form").dataset.done);
  });
  onClick("ask-password", async () => {
    await ask("POST", "/api/auth/password/forgot", { email: find("address").textContent });
    say(find("ask-password").dataset.done);
  });
  if (find("connect-discord")) {
    onClick("connect-discord", async () => {
      // before the way to Discord and back, at whose end it would be asked for
      if (!(await ask("GET", "/api/auth/mfa")).proved) {
        await prove();
      }
      location.assign(`/api/auth/discord?next=${encodeURIComponent(location.pathname)}`);
    });
    onClick("disconnect-discord", async () => {
      await insist(() => ask("DELETE", "/api/auth/discord"));
      await show();
    });
  }
};
