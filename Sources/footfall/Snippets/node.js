// Footfall: counts each page by one UDP datagram. The page neither waits for it nor fails by it.
// Hook: app.use(require('./footfall')) in Express or Connect, first of all; footfall(req, res) first in a bare
// http.createServer handler. Behind a proxy set Express's `trust proxy`, so that req.ip is the visitor.
const { createHmac } = require('crypto')
const { createSocket } = require('dgram')
const { isIPv6 } = require('net')

const SITE = '@SITE@'
const HOST = '@HOST@'
const PORT = @PORT@
const KEY = '@KEY@' // the site's key; needed where Footfall runs on another machine

const isLocal = ['127.0.0.1', '::1', 'localhost'].includes(HOST)
// Bytes of a datagram, and of page and agent in it, alike for every visit; the referrer takes what is left.
const [SIZE, OF_PAGE, OF_AGENT] = isLocal ? [8000, 3072, 1536] : [1232, 700, 320]
const socket = createSocket(isIPv6(HOST) ? 'udp6' : 'udp4').on('error', () => {}).unref()

const encode = value => new URLSearchParams({ v: value ?? '' }).toString().slice(2)

// Encoded text, cut to so many bytes in so much room where neither a character nor a %HH is torn.
const cut = (text, bytes, room) => {
  const [fits] = text.slice(0, room).match(`^(?:%..|[^%]){0,${bytes}}`)
  return fits === text ? text : fits.replace(/%(25.?|[C-F].|[EF].%..|F.%..%..)$/i, '')
}

const send = (url, address, referrer, agent) => {
  try {
    // Escapes past ASCII, as browsers send them, need not be escaped again.
    const page = encode(url).replace(/%25([89A-F][0-9A-F])/gi, '%$1')
    let beacon = `f1 s=${SITE}&i=${cut(encode(address), 45, 64)}&t=${Date.now() / 1000}`
    beacon += `&u=${cut(page, 1024, OF_PAGE)}&a=${cut(encode(agent), 512, OF_AGENT)}`
    beacon += `&r=${cut(encode(referrer), 1024, SIZE - 38 - beacon.length)}`
    const tag = KEY && '&z=' + createHmac('sha256', KEY).update(beacon).digest('hex').slice(0, 32)
    socket.send(beacon + tag, PORT, HOST, () => {})
  } catch {} // the page goes on
}

const watch = (req, res) => {
  if (res.headersSent) return
  const { accept = '', referer = '', 'user-agent': agent = '' } = req.headers
  const sent = [req.originalUrl ?? req.url, req.ip ?? req.socket.remoteAddress ?? '', referer, agent]
  // Once a header was set, getHeader also knows those that writeHead is given.
  res.setHeader('X-Footfall', '')
  res.removeHeader('X-Footfall')
  res.on('finish', () => {
    const kind = res.statusCode === 304 ? accept : res.statusCode === 200 ? res.getHeader('Content-Type') : ''
    if (req.method !== 'GET' || !/text\/html/i.test(kind)) return
    send(...sent.map(bytes => Buffer.from(`${bytes}`, 'latin1').toString()))
  })
}

module.exports = (req, res, next) => {
  try { watch(req, res) } catch {}
  next?.()
}
module.exports.send = send
