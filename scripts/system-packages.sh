#!/bin/sh
# Makes sure that the headers of FreeType, giflib, libjpeg, libpng, libwebp, SQLite and zlib are there: installs them when that is
# allowed, else says how.
set -eu

if pkg-config --exists freetype2 libgif libjpeg libpng libwebp sqlite3 zlib 2> /dev/null; then exit 0; fi

install="apt-get install -y libfreetype-dev libgif-dev libjpeg-dev libpng-dev libsqlite3-dev libwebp-dev zlib1g-dev pkg-config"

if ! command -v apt-get > /dev/null; then
    echo "The headers of FreeType, giflib, libjpeg, libpng, libwebp, SQLite and zlib, or pkg-config, are missing. Install them with your package manager." >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "The headers of FreeType, giflib, libjpeg, libpng, libwebp, SQLite and zlib, or pkg-config, are missing. Install them with: sudo $install" >&2
    exit 1
fi
echo "Installing the headers of FreeType, giflib, libjpeg, libpng, libwebp, SQLite and zlib: $install" >&2
apt-get update -q
DEBIAN_FRONTEND=noninteractive $install
