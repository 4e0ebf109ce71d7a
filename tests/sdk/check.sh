#!/usr/bin/env bash
# Runs Intercom's official Python and Node.js clients against a simulator: every AI Content and Data Events call, and
# their reading of its errors.
#
#     tests/sdk/check.sh URL [TOKEN [SIMULATOR_URL]]
#
# URL            where the clients send their calls
# TOKEN          the token that the simulator was started with (`finmirror simulator --token …`); default `sdk-check`
# SIMULATOR_URL  the simulator itself, where faults are ordered; only needed if URL is a validating proxy in front of it.
#                Event lists are left out then: proxies of OpenAPI files cannot read their exploded `filter` parameter.
#
# Installs nothing. Needs `pip install python-intercom` for $PYTHON (default python3), and `npm install intercom-client`
# in $INTERCOM_CLIENT_DIR (default: the current folder).
set -uo pipefail
export SDK_URL=${1:?usage: check.sh URL [TOKEN [SIMULATOR_URL]]}
export SDK_TOKEN=${2:-sdk-check}
export SDK_SIMULATOR_URL=${3:-$SDK_URL}
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
here=$(cd "$(dirname "$0")" && pwd)
status=0
"${PYTHON:-python3}" "$here/check.py" || status=1
node "$here/check.mjs" || status=1
exit "$status"
