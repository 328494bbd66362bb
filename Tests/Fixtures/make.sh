#!/bin/sh
# Writes all golden values anew with the reference implementations of requirements.txt, in .build/fixtures.
set -eu
cd "$(dirname "$0")"
environment="$(cd ../.. && pwd)/.build/fixtures"

if ! cmp -s requirements.txt "$environment/installed.txt"; then
    python3 -m venv --clear "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
    cp requirements.txt "$environment/installed.txt"
fi
for script in make_*.py; do
    echo "$script" >&2
    "$environment/bin/python" "$script"
done
