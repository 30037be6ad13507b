#!/bin/bash
# run.sh LANGUAGE SNIPPET URL ADDRESS REFERRER AGENT: counts one page with SNIPPET, its tokens replaced. Status 0: it
# ran. If the snippet has a middleware, the page goes through it, and METHOD, ACCEPT, STATUS and TYPE are those of the
# request and the response. GATEWAY=asgi is Python's other middleware, GATEWAY=http a web server of PHP's or Java's own, without
# which PHP keeps no TYPE and Java has no middleware. BUILD names a folder for compiled files, which stay there until
# the snippet changes.
set -eu
export LC_ALL=C.UTF-8 METHOD=${METHOD-GET} ACCEPT=${ACCEPT-text/html} STATUS=${STATUS-200} TYPE=${TYPE-text/html}
here=$(cd "$(dirname "$0")" && pwd)
language=$1 snippet=$(realpath "$2")
shift 2

if [[ ${BUILD-} ]]; then
    build=$BUILD/$language
else
    build=$(mktemp -d)
    trap 'rm -rf "$build"' EXIT
fi
mkdir -p "$build"

# Compiles into the folder, unless it holds this very snippet.
compiled() {
    cmp -s "$snippet" "$build/snippet" && return
    (cd "$build" && "$language") || return
    cp "$snippet" "$build/snippet"
}
go() {
    cp "$snippet" footfall.go
    cp "$here/go.go" main.go
    GO111MODULE=off GOFLAGS= GOCACHE=${GOCACHE-$build/cache} command go build -o main main.go footfall.go
}
csharp() {
    mcs -out:main.exe "$here/csharp.cs" "$snippet"
}
java() {
    cp "$snippet" Footfall.java
    javac -J-Xshare:auto -d . "$here/Page.java" Footfall.java
}

case $language in
bash) bash "$here/bash.sh" "$snippet" "$@" ;;
perl) perl "$here/perl.pl" "$snippet" "$@" ;;
php) php "$here/php.php" "$snippet" "$@" ;;
python) python3 "$here/python.py" "$snippet" "$@" ;;
node) node "$here/node.js" "$snippet" "$@" ;;
ruby) ruby "$here/ruby.rb" "$snippet" "$@" ;;
go) compiled && "$build/main" "$@" ;;
csharp) compiled && mono "$build/main.exe" "$@" ;;
java) compiled && command java -XX:TieredStopAtLevel=1 -cp "$build" Page "$@" ;;
*) echo "run.sh: no driver for $language" >&2; exit 64 ;;
esac
