# One page through the WSGI middleware; GATEWAY=asgi: through the other.
import asyncio, importlib.util, os, sys, urllib.parse

snippet, url, address, referrer, agent = map(os.fsencode, sys.argv[1:])
module = importlib.util.spec_from_file_location("footfall", snippet.decode())
footfall = importlib.util.module_from_spec(module)
module.loader.exec_module(footfall)

path, _, query = url.partition(b"?")
path = urllib.parse.unquote_to_bytes(path)
method, accept, status, kind = (os.environ[name] for name in ("METHOD", "ACCEPT", "STATUS", "TYPE"))


def wsgi(env, start_response):
    start_response(status + " Answer", [("Content-Type", kind)])
    return [b""]


async def asgi(scope, receive, send):
    headers = [(b"content-type", kind.encode())]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body"})


async def ignore(message):
    pass


if os.environ.get("GATEWAY") == "asgi":
    headers = [(b"accept", accept.encode()), (b"referer", referrer), (b"user-agent", agent)]
    scope = {"type": "http", "method": method, "path": path.decode(errors="replace"), "query_string": query,
             "headers": headers, "client": (address.decode(), 50000)}
    asyncio.run(footfall.asgi(asgi)(scope, None, ignore))
else:
    text = lambda value: value.decode("latin-1")
    env = {"REQUEST_METHOD": method, "HTTP_ACCEPT": accept, "SCRIPT_NAME": "", "PATH_INFO": text(path),
           "QUERY_STRING": text(query), "REMOTE_ADDR": text(address), "HTTP_REFERER": text(referrer),
           "HTTP_USER_AGENT": text(agent)}
    footfall.wsgi(wsgi)(env, lambda status, headers: None)
