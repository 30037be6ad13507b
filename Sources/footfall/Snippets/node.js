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

const socket = createSocket(isIPv6(HOST) ? 'udp6' : 'udp4').on('error', () => {}).unref()

// Encoded, and cut where no %HH is torn, so that all of it fits into a datagram of 1232 bytes.
const field = (value, size) => new URLSearchParams({ v: value }).toString().slice(2, 2 + size).replace(/%.?$/, '')

const send = (url, address, referrer, agent) => {
  const head = `f1 s=${SITE}&i=${field(address, 64)}&t=${Date.now() / 1000}`
  const tail = `&r=${field(referrer, 200)}&a=${field(agent, 600)}`
  const beacon = `${head}&u=${field(url, 1194 - head.length - tail.length)}${tail}`
  const tag = KEY && '&z=' + createHmac('sha256', KEY).update(beacon).digest('hex').slice(0, 32)
  socket.send(beacon + tag, PORT, HOST, () => {})
}

module.exports = (req, res, next) => {
  if (res.headersSent) return next?.()
  const { accept = '', referer = '', 'user-agent': agent = '' } = req.headers
  const sent = [req.originalUrl ?? req.url, req.ip ?? req.socket.remoteAddress ?? '', referer, agent]
  // Once a header was set, getHeader also knows those that writeHead is given.
  res.setHeader('X-Footfall', '')
  res.removeHeader('X-Footfall')
  res.on('finish', () => {
    const kind = res.statusCode === 304 ? accept : res.statusCode === 200 ? res.getHeader('Content-Type') : ''
    if (req.method !== 'GET' || !/text\/html/i.test(kind)) return
    send(...sent.map(bytes => Buffer.from(bytes, 'latin1').toString()))
  })
  next?.()
}
module.exports.send = send
