# Copyright: (c) 2026, quantumsafe.openssh contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where things lie: on the host, and in the container. The one place that says so. Pure."""

from __future__ import annotations

#: In the image (its own layout).
INSTALL_DIR = "/opt/oqs-ssh"
IMAGE_SSH = INSTALL_DIR + "/bin/ssh"
IMAGE_KEYGEN = INSTALL_DIR + "/bin/ssh-keygen"
IMAGE_CONFIG = INSTALL_DIR + "/ssh_config"
#: In the container: what becomes its main process; where one that is only asked finds what it is asked about.
ENTRY, ASKED = "/usr/local/sbin/oqs-ssh-entry", "/usr/local/share/oqs-ssh-asked"

#: Working copies of the configurations, world-readable; mounted, so that the container's root can write here: content
#: to compare, never to run, to mount or to trust.
STATE_DIR = "/etc/oqs-ssh"
HOP_FILE = STATE_DIR + "/hop_config"
#: Host keys and the password's hash.
PRIVATE_DIR = STATE_DIR + "/private"
#: Host keys that are announced, and not yet shown first.
NEXT_DIR = PRIVATE_DIR + "/next"

#: Of root alone.
VAR_DIR = "/var/lib/oqs-ssh"
#: What the container is made from, and what was written for it: out of its reach.
SERVER_DIR = VAR_DIR + "/server"
#: Its entry, mounted read-only; its user's uid; algorithm lists that earlier runs wrote.
ENTRY_FILE, UID, WRITTEN = (SERVER_DIR + "/" + name for name in ("entry", "uid", "written.json"))
#: Fingerprints of the host keys that we announced, and since when: whatever else lies in NEXT_DIR is nobody's.
ANNOUNCED = SERVER_DIR + "/announced.json"
#: Where earlier versions had these, in the container's reach.
OLD_ENTRY, OLD_UID, OLD_WRITTEN = STATE_DIR + "/entry", STATE_DIR + "/uid", PRIVATE_DIR + "/written.json"
EARLIER = (OLD_ENTRY, OLD_UID, OLD_WRITTEN)
#: The container's user's own folder for keys; mounted.
HOME_SSH = VAR_DIR + "/home-ssh"
IDENTITY = HOME_SSH + "/id_ed25519"
#: What each image was asked once.
IMAGES_DIR = VAR_DIR + "/images"
#: Which image was replaced by the one that serves; what oqs_ssh_rollback goes back to.
PREVIOUS = IMAGES_DIR + "/previous.json"
LEDGER_DIR = VAR_DIR + "/ledger"
LEDGER = LEDGER_DIR + "/ledger.jsonl"
#: Of a replacement on its way: copies of the state for the trial, what was there before, and how far it is.
UPGRADE_DIR = VAR_DIR + "/upgrade"
UPGRADE_BEFORE = UPGRADE_DIR + "/before"
TRIAL_STATE = UPGRADE_DIR + "/etc"
TRIAL_ENTRY = UPGRADE_DIR + "/entry"
TRIAL_HOME = UPGRADE_DIR + "/home"
#: Where parts of an image wait until all are there; only root's. Empty (and gone) but after an interruption.
PARTS_DIR = "/var/cache/oqs-ssh"
#: Where keys are kept when asked; with a number where something lies there already.
ASIDE = "/var/backups/oqs-ssh"

#: How folders begin in which keys are made, below /run.
KEYS_PREFIX = "oqs-ssh-keys-"
#: Of root alone: in /run/lock anybody could make the file first.
LOCK_DIR = "/run/oqs-ssh"
LOCK = LOCK_DIR + "/lock"
#: The last edited configuration of which the effect was found to be as wanted, by its hash.
JUDGED = LOCK_DIR + "/judged"
#: Where earlier versions had it.
OLD_LOCK = "/run/lock/oqs-ssh.lock"
#: How work ended that outlives its connection.
RESULTS_DIR = "/run/oqs-ssh-errands"

#: What the roles' state ``absent`` takes away; the ledger stays, it says what else was changed.
REMOVED = (STATE_DIR, HOME_SSH, SERVER_DIR, IMAGES_DIR, PARTS_DIR)
