// Counts each page that is shown, shows the site's numbers, and keeps the visitor online while somebody looks. d is the
// document, s the script's element, n the numbers by name, t their language. Names are short because the script is sent
// as it is, without comments and most spaces: it may cost a page 640 bytes by gzip.
((d, s) => {
  // On a page of two sites, a selector says which places belong to which.
  let { site, lang, places = '[data-footfall]' } = s.dataset
  // Fix the address of a hit now: applications change the base of relative addresses.
  let tag = d.documentElement.lang.replace('_', '-') || 'en', path, due, hit = new URL('hit', s.src), r = d.referrer.slice(0, 999)

  let show = (n, t) => {
    let text = k => n[k].toLocaleString(t)
    for (let e of d.querySelectorAll(places)) {
      let k = e.dataset.footfall
      // One number by its name; the place stays as it was if there is none. Without a name: all numbers, one per line.
      if (!k || k in n) e.innerText = k ? text(k) : Object.keys(n.labels).map(k => n.labels[k] + ': ' + text(k)).join('\n')
    }
  }

  let look = () => {
    let p = location.pathname
    // Background tabs and prerendered pages are hidden: they count when they are shown. Then one ping per minute.
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
        // The browser does not know the language.
        show(n)
      }
    }).catch(() => {})
    path = p
    // Pages shown from now on were reached from here.
    r = location.origin
  }

  // A page back from the browser's memory is seen once more.
  addEventListener('pagehide', () => path = 0)
  addEventListener('pageshow', look)
  addEventListener('visibilitychange', look)
  addEventListener('DOMContentLoaded', look)
  // For applications that never load another page: at once if the browser reports it, else within a second.
  self.navigation?.addEventListener('currententrychange', look)
  setInterval(look, 1e3)
  look()
})(document, document.currentScript)
