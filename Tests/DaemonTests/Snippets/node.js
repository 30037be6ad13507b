// One page through the middleware, with the values that Express would give it; header bytes are Latin-1, as in Node.
const { EventEmitter } = require('events')
const [snippet, ...page] = process.argv.slice(2)
const [url, address, referer, agent] = page.map(text => Buffer.from(text).toString('latin1'))
const { METHOD, ACCEPT, STATUS, TYPE } = process.env

const headers = new Map()
const res = Object.assign(new EventEmitter(), {
  headersSent: false,
  setHeader(name, value) { headers.set(name.toLowerCase(), value); return this },
  removeHeader(name) { headers.delete(name.toLowerCase()) },
  getHeader(name) { return headers.get(name.toLowerCase()) }
})
const req = {
  method: METHOD, url, socket: { remoteAddress: address }, headers: { accept: ACCEPT, referer, 'user-agent': agent }
}
require(require('path').resolve(snippet))(req, res, () => {
  res.statusCode = Number(STATUS)
  res.setHeader('Content-Type', TYPE)
  res.emit('finish')
})
