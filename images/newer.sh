# shellcheck shell=sh
# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# Runs in the base image with an image's list of packages (/var/lib/dpkg/status) on standard input. Says which of those
# that make its server Debian has newer by now, a line each; ends with an error where Debian does not answer.
set -eu
installed=$(awk '/^Package: / { name = $2 } /^Version: / { print name, $2 }' | grep -E '^(openssh-|openssl |libssl)') || {
    echo "the image lists no package openssh-server" >&2
    exit 3
}
apt-get ${APT_OPTION:+-o "$APT_OPTION"} -qq -o APT::Update::Error-Mode=any update >&2 # else one that reached nobody would end well
echo "$installed" | while read -r name version; do
    candidate=$(apt-cache policy "$name" | awk '$1 == "Candidate:" { print $2 }')
    case $name/$candidate in
    openssh-server/ | "openssh-server/(none)")
        echo "Debian names no openssh-server" >&2
        exit 4
        ;;
    */ | */"(none)") continue ;; # a library that has another name by now
    esac
    if dpkg --compare-versions "$candidate" gt "$version"; then echo "$name $version $candidate"; fi
done
