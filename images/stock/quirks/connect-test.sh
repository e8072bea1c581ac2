# shellcheck shell=bash
# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# As measured on the real image, it leaves things behind: a key pair, a line in authorized_keys, and a service marked
# as stopped while its sshd goes on.
sig=$(sed -n -E 's|^HostKey .*/ssh_host_(.*)_key$|\1|p' "$OQS_INSTALL_DIR/sshd_config" | head -n 1)
ssh_dir=/home/$OQS_USER/.ssh
ssh-keygen -q -t "$sig" -N "" -f "$ssh_dir/id_connect-test" </dev/null >/dev/null 2>&1
cat "$ssh_dir/id_connect-test.pub" >> "$ssh_dir/authorized_keys"
chown "$OQS_USER:" "$ssh_dir/id_connect-test" "$ssh_dir/id_connect-test.pub" "$ssh_dir/authorized_keys"
ssh -i "$ssh_dir/id_connect-test" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    "$OQS_USER@localhost" true
result=$?
rc-service oqs-sshd stop >/dev/null 2>&1
exit $result
