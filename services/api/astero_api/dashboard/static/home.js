// Shows who is signed in; without an answer the ways in stay as they are.

import { ask, guarded, Refusal, whenSeenAgain } from "./asking.js";

const byId = (id) => document.getElementById(id);

const show = (user) => {
  byId("ways-in").hidden = user !== null;
  byId("signed-in").hidden = user === null;
  byId("greeting").textContent = user ? `${byId("greeting").dataset.greeting} ${user.displayName ?? user.email}` : "";
};

const signOut = byId("sign-out");
signOut.addEventListener(
  "click",
  guarded(byId("problem"), signOut, async () => {
    await ask("POST", "/api/auth/logout");
    show(null);
  }),
);

const look = async () => {
  try {
    show(await ask("GET", "/api/auth/me"));
  } catch (error) {
    if (error.status === 401) {
      show(null);
    } else if (!(error instanceof Refusal)) {
      byId("problem").textContent = byId("problem").dataset.failed;
    }
  }
};
whenSeenAgain(byId("problem"), look);
look();
