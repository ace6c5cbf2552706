#!/usr/bin/env bash
# The OCI image, built and run without any base image from outside: tests/machines/image.sh BINARY DIR
# Needs root; installs buildah if it is missing. "N passed, 0 failed" at the end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 2 ] || { echo "usage: $0 BINARY DIR" >&2; exit 2; }
mkdir -p "$2"
work=$(cd "$2" && pwd)
. "$here/../checks.sh"
if ! command -v buildah >/dev/null || [ ! -s /etc/ssl/certs/ca-certificates.crt ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends buildah ca-certificates >"$work/apt.log" 2>&1
fi
export STORAGE_DRIVER=vfs CONTAINERS_STORAGE_CONF=$work/storage.conf BUILDAH_ISOLATION=chroot
printf '[storage]\ndriver = "vfs"\nrunroot = "%s/run"\ngraphroot = "%s/images"\n' "$work" "$work" >"$CONTAINERS_STORAGE_CONF"
check 'image: it is built' "$here/../../deploy/image/build.sh" "$1" livebench:test "$work/livebench.tar"
check 'image: below 60 MB' test "$(stat -c %s "$work/livebench.tar")" -lt 60000000
container=$(buildah --storage-driver vfs from --pull-never livebench:test)
inside() { buildah --storage-driver vfs run --isolation chroot "$container" /usr/bin/livebench "$@"; }
check 'image: it runs' test "$(inside --version)" = "$("$1" --version)"
printf 'name = "inside"\n[load]\nstages = [ { for = "2s", rate = 20 } ]\n[thresholds]\nok = "> 50%%"\n' >"$work/scenario.toml"
buildah --storage-driver vfs copy --quiet "$container" "$work/scenario.toml" /tmp/scenario.toml >/dev/null
check 'image: it makes a run, and writes it, as nobody in particular' inside run /tmp/scenario.toml --virtual-time --out /results --live off >/dev/null
check 'image: it is not root' test "$(buildah --storage-driver vfs inspect --format '{{.OCIv1.Config.User}}' livebench:test)" = 65532:65532
code=0
inside call --endpoint-url https://127.0.0.1:1 --region us-east-1 >/dev/null 2>"$work/call.txt" || code=$?
check 'image: it has certificates, and says that nobody answers' grep -qi 'connect' "$work/call.txt"
buildah --storage-driver vfs rm "$container" >/dev/null
checked
