// Counts each page that is shown, shows the site's numbers, and stays online while somebody looks. d is the document, s the
// script's element, n the numbers by their names, t the language they are written in. Names are short because it is sent as
// it stands, without comments and most spaces: 640 bytes by gzip are what a page may have to pay for it.
((d, s) => {
  // A page of two sites says by a selector which places are whose.
  const { site, lang, places = '[data-footfall]' } = s.dataset
  const tag = d.documentElement.lang || 'en'
  let path, sent, r = d.referrer.slice(0, 999)

  const show = (n, t) => {
    const text = k => n[k]?.toLocaleString(t)
    for (const e of d.querySelectorAll(places)) {
      const k = e.dataset.footfall
      // A number by its name, and as it was where it is private; without a name all of them, a line each.
      e.innerText = k ? text(k) ?? e.innerText : Object.keys(n.labels).map(k => n.labels[k] + ': ' + text(k)).join('\n')
    }
  }

  const look = () => {
    const p = location.pathname
    // A tab in the background and a page rendered ahead are hidden: they count when they are shown.
    if (d.hidden || d.readyState == 'loading' || p == path && Date.now() - sent < 5e4) return
    sent = Date.now()
    fetch(new URL('hit', s.src), {
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

  addEventListener('visibilitychange', look)
  addEventListener('DOMContentLoaded', look)
  // Back from the browser's memory: seen once more.
  addEventListener('pageshow', e => e.persisted && look(path = 0))
  // Applications that never load another page.
  addEventListener('popstate', look)
  self.navigation?.addEventListener('currententrychange', look)
  setInterval(look, 6e4)
  look()
})(document, document.currentScript)
