// Counts this page view, shows the site's numbers, and stays online while somebody looks at the page.
(() => {
  const page = document
  const script = page.currentScript
  const { site, lang } = script.dataset
  const pageLang = (page.documentElement.lang || 'en').replaceAll('_', '-')

  const show = numbers => {
    const text = name => {
      try {
        return numbers[name].toLocaleString(lang || pageLang)
      } catch {
        return numbers[name].toLocaleString()
      }
    }
    for (const place of page.querySelectorAll('[data-footfall]')) {
      const name = place.dataset.footfall
      if (name in numbers) place.textContent = text(name)
      else if (!name)
        place.replaceChildren(...Object.keys(numbers.labels).map(name => {
          const line = page.createElement('div')
          line.textContent = numbers.labels[name] + ': ' + text(name)
          return line
        }))
    }
  }

  const send = more =>
    fetch(new URL('hit', script.src), {
      method: 'POST',
      keepalive: true,
      body: new URLSearchParams({ s: site, l: pageLang, u: location.href.split('#')[0].slice(0, 1024), ...more })
    }).then(answer => answer.json()).then(numbers => {
      show(numbers)
      // Places further down may not have been there yet.
      page.addEventListener('DOMContentLoaded', () => show(numbers))
    }).catch(() => {})

  send({ r: page.referrer.split('/', 3).join('/') })
  setInterval(() => page.hidden || send({ n: 'ping' }), 60000)
})()
