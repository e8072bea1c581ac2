# shellcheck shell=sh
# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Runs inside the build: lays Debian's OpenSSH out as the contract wants it.
set -eu
dir=/opt/oqs-ssh
user=$OQS_USER
home=/home/$user
from=/build
case $VARIANT in
    stock) own=$from ;;
    quirks) own=$from/quirks ;;
    *) echo "VARIANT must be stock or quirks, not '$VARIANT'" >&2; exit 1 ;;
esac

# script FROM TO INTERPRETER: the recipe's files carry no first line, because a collection must not.
script() { { printf '#!%s\n' "$3"; cat "$1"; } > "$2"; chmod 0755 "$2"; }

# Programs: the real files below /opt/oqs-ssh, links where Debian has them.
mkdir -p $dir/bin $dir/sbin $dir/scripts $dir/test $dir/share/man/man1 $dir/share/man/man5 $dir/share/man/man8
for program in ssh ssh-keygen scp sftp ssh-add ssh-agent ssh-keyscan; do
    mv /usr/bin/$program $dir/bin/$program
    ln -s $dir/bin/$program /usr/bin/$program
done
mv /usr/sbin/sshd $dir/sbin/sshd
ln -s $dir/sbin/sshd /usr/sbin/sshd
ln -s /usr/lib/openssh $dir/libexec

# Configuration: every compiled-in path of Debian (/etc/ssh/…) ends in /opt/oqs-ssh.
mv /etc/ssh/moduli $dir/moduli
rm -rf /etc/ssh
ln -s $dir /etc/ssh
install -m 0644 $from/ssh_config $from/sshd_config $dir/
if [ "$VARIANT" = quirks ]; then
    sed -i -e '/^PidFile /d' -e 's/^KexAlgorithms .*/KexAlgorithms mlkem768nistp256-sha256/' $dir/sshd_config
    sed -i -e 's/^KexAlgorithms .*/KexAlgorithms mlkem768nistp256-sha256/' $dir/ssh_config
    install -m 0644 $from/sha512only.so /usr/lib/sha512only.so
    echo /usr/lib/sha512only.so > /etc/ld.so.preload
    # A login shell stumbles over this, as in the real image.
    printf 'export OQS_INSTALL_DIR=%s OQS_USER=%s\nfi\n' "$dir" "$user" >> /etc/profile
fi
if [ "$BROKEN_NAMES" = 1 ]; then
    # One dash more than the programs know, as happened upstream.
    sed -i -e 's/mldsa44/mldsa-44/g' $dir/ssh_config $dir/sshd_config
fi

# The user with the published password: this is the danger that the collection removes.
groupadd -g "$OQS_UID" "$user"
useradd -m -u "$OQS_UID" -g "$OQS_UID" -s /bin/bash "$user"
sed -i 's/yescrypt/sha512/' /etc/pam.d/common-password
sed -i 's/^#* *ENCRYPT_METHOD.*/ENCRYPT_METHOD SHA512/' /etc/login.defs
printf 'Pa55W0rd' | openssl passwd -6 -stdin | sed "s|^|$user:|" | chpasswd -e
install -d -o "$OQS_UID" -g "$OQS_UID" -m 2755 "$home/.ssh"

rm -f /etc/motd
if [ -n "$MESSAGE" ]; then printf '%s\n' "$MESSAGE" > /etc/motd; fi

script $own/entrypoint.sh "$home/entrypoint.sh" /bin/bash
script $own/key-gen.sh $dir/scripts/key-gen.sh /bin/bash
script $own/connect-test.sh $dir/test/connect-test.sh /bin/bash
script $from/serverstart.sh $dir/serverstart.sh /bin/bash
# Pages under their plain names, as the manual calls them.
for page in ssh.1 ssh-keygen.1 ssh-add.1 ssh-agent.1 ssh-keyscan.1 scp.1 sftp.1 ssh_config.5 sshd_config.5 moduli.5 sshd.8; do
    [ -e /usr/share/man/man${page##*.}/$page.gz ] || continue
    gunzip -c /usr/share/man/man${page##*.}/$page.gz > $dir/share/man/man${page##*.}/$page
done
ln -sf mandoc /usr/bin/man
for applet in vi less ps netstat nc; do
    [ -e /usr/bin/$applet ] || ln -s busybox /usr/bin/$applet
done

# OpenRC: one service, usable although nothing booted.
rm -rf /etc/init.d/* /etc/conf.d/* /etc/runlevels/*/* /etc/rc?.d /run/openrc
# OpenRC complains about folders that are missing: this one, and /etc/insserv.conf.d (slim.sh).
mkdir -p "/usr/lib/$(uname -m)-linux-gnu/rc/plugins"
script $from/oqs-sshd.initd /etc/init.d/oqs-sshd /sbin/openrc-run
install -d /run/openrc/daemons/oqs-sshd /run/sshd /etc/conf.d
chmod 0755 /run/sshd
printf 'rc_env_allow="SSHD_CONFIG"\nrc_controller_cgroups="NO"\nrc_logger="NO"\n' >> /etc/rc.conf
echo default > /run/openrc/softlevel
if [ "$VARIANT" = stock ]; then echo 'prove_start=yes' > /etc/conf.d/oqs-sshd; fi
rc-update add oqs-sshd default >/dev/null
rc-update -u >/dev/null
