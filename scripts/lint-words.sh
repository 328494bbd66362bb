#!/usr/bin/env bash
# Plain English in code and pages: constructions that a stranger reads twice, words that have another name here, and
# comments that are too wide. Prints each violation; exits 1 if there is one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
status=0

# The prompts, texts and word lists of training and evaluation are data.
texts() {
    git ls-files -z '*.swift' '*.c' '*.h' '*.md' '*.sh' '*.py' Makefile Public |
        grep -zvE 'EverydayPrompts|ReferenceText|ReplayTopic|AnswerVocabulary|/Fixtures/|lint-words|\.png$'
}

# Prints what was found, with what to do about it.
refuse() {
    [[ -z $1 ]] && return
    printf '%s\n%s\n' "$1" "$2" >&2
    status=1
}

constructions='those who|whoever|whosoever|of two minds|what it is made of|who says|somebody|if there are any|at the most'
refuse "$(texts | xargs -0 grep -nwiE "$constructions")" "say it plainly: the noun or the name instead of these words"

# One concept, one name: image, tile, metric, distractor. Scenes, texts for people and names on the wire have their own.
declaration='\b(let|var|func|struct|class|enum|protocol|case) [a-zA-Z]*([pP]icture|[sS]tray|[cC]ontested|Figure)'
refuse "$(git ls-files -z 'Sources/*.swift' | grep -zvE 'PositionsFamily|AnswerVocabulary' |
    xargs -0 grep -nE "$declaration")" "these names have another word in this project: see docs/glossary.md"

refuse "$(git ls-files -z '*.swift' '*.c' '*.h' | LC_ALL=C.UTF-8 xargs -0 grep -nE '^.{121,}' |
    grep -E '^[^:]+:[0-9]+: *(//|\*)')" "comments are at most 120 columns wide"
exit $status
