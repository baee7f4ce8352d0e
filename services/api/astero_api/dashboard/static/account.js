import { ask, guarded, reveal } from "./asking.js";
import { takeFragment } from "./fragment.js";

const form = document.querySelector("form");
const button = form.querySelector("button");
const problem = document.getElementById("problem");
const done = document.getElementById("done");
const password = document.getElementById("password");
const show = document.getElementById("show");

const fragment = takeFragment();
const token = form.dataset.incomplete ? fragment.slice(1) : undefined;

if (token === "") {
  problem.textContent = form.dataset.incomplete;
  reveal(problem);
} else {
  reveal(form);
}

show?.addEventListener("change", () => {
  password.type = show.checked ? "text" : "password";
});

const given = () => {
  const typed = Object.fromEntries(new FormData(form));
  if (token !== undefined) {
    return { token, ...typed };
  }
  return form.dataset.action.endsWith("/register") ? { ...typed, locale: document.documentElement.lang } : typed;
};

const signIn = document.getElementById("sign-in");
signIn?.addEventListener("click", () => location.assign(signIn.dataset.page + fragment));

// A letter may be read where nobody is signed in, or somebody else.
const offerSignIn = (error) => {
  const nobody = error.code === "auth.unauthenticated";
  if (signIn && (nobody || error.code === "accounts.link_of_another")) {
    form.hidden = true;
    signIn.hidden = false;
    error.message = nobody ? signIn.dataset.first : error.message;
  }
  throw error;
};

// Asked of the person and not done on opening: a scanner that follows links must not use the only use up.
form.addEventListener(
  "submit",
  guarded(problem, button, async () => {
    await ask("POST", form.dataset.action, given()).catch(offerSignIn);
    form.hidden = true;
    done.textContent = done.dataset.done;
  }),
);
