// ---- The page of a site.

// Elements that follow the site's snapshot. Each reads its own part of it.
const followers = () => {
  const all = []
  const follow = (tag, read, traits) => {
    const element = make(tag, traits)
    all.push(site => put(element, read(site)))
    return element
  }
  return { follow, update: site => all.forEach(update => update(site)) }
}

const figures = follow => {
  const figure = (name, value, notes, traits) => make('div', traits,
    follow('dt', name), follow('dd', value, { class: 'value' }),
    ...notes.map(note => follow('dd', note, { class: 'note' })))
  const otherKind = ({ total }) => total.of == 'views' ? 'visits' : 'views'
  const spanFigure = (name, visitors) => figure(site => say(site.total.of + '_' + name), site => number(headline(name)(site)), [
    site => say(otherKind(site)) + ' ' + number(site[name][otherKind(site)]),
    site => say(visitors == 'visitors' ? 'visitors' : 'visitorDays') + ' ' + visitorsOf(name, visitors)(site)
  ])
  const peakFigure = (name, options) => figure(() => say(name == 'peak' ? 'peak' : 'peakToday'),
    site => number(site.online[name].visitors), [site => time(site.online[name].at, options, zoneOf(site))])
  return make('dl', { class: 'figures' },
    figure(() => say('onlineNow'), site => number(site.online.visitors), [
      site => say('within', windowOf(site)), site => site.exact.online ? '' : say('untracked')
    ], { class: 'now' }),
    peakFigure('peak_today', clockTime),
    peakFigure('peak', { ...dayAndMonth, year: 'numeric', ...clockTime }),
    spanFigure('today', 'visitors'),
    spanFigure('yesterday', 'visitors'),
    spanFigure('month', 'visitor_days'),
    figure(site => say(site.total.of + '_total'), site => number(site.total.value), [
      site => say(otherKind(site)) + ' ' + number(site.total[otherKind(site)]),
      site => say('since') + ' ' + time(site.total.since, { ...dayAndMonth, year: 'numeric' }, zoneOf(site)),
      site => startOf(site) ? say('start') + ' ' + number(startOf(site)) : ''
    ]))
}

const startOf = ({ total }) => total['start_' + total.of]

// The server says only for today whether visitors were estimated. For closed days their number shows it.
const isEstimated = (site, name, visitors) =>
  name == 'today' ? !site.exact.visitors_today : site[name][visitors] > estimatedFrom

const visitorsOf = (name, visitors) => site =>
  (isEstimated(site, name, visitors) ? '≈\u00a0' : '') + number(site[name][visitors])

const windowNames = ['1m', '5m', '1h', '24h', '7d', '30d']

const recentPart = follow => {
  const rows = windowNames.map(name => make('tr', {}, make('th', { scope: 'row' }, span(name)),
    ...['views', 'visits'].map(kind => follow('td', ({ windows }) => number(windows[name]?.[kind])))))
  return make('section', {}, make('h2', {}, say('windows')),
    table(null, [say('inTheLast'), say('views'), say('visits')], rows))
}

const notCountedPart = follow => {
  const line = (name, read) => make('div', {}, make('dt', {}, name), follow('dd', read))
  return make('section', {}, make('h2', {}, say('notCounted')), make('dl', { class: 'pairs' },
    line(say('botsToday'), ({ bots }) => number(bots.today)),
    line(say('botsTotal'), ({ bots }) => number(bots.total)),
    line(say('rejectedTotal'), ({ rejected }) => number(rejected.total))))
}

// Paths and referrers may contain anything, in either writing direction.
const keyCell = (key, share) => {
  const known = { '(direct)': 'direct', '(internal)': 'internal', '(other)': 'other' }[key]
  const cell = make('th', { scope: 'row', class: 'key', title: known ? null : key }, make('bdi', {}, known ? say(known) : key))
  cell.style.setProperty('--share', share * 100 + '%')
  return cell
}

const ranking = ({ rows, other, approximate }, kind) => {
  if (!rows.length && !other) return make('p', {}, say('nothing'))
  const all = other ? [...rows, { key: '(other)', views: other }] : rows
  const most = Math.max(...all.map(({ views }) => views), 1)
  const numbers = kind == 'pages' ? ['views', 'entries'] : ['views']
  const lines = all.map(row => make('tr', {}, keyCell(row.key, row.views / most),
    ...numbers.map(name => make('td', {}, number(row[name])))))
  return make('div', {},
    table(null, [say(kind == 'pages' ? 'page' : 'referrer'), ...numbers.map(name => say(name))], lines),
    approximate ? make('p', { class: 'note' }, say('swept')) : null)
}

