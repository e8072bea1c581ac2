# shellcheck shell=bash
# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# Wrong on purpose, in the ways measured on the real image: two lists paired by position, which an unusual line shifts
# against each other; errors of ssh-keygen hidden; a stale mark of OpenRC believed. See ../key-gen.sh for the right way.
dir=$OQS_INSTALL_DIR
user=$OQS_USER
home=/home/$user

if [ "$(id -u)" != 0 ]; then
    echo "Must be root! Aborting..."
    exit 1
fi

generate() {
    local alg=$1 file=$2
    if [ -e "$file" ]; then
        echo "$alg SKIPPED"
        return 1
    fi
    if ssh-keygen -q -t "$alg" -N "" -f "$file" >/dev/null 2>&1; then
        echo "$alg made"
        return 0
    fi
    echo "$alg FAILED"
    return 1
}

# An absolute path, or a tab, makes it into the first list and not into the second; a name without id_ the other way round.
mapfile -t algs < <(grep -i -E '^IdentityFile[[:blank:]=]' "$dir/ssh_config" | grep '/id_' | sed -E 's|^.*/id_||')
mapfile -t files < <(grep -i -E '^IdentityFile[ =]+~' "$dir/ssh_config" | sed -E "s|^[^~]*~|$home|")
mkdir -p "$home/.ssh"
chown "$user:$(id -g "$user")" "$home/.ssh"
chmod 2755 "$home/.ssh"
for i in "${!files[@]}"; do
    if generate "${algs[$i]}" "${files[$i]}"; then
        chown "$user:$(id -g "$user")" "${files[$i]}" "${files[$i]}.pub"
        chmod 0600 "${files[$i]}"
    fi
done

new=0
mapfile -t algs < <(grep -i -E '^HostKey[[:blank:]=]' "$dir/sshd_config" | grep '/ssh_host_' | sed -E 's|^.*/ssh_host_(.*)_key.*$|\1|')
mapfile -t files < <(grep -i -E '^HostKey[ =]+/' "$dir/sshd_config" | sed -E 's|^[^/]*||')
for i in "${!files[@]}"; do
    if generate "${algs[$i]}" "${files[$i]}"; then
        chmod 0600 "${files[$i]}"
        new=1
    fi
done

if [ $new = 1 ]; then
    rc-service oqs-sshd restart
else
    rc-service oqs-sshd start
fi
