# shellcheck shell=bash
# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# As measured on the real image: the shell is the main process, sshd a daemon beside it that may die unseen.
"$OQS_INSTALL_DIR/scripts/key-gen.sh"
eval "$*"
