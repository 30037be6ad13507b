# Footfall: counts a page by one UDP datagram. The page neither waits for it nor fails by it.
# Hook in CGI: . /path/to/footfall.sh
# if [[ $REQUEST_METHOD == GET ]]; then
#     footfall "$REQUEST_URI" "$REMOTE_ADDR" "${HTTP_REFERER-}" "${HTTP_USER_AGENT-}"
# fi

FOOTFALL_SITE='@SITE@'
FOOTFALL_TO='@HOST@/@PORT@'
FOOTFALL_KEY='@KEY@'    # the site's key, at most 64 bytes; needed where Footfall runs on another machine

footfall() { # URL ADDRESS REFERRER AGENT
    (footfall_send "$@") >/dev/null 2>&1 || true
}

footfall_send() {
    local LC_ALL=C digit url beacon inner size=1232 of_page=700 of_agent=320
    # Bytes of a datagram, and of page and agent in it, alike for every visit; the referrer takes what is left.
    case $FOOTFALL_TO in # bash writes no more than 4096 at once
    127.0.0.1/* | ::1/* | localhost/*) size=4096 of_page=2400 of_agent=800 ;;
    esac
    url=$(footfall_encode "$1")
    for digit in 8 9 {A..F} {a..f}; do # escapes past ASCII, as browsers send them, need not be escaped again
        url=${url//%25$digit/%$digit}
    done
    beacon="f1 s=$FOOTFALL_SITE&i=$(footfall_cut "$(footfall_encode "$2")" 45 64)&t=$EPOCHREALTIME"
    beacon+="&u=$(footfall_cut "$url" 1024 $of_page)&a=$(footfall_cut "$(footfall_encode "$4")" 512 $of_agent)"
    beacon+="&r=$(footfall_cut "$(footfall_encode "$3")" 1024 $((size - 38 - ${#beacon})))"
    if [[ $FOOTFALL_KEY ]]; then # HMAC, without the key on a command line that others could see
        inner=$({ footfall_pad 0x36; printf %s "$beacon"; } | sha256sum)
        inner=$({ footfall_pad 0x5c; printf "$(sed 's/../\\x&/g' <<<"${inner%% *}")"; } | sha256sum)
        beacon+="&z=${inner:0:32}"
    fi
    printf %s "$beacon" >"/dev/udp/$FOOTFALL_TO"
}

# TEXT with escapes for what may not stand in a beacon.
footfall_encode() {
    local text=${1//'%'/%25}
    text=${text//'&'/%26}
    text=${text//'+'/%2B}
    printf %s "${text//$'\n'/%0A}"
}

# TEXT, encoded, cut to BYTES in so much ROOM where neither a character nor a %HH is torn.
footfall_cut() {
    local bytes text end=0 next torn=$'%(25.?|[C-Fc-f].|[EFef].%..|[Ff].%..%..)$|[\xc0-\xff][\x80-\xbf]*$'
    for ((bytes = 0; bytes < $2 && end < ${#1}; bytes++, end = next)); do
        next=$((end + 1))
        [[ ${1:end:1} == % ]] && next=$((end + 3))
        ((next > $3)) && break
    done
    text=${1:0:end}
    ((end < ${#1})) && [[ $text =~ $torn ]] && text=${text%"${BASH_REMATCH[0]}"}
    printf %s "$text"
}

footfall_pad() {
    local i code
    for ((i = 0; i < 64; i++)); do
        code=0
        [[ ${FOOTFALL_KEY:i:1} ]] && printf -v code %d "'${FOOTFALL_KEY:i:1}"
        printf -v code '\\x%02x' $((code & 255 ^ $1)) && printf "$code"
    done
}
