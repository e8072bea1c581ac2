# shellcheck shell=bash
# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# Makes missing keys and starts the server by its service: for those who set another entry point.
exec "${OQS_INSTALL_DIR:-/opt/oqs-ssh}/scripts/key-gen.sh"
