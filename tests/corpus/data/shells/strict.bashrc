# strict modes
set -u
set -o pipefail
