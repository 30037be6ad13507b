// Counts each page that is shown, shows the site's numbers, and stays online while somebody looks. d is the document, s the
// script's element, n the numbers by their names, t the language they are written in. Names are short because it is sent as
// it stands, without comments and most spaces: 640 bytes by gzip are what a page may have to pay for it.
((d, s) => {
  // A page of two sites says by a selector which places are whose.
  let { site, lang, places = '[data-footfall]' } = s.dataset
  // The address of a hit is settled now: applications change what a relative one is relative to.
  let tag = d.documentElement.lang.replace('_', '-') || 'en', path, due, hit = new URL('hit', s.src), r = d.referrer.slice(0, 999)

  let show = (n, t) => {
    let text = k => n[k].toLocaleString(t)
    for (let e of d.querySelectorAll(places)) {
      let k = e.dataset.footfall
      // A number by its name, and as it was where there is none; without a name all of them, a line each.
      if (!k || k in n) e.innerText = k ? text(k) : Object.keys(n.labels).map(k => n.labels[k] + ': ' + text(k)).join('\n')
    }
  }

  let look = () => {
    let p = location.pathname
    // A tab in the background and a page rendered ahead are hidden: they count when they are shown. Then a ping a minute.
    if (d.hidden || d.readyState == 'loading' || p == path && Date.now() < due) return
    due = Date.now() + 6e4
    fetch(hit, {
      method: 'POST',
      keepalive: true,
      body: new URLSearchParams({ s: site, l: tag, ...p == path ? { n: 'ping' } : { u: (p + location.search).slice(0, 999), r } })
    }).then(a => a.json()).then(n => {
      try {
        show(n, lang || tag)
      } catch {
        // A language that no browser knows.
        show(n)
      }
    }).catch(() => {})
    path = p
    // Whatever is shown from now on was reached from here.
    r = location.origin
  }

  // Back from the browser's memory: seen once more.
  addEventListener('pagehide', () => path = 0)
  addEventListener('pageshow', look)
  addEventListener('visibilitychange', look)
  addEventListener('DOMContentLoaded', look)
  // Applications that never load another page: at once where the browser tells of it, and else within a second.
  self.navigation?.addEventListener('currententrychange', look)
  setInterval(look, 1e3)
  look()
})(document, document.currentScript)
