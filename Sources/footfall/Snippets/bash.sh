# Footfall: counts a page by one UDP datagram. The page neither waits for it nor fails by it.
# Hook in CGI: . /path/to/footfall.sh
# [[ $REQUEST_METHOD == GET ]] && footfall "$REQUEST_URI" "$REMOTE_ADDR" "$HTTP_REFERER" "$HTTP_USER_AGENT"

FOOTFALL_SITE='@SITE@'
FOOTFALL_TO='@HOST@/@PORT@'
FOOTFALL_KEY='@KEY@'    # the site's key, at most 64 bytes; needed where Footfall runs on another machine

footfall() { # URL ADDRESS REFERRER AGENT
    local LC_ALL=C head tail beacon inner
    head="f1 s=$FOOTFALL_SITE&i=$(footfall_field "$2" 64)&t=$EPOCHREALTIME"
    tail="&r=$(footfall_field "$3" 200)&a=$(footfall_field "$4" 600)"
    beacon="$head&u=$(footfall_field "$1" $((1194 - ${#head} - ${#tail})))$tail"
    if [[ $FOOTFALL_KEY ]]; then # HMAC, without the key on a command line that others could see
        inner=$({ footfall_pad 0x36; printf %s "$beacon"; } | sha256sum)
        inner=$({ footfall_pad 0x5c; printf "$(sed 's/../\\x&/g' <<<"${inner%% *}")"; } | sha256sum)
        beacon+="&z=${inner:0:32}"
    fi
    { printf %s "$beacon" >"/dev/udp/$FOOTFALL_TO"; } 2>/dev/null || true
}

# TEXT form-encoded, in at most SIZE bytes, so that all of it fits into a datagram of 1232.
footfall_field() {
    local i byte code field=
    for ((i = 0; i < ${#1}; i++)); do
        byte=${1:i:1}
        case $byte in
        [A-Za-z0-9._-]) ;;
        ' ') byte=+ ;;
        *) printf -v code %d "'$byte" && printf -v byte %%%02X $((code & 255)) ;;
        esac
        ((${#field} + ${#byte} > $2)) && break
        field+=$byte
    done
    printf %s "$field"
}

footfall_pad() {
    local i code
    for ((i = 0; i < 64; i++)); do
        code=0
        [[ ${FOOTFALL_KEY:i:1} ]] && printf -v code %d "'${FOOTFALL_KEY:i:1}"
        printf -v code '\\x%02x' $((code & 255 ^ $1)) && printf "$code"
    done
}
