#!/usr/bin/env bash
# An OCI image of a livebench binary, with nothing in it but what the binary needs: deploy/image/build.sh BINARY TAG [ARCHIVE]
#
# No base image and no daemon: `buildah from scratch`, the libraries that the binary names, certificates of authorities, a user that is not
# root, and /results to write to. With ARCHIVE it is written there as an OCI archive (`podman load -i`, `skopeo copy oci-archive:`).
# Needs buildah (Debian package) and the right to make a user namespace, or root.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: $0 BINARY TAG [ARCHIVE]" >&2; exit 2; }
binary=$1 tag=$2 archive=${3:-}
certificates=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
[ -s "$certificates" ] || { echo "no certificates at $certificates; install ca-certificates or set SSL_CERT_FILE" >&2; exit 2; }
storage=(--storage-driver "${STORAGE_DRIVER:-vfs}")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

mkdir -p "$root"/{usr/bin,etc/ssl/certs,results,tmp}
install -m 755 "$binary" "$root/usr/bin/livebench"
install -m 644 "$certificates" "$root/etc/ssl/certs/ca-certificates.crt"
printf 'livebench:x:65532:65532::/results:/sbin/nologin\n' >"$root/etc/passwd"
printf 'livebench:x:65532:\n' >"$root/etc/group"
chmod 1777 "$root/tmp" && chmod 777 "$root/results"
# The loader and the libraries, where the binary looks for them.
ldd "$binary" | grep -o '/[^ ]*' | while read -r library; do
    install -D -m 755 "$library" "$root$library"
done

container=$(buildah "${storage[@]}" from scratch)
buildah "${storage[@]}" copy --quiet "$container" "$root" / >/dev/null
buildah "${storage[@]}" config --entrypoint '["/usr/bin/livebench"]' --user 65532:65532 --workingdir /results \
    --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt --volume /results \
    --label org.opencontainers.image.title=livebench --label "org.opencontainers.image.version=$("$binary" --version | cut -d' ' -f2)" "$container"
buildah "${storage[@]}" commit --quiet --rm "$container" "$tag" >/dev/null
[ -z "$archive" ] || buildah "${storage[@]}" push --quiet "$tag" "oci-archive:$archive:$tag"
echo "$tag"
