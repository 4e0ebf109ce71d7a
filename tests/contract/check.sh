#!/usr/bin/env bash
# Mirrors a few real documents through a proxy that validates both sides against Intercom's own API description:
# tests/contract/check.sh BINARY CONTRACT CORPORA
# CONTRACT UPSTREAM PORT is a program that starts the proxy; it may install what it needs on its first start.
set -euo pipefail
if [ $# -ne 3 ]; then
  echo "usage: tests/contract/check.sh BINARY CONTRACT CORPORA" >&2
  exit 2
fi
exec python3 -B "$(dirname "${BASH_SOURCE[0]}")/check.py" "$@"
