<?php
// A page as a web server would run it; the snippet counts it when it ends. The command line keeps no answer's type.
[, $snippet, $_SERVER['REQUEST_URI'], $_SERVER['REMOTE_ADDR']] = $argv;
[, , , , $_SERVER['HTTP_REFERER'], $_SERVER['HTTP_USER_AGENT']] = $argv;
$_SERVER['REQUEST_METHOD'] = getenv('METHOD');
$_SERVER['HTTP_ACCEPT'] = getenv('ACCEPT');
require $snippet;
http_response_code((int) getenv('STATUS'));
