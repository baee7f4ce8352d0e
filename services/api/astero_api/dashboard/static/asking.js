// The api and the browser's passkeys, asked the same way by every page.

export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.errors?.[0]?.detail ?? problem.detail);
    this.status = status;
    this.code = problem.code;
  }
}

export const ask = async (method, path, body) => {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const said = answer.headers.get("content-type")?.includes("json") ? await answer.json() : null;
  if (!answer.ok) {
    throw new Refusal(answer.status, said ?? { detail: answer.statusText });
  }
  return said;
};

export const makePasskey = async () => {
  const { publicKey } = await ask("POST", "/api/auth/passkeys/options");
  const options = PublicKeyCredential.parseCreationOptionsFromJSON(publicKey);
  return (await navigator.credentials.create({ publicKey: options })).toJSON();
};

// `path` gives the options: each purpose has its own challenge.
export const usePasskey = async (path) => {
  const { publicKey } = await ask("POST", path);
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(publicKey);
  return (await navigator.credentials.get({ publicKey: options })).toJSON();
};

// Runs `work` with the button switched off; what goes wrong is said in `problem`.
export const guarded = (problem, button, work) => async (event) => {
  event.preventDefault();
  problem.textContent = "";
  button.disabled = true;
  try {
    await work(event);
  } catch (error) {
    problem.textContent = error instanceof Refusal ? error.message : problem.dataset.failed;
  } finally {
    button.disabled = false;
  }
};
