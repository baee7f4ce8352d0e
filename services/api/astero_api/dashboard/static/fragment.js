// The secret of a letter's link travels in the fragment alone, which no server sees. It is taken out of the
// address at once: neither the history nor a shared screen keeps it.

export const takeFragment = () => {
  const { hash, pathname, search } = location;
  if (hash) {
    history.replaceState(null, "", pathname + search);
  }
  return hash;
};

// Another link opened in the same tab changes the fragment alone, and loads nothing by itself.
addEventListener("hashchange", () => location.reload());
