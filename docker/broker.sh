#!/bin/sh
# Mosquitto in its container, with the same configuration and access list as ./pantau's. The devices' passwords come from
# a volume that the application writes (server/core/broker_credentials.py); a change is read within two seconds.
set -eu
shared=/var/lib/pantau/broker own=/run/pantau-broker
mkdir -p "$shared" "$own" /mosquitto/data
chown 1000:1000 "$shared"
chmod 700 "$shared"
chown mosquitto /mosquitto/data "$own"

rm -f "$own/pantau"
touch "$own/pantau"
chmod 600 "$own/pantau"
mosquitto_passwd -b "$own/pantau" pantau.ingest "$PANTAU_MQTT_PASSWORD"
mosquitto_passwd -b "$own/pantau" pantau.gateway "$PANTAU_MQTT_GATEWAY_PASSWORD"

collect() {
    { cat "$own/pantau"; grep -v '^pantau\.' "$shared/passwords" 2>/dev/null || true; } >"$own/passwords.new"
    chown mosquitto "$own/passwords.new"
    chmod 600 "$own/passwords.new"
    mv "$own/passwords.new" "$own/passwords"
}
version() { stat -c '%i %Y %s' "$shared/passwords" 2>/dev/null || echo none; }

sed -e 's|@PORT@|1883|' -e 's|@BIND@|0.0.0.0|' -e "s|@CREDENTIALS@|$own|" -e 's|@PID_FILE@||' \
    -e 's|@ACL@|/etc/pantau/mosquitto.acl|' -e 's|@DATA@|/mosquitto/data|' \
    /etc/pantau/mosquitto.conf.template >"$own/mosquitto.conf"
chmod 644 "$own/mosquitto.conf"

seen=$(version)
collect
# $$ stays this shell's process id, which becomes Mosquitto's below.
(
    while sleep 2; do
        now=$(version)
        if [ "$now" != "$seen" ]; then
            seen=$now
            collect
            kill -HUP $$
        fi
    done
) &
exec mosquitto -c "$own/mosquitto.conf"
