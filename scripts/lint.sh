#!/usr/bin/env bash
# The project's own rules and the formatters'. Prints each violation; exits 1 if there is one.
set -uo pipefail
cd "$(dirname "$0")/.."
status=0

scripts/lint-imports.sh || status=1

# Unsafe memory stays inside the targets that own buffers, files and pixels.
if grep -rnE 'Unsafe[A-Z]|withUnsafe|unsafeBitCast|Unmanaged' Sources --include='*.swift' |
    grep -vE '^Sources/(Tensors|Images|Checkpoints)/'; then
    echo "unsafe memory belongs in Tensors, Images and Checkpoints" >&2
    status=1
fi

# Nothing that stops the process or hides an error may be reachable from outside input.
if grep -rnE 'fatalError\(|try!|\bas!' Sources --include='*.swift'; then
    echo "errors are thrown, not trapped on" >&2
    status=1
fi

swift format lint --strict --recursive --parallel Package.swift Sources Tests || status=1

clang_format=${CLANG_FORMAT:-clang-format}
if command -v "$clang_format" > /dev/null; then
    git ls-files -z '*.c' '*.h' | xargs -0 -r "$clang_format" --dry-run -Werror || status=1
else
    echo "clang-format is missing: python3 -m pip install clang-format==23.1.5" >&2
    status=1
fi
exit $status
