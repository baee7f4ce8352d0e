// Buttons that make trouble.

import { post } from "./api.js";
import { state } from "./state.js";
import { text } from "./texts.js";

const SECONDS = 10;
const status = document.getElementById("fault-status");

const ACTIONS = {
  async cut() {
    const { connections } = await post("/faults", { kind: "disconnect" });
    return text("faultCutDone", connections);
  },
  async outage() {
    await post("/faults", { kind: "outage", seconds: SECONDS });
    return text("faultOutageDone");
  },
  async limit() {
    await post("/faults", { kind: "rest", status: 429, retry_after: 2, count: 5 });
    return text("faultLimitDone");
  },
  async guild() {
    const path = `/guilds/${state.guild.guildId}/outage`;
    await post(path, { unavailable: true });
    setTimeout(() => post(path, { unavailable: false }), SECONDS * 1000);
    return text("faultGuildDone");
  },
  async clear() {
    await post("/faults", { kind: "clear" });
    return text("faultCleared");
  },
};

export function startFaults() {
  for (const button of document.querySelectorAll("[data-fault]")) {
    button.addEventListener("click", async () => {
      try {
        status.textContent = await ACTIONS[button.dataset.fault]();
      } catch (error) {
        status.textContent = error.message;
      }
    });
  }
}
