import { ask, guarded } from "./asking.js";

const form = document.querySelector("form");
const button = form.querySelector("button");
const done = document.getElementById("done");
const password = document.getElementById("password");
const show = document.getElementById("show");

// The link's secret is taken out of the address at once: neither the history nor a shared screen keeps it.
const token = form.dataset.token ? location.hash.slice(1) : undefined;
if (token !== undefined) {
  history.replaceState(null, "", location.pathname);
}

if (token === "") {
  const incomplete = document.getElementById("incomplete");
  incomplete.textContent = incomplete.dataset.incomplete;
} else {
  form.hidden = false;
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

// Asked of the person and not done on opening: a scanner that follows links must not use the only use up.
form.addEventListener(
  "submit",
  guarded(document.getElementById("problem"), button, async () => {
    await ask("POST", form.dataset.action, given());
    form.hidden = true;
    done.textContent = done.dataset.done;
  }),
);
