// The link's secret is taken out of the address at once: neither the history nor a shared screen keeps it.
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const form = document.querySelector("form");
const problem = document.getElementById("problem");
const done = document.getElementById("done");
const password = document.getElementById("password");
const show = document.getElementById("show");

const said = async (answer) => {
  try {
    const body = await answer.json();
    return body.errors?.[0]?.detail ?? body.detail;
  } catch {
    return problem.dataset.failed;
  }
};

const send = async () => {
  const body = password ? { token, password: password.value } : { token };
  const answer = await fetch(form.dataset.action, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.status !== 204) {
    throw new Error(await said(answer));
  }
};

if (token) {
  form.hidden = false;
} else {
  problem.textContent = problem.dataset.incomplete;
}

show?.addEventListener("change", () => {
  password.type = show.checked ? "text" : "password";
});

// Asked of the person and not done on opening: a scanner that follows links must not use the only use up.
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  problem.textContent = "";
  try {
    await send();
    form.hidden = true;
    done.textContent = done.dataset.done;
  } catch (error) {
    problem.textContent = error instanceof TypeError ? problem.dataset.failed : error.message;
    button.disabled = false;
  }
});
