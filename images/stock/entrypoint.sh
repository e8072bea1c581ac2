# shellcheck shell=bash
# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# Makes keys, starts sshd, then runs the command it was given. When that is a bare shell (the image's default) this
# script stays beside it, so that `docker stop` is prompt and the death of sshd ends the container, and with it the
# restart policy acts. Without a terminal or pipe on standard input (`docker run -d`) it becomes sshd itself.
dir=${OQS_INSTALL_DIR:-/opt/oqs-ssh}
pidfile=/run/oqs-sshd.pid
mark=/run/openrc/started/oqs-sshd

# $$ is 1 (or docker-init's child) at a start of the container: whatever the layer says of running services is old.
if [ "$(id -u)" = 0 ]; then
    rm -f "$mark" "$pidfile"
    rm -f /run/openrc/daemons/oqs-sshd/*
fi
"$dir/scripts/key-gen.sh"

if [ $# -gt 1 ] || { [ $# = 1 ] && [ "$1" != bash ]; } || [ "$(id -u)" != 0 ]; then
    exec "$@"
fi

if [ /dev/stdin -ef /dev/null ]; then
    rc-service oqs-sshd stop
    exec "$dir/sbin/sshd" -D -e
fi

trap 'rc-service oqs-sshd stop >/dev/null 2>&1; exit 0' TERM INT HUP
trap 'echo "sshd died: ending the container" >&2; exit 1' USR1

# Looks every second; a service that somebody stopped on purpose has no mark.
alive() {
    local pid
    pid=$(< "$pidfile") 2>/dev/null
    [ -n "$pid" ] && [ -d "/proc/$pid" ]
}
watch() {
    local missing=0
    while sleep 1; do
        if [ -e "$mark" ] && ! alive; then missing=$((missing + 1)); else missing=0; fi
        if [ $missing -ge 3 ]; then kill -USR1 $$; return; fi
    done
}
watch </dev/null &
bash <&0 &
shell=$!
wait $shell
exit $?
