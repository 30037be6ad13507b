# Footfall: counts each page by one UDP datagram. The page neither waits for it nor fails by it.
# Hook: application = footfall.wsgi(application), or app = footfall.asgi(app); innermost of all middleware that
# corrects addresses, so that behind a proxy the visitor's own is sent (ProxyFix, uvicorn --proxy-headers).
import hmac, re, socket, time
from urllib.parse import quote, quote_plus

SITE = "@SITE@"
HOST = "@HOST@"
PORT = @PORT@
KEY = b"@KEY@"  # the site's key; needed where Footfall runs on another machine

FAMILY, _, _, _, DAEMON = socket.getaddrinfo(HOST, PORT, type=socket.SOCK_DGRAM)[0]
OUTLET = socket.socket(FAMILY, socket.SOCK_DGRAM)

def footfall(url, address, referrer, agent):
    def field(value, size):  # encoded, and cut where no %HH is torn, so that all of it fits into 1232 bytes
        return re.sub(b"%.?$", b"", quote_plus(value).encode()[:size])
    head = b"f1 s=%s&i=%s&t=%.6f" % (SITE.encode(), field(address, 64), time.time())
    tail = b"&r=%s&a=%s" % (field(referrer, 200), field(agent, 600))
    beacon = head + b"&u=" + field(url, 1194 - len(head + tail)) + tail
    if KEY:
        beacon += b"&z=" + hmac.digest(KEY, beacon, "sha256").hex()[:32].encode()
    try:
        OUTLET.sendto(beacon, socket.MSG_DONTWAIT, DAEMON)
    except OSError:
        pass

def is_page(method, accept, status, kind):
    return method == "GET" and status in (200, 304) and "text/html" in (kind if status == 200 else accept)

def wsgi(app):
    def counted(env, start_response):
        def watched(status, headers, *more):
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
        asked = dict(scope.get("headers", ()))
        async def watched(message):
            if message["type"] == "http.response.start":
                kind = dict(message.get("headers", ())).get(b"content-type", b"").decode("latin-1")
                if is_page(scope["method"], asked.get(b"accept", b"").decode("latin-1"), message["status"], kind):
                    url = quote(scope["path"]) + "?" + scope["query_string"].decode("latin-1")
                    address = (scope.get("client") or [""])[0]
                    footfall(url, address, asked.get(b"referer", b""), asked.get(b"user-agent", b""))
            await send(message)
        await app(scope, receive, watched if scope["type"] == "http" else send)
    return counted
