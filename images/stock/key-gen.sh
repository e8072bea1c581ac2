# shellcheck shell=bash
# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# Makes the keys that the configuration names and that do not exist yet, then sees to it that sshd runs. It looks at
# lines that begin, in column 0 and in any case, with IdentityFile (ssh_config) or HostKey (sshd_config):
#   IdentityFile ~/.ssh/id_<SIG>      HostKey /opt/oqs-ssh/ssh_host_<SIG>_key
# An existing key is never touched. Exit code: that of the service, or 1 when a key could not be made.
dir=${OQS_INSTALL_DIR:-/opt/oqs-ssh}
user=${OQS_USER:-oqs}
home=$(getent passwd "$user" | cut -d: -f6)
failed=0
new_host_key=0

if [ "$(id -u)" != 0 ]; then
    echo "Must be root! Aborting..." >&2
    exit 1
fi

# values KEYWORD FILE: the values of its lines, one per line, without quotes and blanks around them.
values() {
    sed -n -E "s/^$1([[:blank:]]+|[[:blank:]]*=[[:blank:]]*)//Ip" "$2" | sed -E 's/[[:blank:]\r]+$//; s/^"(.*)"$/\1/'
}

# name SIG: the name as ssh-keygen spells it; files of older generations have _ for -.
name() {
    local known
    while read -r known; do
        if [ "${known//-/_}" = "${1//-/_}" ]; then echo "$known"; return; fi
    done < <("$dir/bin/ssh-keygen" -Q key-plain 2>/dev/null || "$dir/bin/ssh" -Q key-plain 2>/dev/null)
    echo "$1"
}

# make KIND SIG FILE: 0 when the key is there afterwards.
make() {
    if [ -e "$3" ]; then
        echo "$1 $2 SKIPPED: $3 is there"
    elif "$dir/bin/ssh-keygen" -q -t "$(name "$2")" -N "" -C "$user@$(hostname)" -f "$3"; then
        echo "$1 $2 made: $3"
        return 0
    else
        echo "$1 $2 FAILED: no $3" >&2
        failed=1
    fi
    return 1
}

while read -r path; do
    file=${path/#\~/$home}
    case $file in */id_*) sig=${file##*/id_} ;; *) continue ;; esac
    install -d -o "$user" -g "$(id -g "$user")" -m 2755 "$home/.ssh"
    if make identity "$sig" "$file"; then
        chown "$user:$(id -g "$user")" "$file" "$file.pub"
        chmod 0600 "$file"
        chmod 0644 "$file.pub"
    fi
done < <(values IdentityFile "$dir/ssh_config")

while read -r file; do
    case $file in */ssh_host_*_key) sig=${file##*/ssh_host_}; sig=${sig%_key} ;; *) continue ;; esac
    if make "host key" "$sig" "$file"; then
        chmod 0600 "$file"
        chmod 0644 "$file.pub"
        new_host_key=1
    fi
done < <(values HostKey "$dir/sshd_config")

rc-service oqs-sshd status >/dev/null 2>&1
case $? in
    0) if [ $new_host_key = 1 ]; then rc-service oqs-sshd restart; fi ;;
    # Marked as started, but nothing runs: the mark is of an earlier life of the container.
    32) rc-service oqs-sshd zap >/dev/null; rc-service oqs-sshd start ;;
    *) rc-service oqs-sshd start ;;
esac
service=$?
if [ $service != 0 ]; then exit $service; fi
exit $failed
