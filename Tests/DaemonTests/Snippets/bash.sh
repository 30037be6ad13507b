# A CGI script that counts itself.
set -eu
. "$1"
if [[ $METHOD == GET ]]; then footfall "${@:2}"; fi