const topPart = site => {
  let day = 'today', turn = 0
  const zone = () => zoneOf(sites.get(site))
  const localDay = moment => new Date(wall(moment, zone()) * 1e3).toISOString().slice(0, 10)
  const shown = make('p', { class: 'note', role: 'status' })
  const places = ['pages', 'referrers'].map(kind => [kind, make('div')])
  const refresh = async () => {
    const mine = ++turn
    try {
      const answers = await Promise.all(places.map(([kind]) =>
        ask(pathOf(site) + '/top/' + kind + '?limit=20&day=' + day)))
      if (mine != turn) return
      put(shown, time(answers[0].day + 'T00:00Z', wholeDay, 'UTC'))
      places.forEach(([kind, place], i) => place.replaceChildren(ranking(answers[i], kind)))
    } catch (error) {
      if (mine != turn || !error.message) return
      put(shown, error.message)
      for (const [, place] of places) place.replaceChildren()
    }
  }
  const days = choice('day', say('day'), ['today', 'yesterday'].map(name => [name, say(name)]), day, value => {
    day = value
    other.value = ''
    refresh()
  })
  const other = make('input', { type: 'date', max: localDay(now()), 'aria-label': say('otherDay'), onchange: () => {
    if (!other.value) return
    day = other.value
    for (const radio of days.querySelectorAll('input')) radio.checked = false
    refresh()
  } })
  const element = make('section', {}, make('h2', {}, say('ofDay')), make('div', { class: 'tools' }, days, other), shown,
    make('div', { class: 'columns' }, ...places.map(([kind, place]) => column(say(kind), place))))
  return { element, refresh }
}

const sitePage = (name, range, remembered) => {
  const { follow, update: updateFollowers } = followers()
  const warnings = warningList(false)
  const chart = chartPart(name, range, remembered)
  const top = topPart(name)
  const health = healthPanel(true)
  const heading = make('h1', { tabindex: -1 }, name)
  const back = make('nav', {}, make('a', { href: '#' }, '‹ ' + say('allSites')))
  const zone = follow('p', site => say('zone', zoneOf(site)), { class: 'note' })
  const estimated = follow('p', site => {
    const parts = [['today', 'visitors'], ['yesterday', 'visitors'], ['month', 'visitor_days']]
    if (!parts.some(([span, visitors]) => isEstimated(site, span, visitors))) return ''
    const percent = format(Intl.NumberFormat, { style: 'percent', maximumFractionDigits: 2 })
    return say('estimated', number(estimatedFrom), percent.format(standardError))
  }, { class: 'note' })
  const update = () => {
    const site = sites.get(name)
    if (!site) return
    remember(site)
    updateFollowers(site)
    warnings.update([site])
    chart.update()
  }
  const refresh = () => Promise.all([chart, top, health].map(part => part.refresh()))
  return {
    heading, update, refresh, site: name, zone: zoneOf(sites.get(name)), title: name + ' – Footfall',
    elements: [
      back, heading, zone, warnings.element, figures(follow), estimated, chart.element, top.element,
      make('div', { class: 'columns' }, recentPart(follow), notCountedPart(follow)), health.element
    ]
  }
}

const missingPage = name => {
  const heading = make('h1', { tabindex: -1 }, say('noSite', name))
  return {
    heading, update() {}, async refresh() {}, title: 'Footfall',
    elements: [heading, make('p', {}, make('a', { href: '#' }, say('allSites')))]
  }
}

// ---- What is shown: the part of the address after the # decides.

const wanted = () => new URLSearchParams(location.hash.slice(1))

const pageFor = address => {
  const site = address.get('site')
  if (!site) return overview()
  if (!sites.has(site)) return missingPage(site)
  const range = address.get('range')
  return sitePage(site, Object.hasOwn(ranges, range ?? '') ? range : '24h', range => {
    history.replaceState(null, '', '#' + new URLSearchParams({ site, range }))
  })
}

const show = () => {
  page = pageFor(wanted())
  document.title = page.title
  app.replaceChildren(...page.elements)
  page.update()
  refresh()
}

const go = () => {
  if (!page) return
  const from = page.site
  if (!from) list.scroll = scrollY
  show()
  follow()
  // Back on the list, readers are where they left it.
  const link = from && !page.site && [...app.querySelectorAll('th a')].find(({ textContent }) => textContent == from)
  const focus = link || page.heading
  focus.focus({ preventScroll: true })
  scrollTo(0, link ? list.scroll : 0)
}

app.tabIndex = -1
speak(chosenLanguage() ?? (navigator.language.startsWith('vi') ? 'vi' : 'en'))
addEventListener('hashchange', go)
// A page in the background closes its connection: a browser has only six for all of its tabs.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) load()
  else stream?.close()
})
setInterval(() => {
  if (!document.hidden && page) refresh()
}, 3e4)
setInterval(() => {
  // Silence on a live connection means that nothing changed.
  if (page?.site && stream?.readyState == EventSource.OPEN) page.update()
}, 1e4)
load()
