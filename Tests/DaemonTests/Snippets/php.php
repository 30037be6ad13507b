<?php
// A page as a web server would run it; the snippet counts it when it ends. GATEWAY=http: run by PHP's own web server,
// because the command line keeps no response type.
if (PHP_SAPI === 'cli' && getenv('GATEWAY') === 'http') {
    $free = stream_socket_server('tcp://127.0.0.1:0');
    $address = stream_socket_get_name($free, false);
    fclose($free);
    putenv('PAGE=' . implode("\n", array_slice($argv, 1)));
    $server = proc_open([PHP_BINARY, '-S', $address, __FILE__], [2 => ['file', '/dev/null', 'w']], $pipes);
    $end = microtime(true) + 10;
    while (!($client = @stream_socket_client("tcp://$address")) && microtime(true) < $end) usleep(5000);
    fwrite($client, getenv('METHOD') . " / HTTP/1.0\r\nAccept: " . getenv('ACCEPT') . "\r\nContent-Length: 0\r\n\r\n");
    echo preg_replace('~^HTTP/1.\d \d+.*~s', '', stream_get_contents($client)); // what no page prints
    proc_terminate($server);
    exit;
}
$page = PHP_SAPI === 'cli' ? array_slice($argv, 1) : explode("\n", getenv('PAGE'));
[$snippet, $_SERVER['REQUEST_URI'], $_SERVER['REMOTE_ADDR']] = $page;
[, , , $_SERVER['HTTP_REFERER'], $_SERVER['HTTP_USER_AGENT']] = $page;
$_SERVER['REQUEST_METHOD'] = getenv('METHOD');
$_SERVER['HTTP_ACCEPT'] = getenv('ACCEPT');
require $snippet;
http_response_code((int) getenv('STATUS'));
header('Content-Type: ' . getenv('TYPE'));
