<?php
// The page counts itself: one datagram, which nobody answers, so the page does not wait for it.
function count_view(string $site): void
{
    $socket = stream_socket_client('udp://127.0.0.1:7373');
    fwrite($socket, 'f1 ' . http_build_query([
        's' => $site,
        'i' => $_SERVER['REMOTE_ADDR'],
        'u' => $_SERVER['REQUEST_URI'],
        'r' => $_SERVER['HTTP_REFERER'] ?? '',
        'a' => $_SERVER['HTTP_USER_AGENT'] ?? '',
    ]));
}

// The site's public numbers as they were a moment ago; a dash while the daemon is away.
function numbers(string $site): array
{
    $context = stream_context_create(['http' => ['timeout' => 0.2]]);
    $answer = @file_get_contents("http://127.0.0.1:7374/api/v1/sites/$site", false, $context);
    $numbers = json_decode($answer ?: '{}', true);
    $shown = fn ($number) => $number === null ? '–' : number_format($number, 0, ',', '.');
    return [$shown($numbers['online']['visitors'] ?? null), $shown($numbers['total']['value'] ?? null)];
}

count_view('portal');
[$online, $total] = numbers('portal');
?>
<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sở Văn hoá tỉnh Ví Dụ</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
<header>Cổng thông tin điện tử · Sở Văn hoá tỉnh Ví Dụ</header>
<main>
<h1>Khai mạc tuần lễ sách mùa thu</h1>
<p>Sáng nay, thư viện tỉnh mở cửa phòng đọc mới cho bạn đọc nhỏ tuổi.</p>
</main>
<aside>
<h2>Thống kê truy cập</h2>
<p>Đang trực tuyến: <b><?= $online ?></b> · Tổng truy cập: <b><?= $total ?></b></p>
</aside>
</body>
</html>
