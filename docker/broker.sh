#!/bin/sh
# Mosquitto in its container, with the same configuration and access list as ./pantau's. The devices' and gateways' passwords,
# and what the gateways may write, come from a volume that the application writes (server/core/broker_credentials.py); a change
# is read within two seconds, and so is a renewed certificate.
set -eu
shared=/var/lib/pantau/broker own=/run/pantau-broker tls=/etc/pantau/tls
mkdir -p "$shared" "$own" /mosquitto/data
chown 1000:1000 "$shared"
chmod 700 "$shared"
chown mosquitto /mosquitto/data "$own"

rm -f "$own/pantau"
touch "$own/pantau"
chmod 600 "$own/pantau"
mosquitto_passwd -b "$own/pantau" pantau.ingest "$PANTAU_MQTT_PASSWORD"
mosquitto_passwd -b "$own/pantau" pantau.gateway "$PANTAU_MQTT_GATEWAY_PASSWORD"

# Readable by the broker's user only, whatever the original is.
place() {
    chown mosquitto "$1.new"
    chmod 600 "$1.new"
    mv "$1.new" "$1"
}
collect() {
    { cat "$own/pantau"; grep -Ev '^pantau\.(ingest|gateway):' "$shared/passwords" 2>/dev/null || true; } >"$own/passwords.new"
    place "$own/passwords"
    { cat /etc/pantau/mosquitto.acl; echo; sed -n '/^user gateway\./,$p' "$shared/acl" 2>/dev/null || true; } >"$own/acl.new"
    place "$own/acl"
    for name in cert.pem key.pem client-ca.pem; do
        if [ -f "$tls/$name" ]; then
            cat "$tls/$name" >"$own/$name.new"
            place "$own/$name"
        fi
    done
}
version() {
    for file in "$shared/passwords" "$shared/acl" "$tls/cert.pem" "$tls/key.pem" "$tls/client-ca.pem"; do
        stat -L -c '%i %Y %s' "$file" 2>/dev/null || echo none
    done
}

rm -f "$own"/*.pem
seen=$(version)
collect
if [ -n "${PANTAU_MQTT_TLS_DIR:-}" ]; then
    for name in cert.pem key.pem; do
        if [ ! -s "$own/$name" ]; then
            echo "pantau: there is no $name in PANTAU_MQTT_TLS_DIR ($PANTAU_MQTT_TLS_DIR)" >&2
            exit 1
        fi
    done
fi
sed -e 's|@PORT@|1883|' -e 's|@BIND@|0.0.0.0|' -e "s|@CREDENTIALS@|$own|" -e 's|@PID_FILE@||' \
    -e "s|@ACL@|$own/acl|" -e 's|@DATA@|/mosquitto/data|' \
    /etc/pantau/mosquitto.conf.template >"$own/mosquitto.conf"
if [ -s "$own/cert.pem" ]; then
    printf '\n# With certificates.\nlistener 8883 0.0.0.0\ncertfile %s\nkeyfile %s\n' "$own/cert.pem" "$own/key.pem" \
        >>"$own/mosquitto.conf"
fi
if [ -s "$own/client-ca.pem" ]; then
    printf 'cafile %s\nrequire_certificate true\nuse_identity_as_username true\n' "$own/client-ca.pem" >>"$own/mosquitto.conf"
fi
chmod 644 "$own/mosquitto.conf"

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
