#!/usr/bin/env bash
# The guard before AWS, seen from the kernel: tests/guard.sh LIVEBENCH
# Under strace, whatever chooses a far endpoint, no connect and no datagram leaves this machine without --yes and a budget: no call, no
# name looked up, neither STS nor IMDS nor SSO asked, no credential_process started. Prints each row; exits 1 if one leaves.
set -euo pipefail
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
if ! command -v strace >/dev/null; then
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq >&2
    $sudo apt-get install -y -qq --no-install-recommends strace >&2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >config <<CONFIG
[profile endpoint]
region = us-east-1
endpoint_url = https://far.invalid
[profile services]
region = us-east-1
services = s
[services s]
rekognition =
  endpoint_url = https://far.invalid
[profile sso]
region = us-east-1
sso_start_url = https://far.invalid/start
sso_region = us-east-1
sso_account_id = 123456789012
sso_role_name = r
[profile process]
region = us-east-1
credential_process = touch $work/started
[profile role]
region = us-east-1
role_arn = arn:aws:iam::123456789012:role/r
credential_source = Ec2InstanceMetadata
CONFIG
cat >scenario.toml <<'SCENARIO'
name = "guard"
[load]
stages = [{ for = "50ms", rate = 100 }]
SCENARIO

failed=0 rows=0
# holds CODE NAME=VALUE... -- ARGUMENT...: runs livebench under strace; nothing may leave, and it must end with CODE.
holds() {
    local code=$1 variables=() got=0 left
    shift
    while [ "$1" != -- ]; do variables+=("$1"); shift; done
    shift
    rm -f started
    env -i PATH="$PATH" HOME="$work" AWS_CONFIG_FILE="$work/config" AWS_SHARED_CREDENTIALS_FILE=/nonexistent "${variables[@]}" \
        strace -f -qq -e trace=connect,sendto,sendmsg,sendmmsg -o trace "$bin" "$@" >said 2>&1 || got=$?
    # What names an address that is not this machine's own. Sockets of the file system (nscd) stay on it.
    left=$(grep -E 'sin6?_addr|inet_pton' trace | grep -vE 'inet_addr\("127\.|inet_pton\(AF_INET6, "(::1|::ffff:127\.)' || true)
    rows=$((rows + 1))
    if [ -n "$left" ] || [ -e started ] || [ "$got" != "$code" ]; then
        failed=$((failed + 1))
        printf 'FAIL exit %s, wanted %s: %s livebench %s\n%s\n' "$got" "$code" "${variables[*]}" "$*" "$left"
        cat said
    fi
}

run=(run scenario.toml --out "$work/results")
probe=(probe --out "$work/results")
for command in run probe call; do
    case $command in run) typed=("${run[@]}") ;; probe) typed=("${probe[@]}") ;; *) typed=(call) ;; esac
    holds 2 -- "${typed[@]}" --endpoint-url https://far.invalid
    holds 2 -- "${typed[@]}" --endpoint-url http://192.0.2.1
    holds 2 -- "${typed[@]}" --endpoint-url http://127.0.0.1.far.invalid
    holds 2 -- "${typed[@]}" --endpoint-url 'http://127.0.0.1#@far.invalid'
    holds 2 -- "${typed[@]}" --target emulator --endpoint-url https://far.invalid
    holds 2 AWS_ENDPOINT_URL=https://far.invalid -- "${typed[@]}"
    holds 2 AWS_ENDPOINT_URL_REKOGNITION=https://far.invalid -- "${typed[@]}"
    holds 2 AWS_PROFILE=endpoint -- "${typed[@]}"
    holds 2 -- "${typed[@]}" --profile services
    holds 2 -- "${typed[@]}" --target aws --region us-east-1
    holds 2 AWS_REGION=us-east-1 -- "${typed[@]}" --target aws
    holds 2 AWS_REGION=us-east-1 HTTPS_PROXY=http://192.0.2.1:3128 HTTP_PROXY=http://192.0.2.1:3128 -- "${typed[@]}" --target aws
    for profile in sso process role; do
        holds 2 -- "${typed[@]}" --target aws --profile $profile
        holds 2 AWS_PROFILE=$profile AWS_ENDPOINT_URL=https://far.invalid -- "${typed[@]}"
    done
    holds 2 AWS_REGION=us-east-1 AWS_WEB_IDENTITY_TOKEN_FILE="$work/config" AWS_ROLE_ARN=arn:aws:iam::123456789012:role/r -- "${typed[@]}" --target aws
    holds 2 AWS_REGION=us-east-1 AWS_CONTAINER_CREDENTIALS_FULL_URI=http://192.0.2.1/ -- "${typed[@]}" --target aws
done
# Without an endpoint it is the embedded emulator, whatever hands out credentials and whatever proxies are named.
for profile in sso process role; do
    holds 0 AWS_PROFILE=$profile HTTP_PROXY=http://192.0.2.1:3128 -- call
done
holds 0 AWS_REGION=us-east-1 -- "${run[@]}"
holds 0 AWS_PROFILE=role -- call --target emulator
# A port on which nobody listens: what is said is a failed connection, and nobody else is asked.
for profile in sso process role; do
    holds 2 AWS_PROFILE=$profile -- call --endpoint-url http://localhost:1
done
# A server that sends elsewhere is not followed.
python3 - "$work/port" <<'PYTHON' &
import http.server, sys
class Elsewhere(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(307)
        self.send_header("Location", "http://192.0.2.1/")
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Elsewhere)
open(sys.argv[1], "w").write(str(server.server_port))
server.serve_forever()
PYTHON
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
until [ -s port ]; do sleep 0.05; done
holds 1 -- call --endpoint-url "http://127.0.0.1:$(cat port)"

echo "the guard under strace: $((rows - failed)) of $rows rows held"
[ "$failed" = 0 ]
