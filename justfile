# One front door: `just check` before every commit, `just ci` before every push.

python := ".venv/bin/python"
bin := ".venv/bin"

# Format, lint, types, contracts, fast tests.
check: lint types contracts test

format:
    {{bin}}/ruff format .
    {{bin}}/ruff check --fix .

lint:
    {{bin}}/ruff format --check .
    {{bin}}/ruff check .
    {{bin}}/pydoclint --quiet dataforge
    {{bin}}/deptry .

types:
    {{bin}}/pyright

contracts:
    {{bin}}/lint-imports

test:
    {{python}} -m pytest -q

slow:
    {{python}} -m pytest -q -m "slow or e2e"

# Write the catalogues and the recipe schema from the code.
docs:
    {{python}} -m docs.catalogue

docs-stale:
    {{python}} -m docs.catalogue --check

golden:
    {{python}} -m pytest -q tests/golden --update-golden

ci:
    bash .ci/run
