#!/usr/bin/env bash
# Checks a built image of Gatehouse against a real Docker engine and a real Consul:
#
#   docs/check-image.sh [IMAGE]        IMAGE is "gatehouse" unless given
#
# It says what it saw, ends with 0 when everything was right and with 1 at the first thing that was not (then with the
# logs of what ran), and removes what it started. It takes about a minute.
#
# Needs Linux (for --network host), docker 20.10 or newer, bash 5, curl, and Consul: the program that CONSUL_BIN names,
# else `consul` on PATH. Consul, the gateway and the sample service listen on free ports of the loopback address only.
set -euo pipefail

image=${1:-gatehouse}
consul=${CONSUL_BIN:-consul}
run_id=gatehouse-check-$$
folder=$(mktemp -d)
containers=()
consul_pid=

complain() { printf 'check-image: %s\n' "$*" >&2; }

# Stops everything that was started; after a failure its logs are shown first.
clean_up() {
  local code=$?
  trap - EXIT
  if ((code != 0)); then
    for name in "${containers[@]}"; do
      complain "last lines of $name:"
      docker logs --tail 20 "$name" 2>&1 | sed 's/^/    /' >&2 || true
    done
    if [[ -n $consul_pid ]]; then
      complain 'last lines of Consul:'
      tail -n 10 "$folder/consul.log" | sed 's/^/    /' >&2 || true
    fi
  fi
  if ((${#containers[@]} > 0)); then docker rm --force "${containers[@]}" >/dev/null 2>&1 || true; fi
  if [[ -n $consul_pid ]]; then
    kill "$consul_pid" 2>/dev/null || true
    wait "$consul_pid" 2>/dev/null || true
  fi
  rm -rf "$folder"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  complain "FAILED: $*"
  exit 1
}
saw() { printf 'ok   %s\n' "$*"; }

# same WHAT EXPECTED FOUND
same() { [[ $2 == "$3" ]] || fail "$1: expected \"$2\", got \"$3\""; }

milliseconds() {
  local now=${EPOCHREALTIME/[.,]/}
  echo $((now / 1000))
}

# within SECONDS WHAT COMMAND...: repeats the command until it succeeds.
within() {
  local deadline=$(($(milliseconds) + $1 * 1000)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    (($(milliseconds) < deadline)) || fail "$what: not seen in time"
    sleep 0.1
  done
}

# Sets `port` to a TCP port on which nothing listens, another one at each call. It lies below those that systems give
# to outgoing connections.
next_port=$((10000 + RANDOM % 15000))
free_port() {
  while (exec 3<>"/dev/tcp/127.0.0.1/$next_port") 2>/dev/null; do next_port=$((next_port + 1)); done
  port=$next_port
  next_port=$((next_port + 1))
}

get() { curl --silent --show-error --noproxy '*' --max-time 5 "$@"; }
status_of() { get --output /dev/null --write-out '%{http_code}' "$@"; }
answers() { [[ $(status_of "$2") == "$1" ]]; }

# start NAME ARGUMENTS...: a container in the background that is removed at the end.
start() {
  local name=$run_id-$1
  shift
  containers+=("$name")
  docker run --detach --name "$name" "$@" >/dev/null
}

# stop NAME: fails unless SIGTERM ends the container in order and soon.
stop() {
  local name=$run_id-$1 begun took
  begun=$(milliseconds)
  docker stop "$name" >/dev/null
  took=$(($(milliseconds) - begun))
  same "exit code of $1 after docker stop" 0 "$(docker inspect --format '{{.State.ExitCode}}' "$name")"
  ((took < 2000)) || fail "docker stop of $1: expected less than 2000 ms, got $took ms"
  saw "docker stop ended \"$1\" in $took ms with exit code 0"
}

# becomes_healthy NAME: what Docker itself finds with the image's HEALTHCHECK.
becomes_healthy() {
  is_healthy() { [[ $(docker inspect --format '{{.State.Health.Status}}' "$run_id-$1") == healthy ]]; }
  local begun
  begun=$(milliseconds)
  within 60 "docker calls \"$1\" healthy" is_healthy "$1"
  saw "docker calls \"$1\" healthy, $((($(milliseconds) - begun) / 1000)) s after it served"
}

for tool in docker curl "$consul"; do
  command -v "$tool" >/dev/null || fail "expected the program $tool, found none (CONSUL_BIN may name Consul's)"
done
docker version >/dev/null 2>&1 || fail 'expected a Docker engine that answers, got none'
of_image() { docker image inspect --format "$1" "$image"; }
of_image '{{.Id}}' >/dev/null 2>&1 || fail "expected an image named $image; docs/docker.md says how it is built"

# What the image is.

user=$(of_image '{{.Config.User}}')
[[ -n $user && $user != root* && $user != 0 && $user != 0:* ]] || fail "user of the image: got root (\"$user\")"
same 'uid in the container' "${user%%:*}" \
  "$(docker run --rm --network none --entrypoint node "$image" --print 'process.getuid()')"
saw "it runs as uid ${user%%:*}"
same 'exposed ports' '{"9998/tcp":{},"9999/tcp":{}}' "$(of_image '{{json .Config.ExposedPorts}}')"
same 'default command' '[]' "$(of_image '{{.Config.Cmd}}')"
[[ $(of_image '{{if .Config.Healthcheck}}{{index .Config.Healthcheck.Test 0}}{{end}}') == CMD ]] ||
  fail 'health check: expected one that needs no shell'
docker run --rm --network none --user 0 --entrypoint node "$image" --eval '
  const { existsSync, readFileSync } = require("node:fs")
  const { devDependencies } = JSON.parse(readFileSync("/app/package.json", "utf8"))
  const unwanted = [
    ...Object.keys(devDependencies).map((name) => `/app/node_modules/${name}`),
    ...["src", "test", "ui", "package-lock.json"].map((name) => `/app/${name}`),
    "/root/.npm/_cacache", "/home/node/.npm/_cacache", "/home/node/.npmrc", "/root/.npmrc",
  ].filter((path) => existsSync(path))
  if (unwanted.length > 0) { console.error(`not expected in the image: ${unwanted.join(", ")}`); process.exit(1) }
' || fail 'contents: expected only what the gateway needs to run'
if docker run --rm --network none --entrypoint node "$image" \
  --eval 'require("node:fs").accessSync("/app/dist/main.js", 2)' 2>/dev/null; then
  fail "rights: expected that the gateway's user cannot write its program, got that it can"
fi
version=$(docker run --rm --network none "$image" version)
labelled=$(of_image '{{index .Config.Labels "org.opencontainers.image.version"}}')
[[ $labelled == unreleased ]] || same 'label org.opencontainers.image.version' "${version%% *}" "$labelled"
bytes=$(of_image '{{.Size}}')
saw "gatehouse $version, labelled $labelled, $((bytes / 1000000)) MB, production dependencies only"

# Consul, and a service in it as Registrator registers one.

free_port; consul_port=$port
free_port; server_port=$port
free_port; lan_port=$port
free_port; wan_port=$port
ports="http = $consul_port, server = $server_port, serf_lan = $lan_port, serf_wan = $wan_port, dns = -1, grpc = -1"
# Consul 1.14 and newer have one port more, older ones do not know its name.
if "$consul" agent -help 2>&1 | grep -q grpc-tls-port; then ports+=', grpc_tls = -1'; fi
"$consul" agent -dev -bind 127.0.0.1 -client 127.0.0.1 -hcl "ports { ${ports//, /$'\n'} }" >"$folder/consul.log" 2>&1 &
consul_pid=$!
api=http://127.0.0.1:$consul_port/v1
has_leader() { get "$api/status/leader" | grep -q '[0-9]'; }
within 30 'a leader of Consul' has_leader

free_port; service_port=$port
start service --network host --entrypoint node "$image" --eval "
  require('node:http')
    .createServer((request, response) => {
      response.write('hello from the service, ')
      setTimeout(() => response.end(request.url), request.url === '/foo/slow' ? 500 : 0)
    })
    .listen($service_port, '127.0.0.1')"
get --fail --request PUT "$api/agent/service/register" --data "{
  \"ID\": \"host:service:9090\", \"Name\": \"hello\", \"Address\": \"127.0.0.1\", \"Port\": $service_port,
  \"Tags\": [\"urlprefix-/foo\", \"hello\"],
  \"Check\": {\"HTTP\": \"http://127.0.0.1:$service_port/foo/healthcheck\", \"Interval\": \"1s\", \"Timeout\": \"5s\"}
}"
saw "$("$consul" version | head -n 1) runs and has the service"

# The file, mounted where fabio reads its own.

free_port; proxy_port=$port
free_port; ui_port=$port
printf '%s\n' "registry.consul.addr = 127.0.0.1:$consul_port" "proxy.addr = 127.0.0.1:$proxy_port" \
  "ui.addr = 127.0.0.1:$ui_port" >"$folder/fabio.properties"
chmod a+r "$folder/fabio.properties"
start file --network host --volume "$folder/fabio.properties:/etc/fabio/fabio.properties" "$image"
within 30 'the route of the service' answers 200 "http://127.0.0.1:$proxy_port/foo/bar"
same 'answer through the gateway' 'hello from the service, /foo/bar' "$(get "http://127.0.0.1:$proxy_port/foo/bar")"
same 'status without a route' 404 "$(status_of "http://127.0.0.1:$proxy_port/bar")"
saw 'with a mounted fabio.properties, /foo/bar reaches the service and /bar gets 404'
get "http://127.0.0.1:$ui_port/api/routes" | grep -q '"/foo"' || fail '/api/routes: expected the route /foo, got none'
get --location "http://127.0.0.1:$ui_port/" | grep -qi '<!doctype html>' || fail 'UI: expected a page, got none'
saw '/api/routes has the route, and the UI is served'
becomes_healthy file
stop file
docker logs "$run_id-file" 2>&1 | grep -qw down || fail 'log: expected "down" as its end, got none'

# Flags and environment instead of a file, and as few rights as possible. Only the flags say where the UI is: the health
# check has to find it all the same.

free_port; proxy_port=$port
free_port; ui_port=$port
start flags --network host --init --read-only --cap-drop ALL --security-opt no-new-privileges \
  --env "FABIO_PROXY_ADDR=127.0.0.1:$proxy_port" --env FABIO_PROXY_NOROUTESTATUS=421 \
  "$image" -registry.consul.addr "127.0.0.1:$consul_port" -ui.addr="127.0.0.1:$ui_port" -proxy.noroutestatus 418 \
  -proxy.shutdownwait 5s
within 30 'the route of the service' answers 200 "http://127.0.0.1:$proxy_port/foo"
same 'status without a route, by the flag' 418 "$(status_of "http://127.0.0.1:$proxy_port/bar")"
saw 'flags and environment count, read-only and without capabilities'
becomes_healthy flags
get --no-buffer --output "$folder/slow" "http://127.0.0.1:$proxy_port/foo/slow" &
request_pid=$!
within 5 'the first bytes of an answer' test -s "$folder/slow"
stop flags
wait "$request_pid" || fail 'request that ran at docker stop: expected its whole answer, got a part'
same 'answer to a request that ran at docker stop' 'hello from the service, /foo/slow' "$(<"$folder/slow")"
saw 'a request that ran at docker stop got its whole answer'

free_port
if docker run --rm --network host "$image" health -ui.addr "127.0.0.1:$port" >/dev/null 2>&1; then
  fail 'health: expected a failure where nothing listens, got none'
fi
set +e
mistake=$(docker run --rm --network none "$image" -proxy.strategie rnd 2>&1)
code=$?
set -e
same 'exit code for an unknown flag' 2 "$code"
[[ $mistake == *proxy.strategie* ]] || fail "unknown flag: expected that it is named, got \"$mistake\""
saw "an unknown flag ends it with 2: $(head -n 1 <<<"$mistake")"

# In a network of its own, as with -p: ports below 1024 are open to every user there.

start ports --network none "$image" dev -proxy.addr :80 -ui.addr :81
serves() {
  docker exec "$run_id-$1" node --eval \
    'fetch("http://127.0.0.1:80/foo").then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))'
}
within 30 'the sample service of "gatehouse dev" on port 80' serves ports
saw 'it listens on port 80 without being root'
stop ports

saw "$image is right"
