<?php
// Footfall: counts each page by one UDP datagram. The page neither waits for it nor fails by it.
// Hook: require this file first in every page, or name it in php.ini: auto_prepend_file = /path/to/footfall.php

const FOOTFALL_SITE = '@SITE@';
const FOOTFALL_TO = 'udp://@HOST@:@PORT@';
const FOOTFALL_KEY = '@KEY@';               // the site's key; needed where Footfall runs on another machine

function footfall(string $url, string $address, string $referrer, string $agent): void
{
    // Encoded, and cut where no %HH is torn, so that all of it fits into a datagram of 1232 bytes.
    $field = fn ($value, $bytes) => preg_replace('/%.?$/', '', substr(urlencode($value), 0, $bytes));
    $head = sprintf('f1 s=%s&i=%s&t=%.6F', FOOTFALL_SITE, $field($address, 64), microtime(true));
    $tail = '&r=' . $field($referrer, 200) . '&a=' . $field($agent, 600);
    $beacon = $head . '&u=' . $field($url, 1194 - strlen($head . $tail)) . $tail;
    if (FOOTFALL_KEY !== '') {
        $beacon .= '&z=' . substr(hash_hmac('sha256', $beacon, FOOTFALL_KEY), 0, 32);
    }
    try {
        $socket = @stream_socket_client(FOOTFALL_TO);
        $socket && stream_set_blocking($socket, false) && @fwrite($socket, $beacon);
    } catch (Throwable $error) {
        // An error handler that throws: the page goes on.
    }
}

register_shutdown_function(function () {
    $isHTML = !preg_grep('~^content-type:(?!\s*text/html)~i', headers_list());
    $asksForPage = strpos($_SERVER['HTTP_ACCEPT'] ?? '', 'text/html') !== false;
    $status = http_response_code();
    $isPage = $isHTML && ($status === 200 || $status === 304 && $asksForPage);
    if ($isPage && ($_SERVER['REQUEST_METHOD'] ?? '') === 'GET') {
        // Behind a proxy REMOTE_ADDR has to be the visitor (mod_remoteip, real_ip).
        footfall($_SERVER['REQUEST_URI'], $_SERVER['REMOTE_ADDR'],
            $_SERVER['HTTP_REFERER'] ?? '', $_SERVER['HTTP_USER_AGENT'] ?? '');
    }
});
