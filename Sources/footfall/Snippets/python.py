# Footfall: counts each page by one UDP datagram. The page neither waits for it nor fails by it.
# Hook: application = footfall.wsgi(application), or app = footfall.asgi(app); innermost of all middleware that
# corrects addresses, so that behind a proxy the visitor's own is sent (ProxyFix, uvicorn --proxy-headers).
import hmac, re, socket, time
from contextlib import suppress
from urllib.parse import quote, quote_plus

SITE = "@SITE@"
HOST = "@HOST@"
PORT = @PORT@
KEY = b"@KEY@"  # the site's key; needed where Footfall runs on another machine

IS_LOCAL = HOST in ("127.0.0.1", "::1", "localhost")
# Bytes of a datagram, and of page and agent in it, alike for every visit; the referrer takes what is left.
SIZE, OF_PAGE, OF_AGENT = (8000, 3072, 1536) if IS_LOCAL else (1232, 700, 320)

def footfall(url, address, referrer, agent):
    with suppress(Exception):  # the page goes on
        # Escapes past ASCII, as browsers send them, need not be escaped again.
        page = re.sub("%25([89A-Fa-f][0-9A-Fa-f])", r"%\1", quote_plus(url))
        beacon = "f1 s=%s&i=%s&t=%.6f" % (SITE, cut(quote_plus(address), 45, 64), time.time())
        beacon += "&u=" + cut(page, 1024, OF_PAGE) + "&a=" + cut(quote_plus(agent), 512, OF_AGENT)
        beacon += "&r=" + cut(quote_plus(referrer), 1024, SIZE - 38 - len(beacon))
        if KEY:
            beacon += "&z=" + hmac.digest(KEY, beacon.encode(), "sha256").hex()[:32]
        with socket.socket(socket.AF_INET6 if ":" in HOST else socket.AF_INET, socket.SOCK_DGRAM) as outlet:
            outlet.setblocking(False)
            outlet.sendto(beacon.encode(), (HOST, PORT))

def cut(text, size, room):  # encoded text: so many bytes in so much room, where neither a character nor a %HH is torn
    fits = re.match("(?:%%..|[^%%]){0,%d}" % size, text[:room])[0]
    return text if fits == text else re.sub("(?i)%(25.?|[C-F].|[EF].%..|F.%..%..)$", "", fits)

def is_page(method, accept, status, kind):
    return method == "GET" and status in (200, 304) and "text/html" in (kind if status == 200 else accept)

def wsgi(app):
    def counted(env, start_response):
        def watched(status, headers, *more):
            with suppress(Exception):
                kind = {name.lower(): value for name, value in headers}.get("content-type", "")
                if is_page(env["REQUEST_METHOD"], env.get("HTTP_ACCEPT", ""), int(status[:3]), kind):
                    url = quote((env.get("SCRIPT_NAME", "") + env.get("PATH_INFO", "")).encode("latin-1"))
                    footfall(url + "?" + env.get("QUERY_STRING", ""), env.get("REMOTE_ADDR", ""), *(
                        env.get(name, "").encode("latin-1") for name in ("HTTP_REFERER", "HTTP_USER_AGENT")))
            return start_response(status, headers, *more)
        return app(env, watched)
    return counted

def asgi(app):
    async def counted(scope, receive, send):
        async def watched(message):
            with suppress(Exception):
                if message["type"] == "http.response.start":
                    message["headers"] = list(message.get("headers", ()))
                    asked, answered = dict(scope["headers"]), dict(message["headers"])
                    accept, kind = asked.get(b"accept", b"").decode(), answered.get(b"content-type", b"").decode()
                    if is_page(scope["method"], accept, message["status"], kind):
                        url = quote(scope["path"]) + "?" + scope["query_string"].decode("latin-1")
                        address = (scope.get("client") or [""])[0]
                        footfall(url, address, asked.get(b"referer", b""), asked.get(b"user-agent", b""))
            await send(message)
        await app(scope, receive, watched if scope["type"] == "http" else send)
    return counted
