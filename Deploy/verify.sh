#!/usr/bin/env bash
# Checks what is in Deploy without a container engine. Each check is proved by a broken twin, which must fail.
# The tools come from PyPI into .build/deploy-tools. One that is missing is a skip by name, and a failure where CI=true.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

tools=.build/deploy-tools
export PATH="$PWD/$tools/bin:$PATH" PYTHONPATH="$PWD/$tools"
status=0
broken=$(mktemp -d)
trap 'rm -rf "$broken"' EXIT

fail() {
    printf 'verify-deploy: FAILED %s\n' "$*" >&2
    status=1
}

install_tools() {
    cmp -s Deploy/requirements.txt "$tools/installed.txt" && return
    echo "verify-deploy: installing the checkers into $tools"
    rm -rf "$tools"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$tools" \
        --requirement Deploy/requirements.txt &&
        cp Deploy/requirements.txt "$tools/installed.txt"
}

has() {
    command -v "$1" > /dev/null && return
    if [[ ${CI:-} == true ]]; then fail "$1 is missing"; else echo "verify-deploy: skipped $1, which is missing"; fi
    return 1
}

# twin FILE SED: a copy of FILE changed by SED. A change that changes nothing proves nothing, so it fails.
twin() {
    sed -E "$2" "$1" > "$broken/${1##*/}"
    if cmp -s "$1" "$broken/${1##*/}"; then fail "the twin of $1 is not broken: $2"; fi
}

# check NAME TWIN COMMAND FILE...: the command accepts the files and refuses the twin.
check() {
    local name=$1 twin=$2 command=$3 output
    shift 3
    if output=$($command "$@" 2>&1); then
        echo "verify-deploy: $name: good"
    else
        fail "$name"$'\n'"$output"
    fi
    if $command "$broken/$twin" > /dev/null 2>&1; then fail "$name accepts what is broken: $twin"; fi
}

# kubernetes-validate only warns of kinds that it does not know, so the kinds are checked first.
known_kinds() {
    local known="Namespace|ServiceAccount|Deployment|StatefulSet|Service|NetworkPolicy|PodDisruptionBudget"
    ! grep -HE '^kind:' "$@" | grep -vE ":kind: ($known)\$"
}

# What the kustomization names is exactly what is there.
same_resources() {
    diff <(sed -nE 's/^  - ([a-z]+\.yaml)$/\1/p' "$1" | sort) \
        <(printf '%s\n' "${siblings[@]##*/}")
}

# The image has the policies, and the rules that they are judged by.
image_files() {
    grep -qE '^COPY Deploy/policies ' "$1" && local rules &&
        for rules in policy tune tune-reader; do grep -qE "^COPY Deploy/$rules-rules\.json " "$1" || return; done
}

# A list of rules, each with a metric, a bound and a reason.
gate_rules() {
    python3 - "$1" << 'END'
import json, sys
rules = json.load(open(sys.argv[1]))
known = {"metric", "minimum", "maximum", "applies_to", "why"}
sys.exit(not rules or any(set(r) - known or not {"metric", "why"} <= set(r) or not {"minimum", "maximum"} & set(r) for r in rules))
END
}

# What writes is there once, into a volume that no other pod has.
one_server() {
    grep -qE '^  replicas: 1$' "$1" && grep -qE 'ReadWriteOncePod' "$1" && grep -qE 'data-path=/var/lib/apus$' "$1"
}

# The data folder that compose names lies in a volume that it declares.
data_volume() {
    grep -qE -- '--data-path=/var/lib/apus$' "$1" && grep -qE '^      - data:/var/lib/apus$' "$1" && grep -qE '^  data:$' "$1"
}

validate_kubernetes() { kubernetes-validate --strict -k "$kubernetes" "$@"; }
validate_compose() { check-jsonschema --builtin-schema vendor.compose-spec "$@"; }
# The binary is not installed where this runs.
verify_unit() {
    mkdir -p "$broken/unit"
    sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$1" > "$broken/unit/apus.service"
    # A key that it does not know is only a warning.
    [[ -z $(systemd-analyze verify "$broken/unit/apus.service" 2>&1) ]] &&
        systemd-analyze security --offline=true --threshold=20 "$broken/unit/apus.service"
}
lint_shell() { shellcheck --severity=warning "$@"; }
lint_yaml() { yamllint --strict -c Deploy/yamllint.yaml "$@"; }

install_tools || echo "verify-deploy: the checkers could not be installed: is the network up?" >&2

if has hadolint; then
    twin Deploy/Dockerfile 's/^WORKDIR .*/WORKDIR relative/'
    check Dockerfile Dockerfile hadolint Deploy/Dockerfile
fi
if has check-jsonschema; then
    twin Deploy/compose.yaml 's/read_only:/readonly:/'
    check compose compose.yaml validate_compose Deploy/compose.yaml
fi

for rules in policy tune tune-reader; do
    twin Deploy/Dockerfile "/\/$rules-rules/d"
    check "files of the image" Dockerfile image_files Deploy/Dockerfile
done
twin Deploy/policy-rules.json 's/"minimum": 0.99/"minimun": 0.99/'
check "rules of the gate" policy-rules.json gate_rules Deploy/policy-rules.json
twin Deploy/tune-rules.json 's/"metric": "own_right"/"metrik": "own_right"/'
check "rules of tuning" tune-rules.json gate_rules Deploy/tune-rules.json
twin Deploy/tune-reader-rules.json 's/"metric": "own_right"/"metrik": "own_right"/'
check "rules of tuning a reader" tune-reader-rules.json gate_rules Deploy/tune-reader-rules.json

shopt -s extglob
base=Deploy/kubernetes/base people=Deploy/kubernetes/overlays/people
manifests=("$base"/!(kustomization).yaml "$people"/!(kustomization).yaml)
twin $base/service.yaml 's/^kind: Service/kind: Servce/'
check "kinds of manifests" service.yaml known_kinds "${manifests[@]}"
for folder in "$base" "$people"; do
    twin "$folder/kustomization.yaml" '/service.yaml/d'
    siblings=("$folder"/!(kustomization).yaml)
    check "kustomization of ${folder##*/}" kustomization.yaml same_resources "$folder/kustomization.yaml"
done
twin $people/statefulset.yaml 's/replicas: 1/replicas: 2/'
check "one server a data folder" statefulset.yaml one_server $people/statefulset.yaml
twin Deploy/compose.yaml 's|- data:/var/lib/apus|- other:/var/lib/apus|'
check "data volume of compose" compose.yaml data_volume Deploy/compose.yaml
if has kubernetes-validate; then
    twin $base/deployment.yaml 's/readOnlyRootFilesystem/readOnlyRootFileSystem/'
    for kubernetes in 1.29.0 1.33.0 1.37.0; do
        check "Kubernetes $kubernetes" deployment.yaml validate_kubernetes "${manifests[@]}"
    done
fi
if has systemd-analyze; then
    twin Deploy/systemd/apus.service 's/^ProtectSystem/ProtectSytem/'
    check "systemd unit" apus.service verify_unit Deploy/systemd/apus.service
fi
if has yamllint; then
    twin $base/namespace.yaml 's/^  name: apus/&\n  name: again/'
    check YAML namespace.yaml lint_yaml Deploy/*.yaml $base/*.yaml $people/*.yaml
fi
if has shellcheck; then
    mapfile -t scripts < <(git ls-files '*.sh')
    twin scripts/fetch.sh 's/^set -eu/unread=1/'
    check "shell scripts" fetch.sh lint_shell "${scripts[@]}"
fi
exit $status
