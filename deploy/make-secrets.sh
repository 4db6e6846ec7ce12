#!/bin/sh
# Makes the secrets that compose.yml and stack.yml ask for, in the folder secrets/ beside this file. What is there already stays.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
# Containers read single files of it as other users; nobody else gets into the folder.
chmod 700 secrets
cd secrets

random() { od -An -N 24 -t x1 /dev/urandom | tr -d ' \n'; }
# Writes its input into a file, unless there is one.
make() {
  if [ -e "$1" ]; then cat >/dev/null; return; fi
  cat >"$1.new"
  chmod 444 "$1.new"
  mv "$1.new" "$1"
  echo "made secrets/$1"
}

for name in postgres_password nats_password nats_platform_password nats_route_password node_token owner_password grafana_password; do
  random | make "$name"
done
# 32 bytes in base64, under which the keys of authenticator apps are kept.
head -c 32 /dev/urandom | base64 | make secret_key
printf 'postgres://control:%s@postgres:5432/control' "$(cat postgres_password)" | make database_url
make nats_users.conf <<END
users = [
  { user: control, password: "$(cat nats_password)" }
  { user: platform, password: "$(cat nats_platform_password)" }
]
END
make nats_routes.conf <<END
authorization { user: route, password: "$(cat nats_route_password)" }
# One name for all of them; they tell each other the rest.
routes = ["nats-route://route:$(cat nats_route_password)@tasks.nats:6222"]
END
