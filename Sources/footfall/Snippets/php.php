<?php
// Footfall: counts each page by one UDP datagram. The page neither waits for it nor fails by it.
// Hook: require_once this file first in every page, or name it in php.ini: auto_prepend_file = /path/to/footfall.php

const FOOTFALL_SITE = '@SITE@';
const FOOTFALL_TO = 'udp://@HOST@:@PORT@';
const FOOTFALL_KEY = '@KEY@';               // the site's key; needed where Footfall runs on another machine

function footfall(?string $url, ?string $address, ?string $referrer, ?string $agent): void
{
    // Encoded text, cut to so many bytes in so much room where neither a character nor a %HH is torn.
    $cut = function ($text, $bytes, $room) {
        preg_match("/^(?:%..|[^%]){0,$bytes}+/", substr($text, 0, $room), $fits);
        return $fits[0] === $text ? $text : preg_replace('/%(25.?|[C-F].|[EF].%..|F.%..%..)$/i', '', $fits[0]);
    };
    set_error_handler(fn () => true); // whatever goes wrong here, the page goes on and says nothing of it
    try {
        $isLocal = preg_match('~//(127\.0\.0\.1|\[::1]|localhost):~', FOOTFALL_TO);
        // Bytes of a datagram, and of page and agent in it, alike for every visit; the referrer takes what is left.
        [$size, $ofPage, $ofAgent] = $isLocal ? [8000, 3072, 1536] : [1232, 700, 320];
        // Escapes past ASCII, as browsers send them, need not be escaped again.
        $page = preg_replace('/%25([89A-F][0-9A-F])/i', '%$1', urlencode($url ?? ''));
        $visitor = $cut(urlencode($address ?? ''), 45, 64);
        $beacon = sprintf('f1 s=%s&i=%s&t=%.6F', FOOTFALL_SITE, $visitor, microtime(true))
            . '&u=' . $cut($page, 1024, $ofPage) . '&a=' . $cut(urlencode($agent ?? ''), 512, $ofAgent);
        $beacon .= '&r=' . $cut(urlencode($referrer ?? ''), 1024, $size - 38 - strlen($beacon));
        if (FOOTFALL_KEY !== '') {
            $beacon .= '&z=' . substr(hash_hmac('sha256', $beacon, FOOTFALL_KEY), 0, 32);
        }
        $socket = stream_socket_client(FOOTFALL_TO);
        $socket && stream_set_blocking($socket, false) && fwrite($socket, $beacon);
    } catch (Throwable $error) {
    } finally {
        restore_error_handler();
    }
}

register_shutdown_function(function () {
    $isHTML = !preg_grep('~^content-type:(?!\s*text/html)~i', headers_list());
    $asksForPage = strpos($_SERVER['HTTP_ACCEPT'] ?? '', 'text/html') !== false;
    $status = http_response_code();
    $isPage = $isHTML && ($status === 200 || $status === 304 && $asksForPage);
    if ($isPage && ($_SERVER['REQUEST_METHOD'] ?? '') === 'GET') {
        // Behind a proxy REMOTE_ADDR has to be the visitor (mod_remoteip, real_ip).
        footfall($_SERVER['REQUEST_URI'] ?? '', $_SERVER['REMOTE_ADDR'] ?? '',
            $_SERVER['HTTP_REFERER'] ?? '', $_SERVER['HTTP_USER_AGENT'] ?? '');
    }
});
