#!/usr/bin/env bash
# Checks that every target imports only what Package.swift lets it: the targets and products that it names, and what
# those may import in turn. Prints each violation; exits 1 if there is one.
set -euo pipefail
cd "$(dirname "$0")/.."

system="Foundation Synchronization Dispatch Glibc Testing"

# One line a target: its name, then what it names itself.
declared=$(tr '\n' ' ' < Package.swift | sed -E 's/\.(target|executableTarget|testTarget|systemLibrary)\(/\n&/g' |
    sed -nE 's/^\.[a-zA-Z]+\( *name: "([A-Za-z]+)"(.*)$/\1 \2/p' |
    sed -E 's/^([A-Za-z]+) .*dependencies: \[([^]]*)\].*$/\1 \2/; t; s/^([A-Za-z]+) .*$/\1/' |
    sed -E 's/\.product\(name: ("[A-Za-z0-9]+"), package: "[^"]*"\)/\1/g; s/[",]/ /g')

# What a target may import: names reachable from it.
allowed() {
    local pending=$1 seen=" " name
    while [[ -n $pending ]]; do
        name=${pending%% *}
        pending=${pending#"$name"}
        pending=${pending# }
        [[ $seen == *" $name "* ]] && continue
        seen+="$name "
        pending+=" $(awk -v target="$name" '$1 == target { $1 = ""; print }' <<< "$declared" | xargs)"
        pending=${pending# }
    done
    echo "$seen"
}

status=0
while read -r target _; do
    folder=Sources/$target
    [[ -d $folder ]] || folder=Tests/$target
    [[ -d $folder ]] || { echo "Package.swift names $target, which has no folder" >&2; status=1; continue; }
    permitted="$(allowed "$target") $system "
    while IFS=: read -r file line import; do
        module=$(sed -E 's/.*import +((struct|class|enum|protocol|func|var|let|typealias) +)?([A-Za-z0-9_]+).*/\3/' <<< "$import")
        if [[ " $permitted " != *" $module "* ]]; then
            echo "$file:$line: $target may not import $module" >&2
            status=1
        fi
    done < <(grep -rnE '^(public |package |internal |private |@[a-zA-Z]+ )*import ' "$folder" --include='*.swift' || true)
done <<< "$declared"
exit $status
