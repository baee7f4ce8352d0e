# Everything a contributor runs. `.venv/bin/just --list` shows it.
set shell := ["bash", "-euo", "pipefail", "-c"]

root := justfile_directory()
export PATH := root / ".venv/bin:" + env("PATH")
export VIRTUAL_ENV := root / ".venv"
export UV_PYTHON_DOWNLOADS := "never"
pinned := "-q --universal --generate-hashes --no-header --no-annotate --no-emit-package astero-shared --no-emit-package astero-sandbox --no-emit-package astero-api --no-emit-package astero-bot-engine --no-emit-package astero-ops"
members := "-e libs/shared -e libs/sandbox -e services/api -e services/bot_engine -e deploy/ops"

# Start everything on this machine: databases, a sandbox Discord, api, worker and bot engine
up *ARGS: setup
    @exec python -m astero_sandbox.up {{ ARGS }}

# Run every test against embedded servers
test *ARGS: setup
    @python -m pytest -n 3 --no-loadscope-reorder {{ ARGS }}

# The tests on another Python, in an environment of its own: just test-on 3.13 tests/unit
test-on VERSION *ARGS:
    @[ -x .venv-{{ VERSION }}/bin/python ] || PYENV_VERSION={{ VERSION }} python{{ VERSION }} -m venv .venv-{{ VERSION }}
    @uv pip install -q --python .venv-{{ VERSION }} --require-hashes -r requirements/dev.txt
    @uv pip install -q --python .venv-{{ VERSION }} --no-deps --no-build-isolation {{ members }}
    @PATH="{{ root }}/.venv-{{ VERSION }}/bin:$PATH" python -m pytest -n 3 --no-loadscope-reorder {{ ARGS }}

# Format, lint, types and import rules; changes nothing
check: setup
    ruff format --check .
    ruff check .
    basedpyright
    lint-imports

# Mend what a tool can mend
fix: setup
    ruff format .
    ruff check --fix .

# Print the figures, each beside its floor measured in the same run
bench *ARGS: setup
    @python -m tests.bench {{ ARGS }}

# Write docs/routes.md anew from the routes
routes: setup
    @PYTHONPATH=tests python -m support.route_inventory

# The operator's migration command against DATABASE_URL
migrate *ARGS: setup
    astero migrate {{ ARGS }}

# The folders of a slice: just where cases
where SLICE:
    @find libs services tests deploy -type d -name '{{ SLICE }}' -not -path '*/.*' | sort

# Install exactly what requirements/ names
setup:
    @uv pip install -q --require-hashes -r requirements/dev.txt
    @uv pip install -q --no-deps --no-build-isolation {{ members }}

# Write requirements/ anew: pins stay as they are, `just lock -P NAME` moves one package and `just lock -U` all
lock *ARGS:
    @uv pip compile {{ pinned }} --group dev -o requirements/dev.txt {{ ARGS }}
    @uv pip compile {{ pinned }} -c requirements/dev.txt --group bootstrap -o requirements/bootstrap.txt
    @uv pip compile {{ pinned }} -c requirements/dev.txt services/api/pyproject.toml deploy/ops/pyproject.toml -o requirements/api.txt
    @uv pip compile {{ pinned }} -c requirements/dev.txt services/bot_engine/pyproject.toml -o requirements/bot_engine.txt
