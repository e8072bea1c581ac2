# shellcheck shell=sh
# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Runs last inside the build: takes out what a running container never needs. The list of packages
# (/var/lib/dpkg/status) stays, so that scanners can tell what is inside.
set -eu
lib=/usr/lib/$(uname -m)-linux-gnu
rm -rf /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale /usr/share/lintian /usr/share/bug \
    /usr/share/bash-completion /usr/share/zsh /usr/share/runit /usr/share/gcc /usr/share/perl5 /usr/share/debconf \
    /var/lib/apt /var/cache/apt /var/cache/debconf /var/lib/dpkg/info /var/lib/systemd /var/log/apt /var/log/dpkg.log \
    /etc/apt /etc/insserv.conf.d/* /etc/systemd /etc/sv "$lib/gconv" "$lib/perl-base" /usr/lib/apt /usr/lib/systemd \
    /usr/lib/sysusers.d /usr/lib/tmpfiles.d /etc/update-motd.d /usr/libexec/dpkg /usr/lib/dpkg
rm -f /usr/bin/perl* /usr/bin/apt* /usr/bin/dpkg* /usr/bin/deb* /usr/sbin/dpkg* /usr/sbin/debconf* /usr/bin/sqv \
    /usr/sbin/pam-auth-update /usr/sbin/insserv "$lib"/libapt-* "$lib"/libstdc++* "$lib"/libdb-5* "$lib"/libgconv* \
    /var/lib/dpkg/*-old /etc/resolv.conf.* /usr/bin/systemd-sysusers
find /var/log /var/tmp /tmp -type f -delete
rm -rf /build
