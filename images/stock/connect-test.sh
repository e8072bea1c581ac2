# shellcheck shell=bash
# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# Logs in to this container's own server as its user, with a key that exists only for this moment. Leaves nothing.
dir=${OQS_INSTALL_DIR:-/opt/oqs-ssh}
user=${OQS_USER:-oqs}
home=$(getent passwd "$user" | cut -d: -f6)
work=$(mktemp -d)
sig=$(sed -n -E 's|^HostKey[[:blank:]]+.*/ssh_host_(.*)_key.*|\1|Ip' "$dir/sshd_config" | head -n 1)
port=$(sed -n -E 's|^Port[[:blank:]]+([0-9]+).*|\1|Ip' "$dir/sshd_config" | head -n 1)
keys=$home/.ssh/authorized_keys
clean() {
    [ -e "$work/authorized_keys" ] && cat "$work/authorized_keys" > "$keys"
    [ -e "$work/none" ] && rm -f "$keys"
    rm -rf "$work"
}
trap clean EXIT
if [ -e "$keys" ]; then cp "$keys" "$work/authorized_keys"; else : > "$work/none"; fi
"$dir/bin/ssh-keygen" -q -t "$sig" -N "" -C connect-test -f "$work/key" || exit 1
[ -e "$keys" ] || install -o "$user" -g "$(id -g "$user")" -m 0600 /dev/null "$keys"
cat "$work/key.pub" >> "$keys"
if "$dir/bin/ssh" -p "${port:-2222}" -i "$work/key" -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "$user@localhost" true; then
    echo "connect-test: ok with $sig"
else
    echo "connect-test: failed with $sig" >&2
    exit 1
fi
