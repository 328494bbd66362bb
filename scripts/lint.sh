#!/usr/bin/env bash
# The project's own rules and the formatters'. Prints each violation; exits 1 if there is one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
status=0

scripts/lint-imports.sh || status=1
scripts/lint-words.sh || status=1

# Unsafe memory stays inside the targets that own buffers, files and pixels.
if grep -rnE 'Unsafe[A-Z]|withUnsafe|unsafeBitCast|Unmanaged' Sources --include='*.swift' |
    grep -vE '^Sources/(Tensors|Images|Typography|Checkpoints)/'; then
    echo "unsafe memory belongs in Tensors, Images, Typography and Checkpoints" >&2
    status=1
fi

# Nothing that stops the process or hides an error may be reachable from outside input.
if grep -rnE 'fatalError\(|try!|\bas!' Sources --include='*.swift'; then
    echo "errors are thrown, not trapped on" >&2
    status=1
fi

# The controller that CONTRIBUTING.md shows is the real one.
controller=Sources/Serving/Routes/CompletionsController.swift
if ! diff <(sed -n '/^\/\/\/ `POST/,$p' "$controller") \
    <(sed -n '/^\/\/\/ `POST/,/^```$/p' CONTRIBUTING.md | sed '/^```$/d') >&2; then
    echo "CONTRIBUTING.md shows another $controller" >&2
    status=1
fi

swift format lint --strict --recursive --parallel Package.swift Sources Tests || status=1

# The version is part of the format, so another one on the machine is not asked.
clang_format=.build/clang-format-23.1.5
if [[ -x $clang_format/bin/clang-format ]] ||
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
        --target "$clang_format" clang-format==23.1.5; then
    git ls-files -z '*.c' '*.h' '*.js' |
        PYTHONPATH=$clang_format xargs -0 -r "$clang_format/bin/clang-format" --dry-run -Werror || status=1
else
    echo "clang-format is missing and could not be fetched: is the network up?" >&2
    status=1
fi
exit $status
