// ---- The server.

const app = document.getElementById('app')
const sites = new Map()
// The server's clock minus ours, in milliseconds.
let lead = 0
let asOf, page, stream, retry

const now = () => (Date.now() + lead) / 1e3
const pathOf = site => 'sites/' + encodeURIComponent(site)

// Throws what the server says is wrong; an empty message if the server does not answer.
const ask = async path => {
  const answer = await fetch('api/v1/' + path).catch(() => {})
  if (!answer) {
    lose()
    throw new Error('')
  }
  if (answer.status == 401) signInAgain()
  const body = await answer.json().catch(() => ({}))
  if (!answer.ok) throw new Error(body.detail ?? 'HTTP ' + answer.status)
  return body
}

// Reloads, and the server shows the form. Not in a loop, if the server gives us the page but not the numbers.
const signInAgain = () => {
  const { type } = performance.getEntriesByType('navigation')[0]
  if (type != 'reload' || performance.now() > 5e3) location.reload()
}

// What fails now is requested again half a minute later.
const refresh = () => page.refresh().catch(() => {})

const receive = snapshots => {
  for (const snapshot of snapshots) sites.set(snapshot.site, snapshot)
  if (!snapshots.length) return
  asOf = snapshots[0].as_of
  lead = Date.parse(asOf) - Date.now()
}

const receiveAll = snapshots => {
  sites.clear()
  receive(snapshots)
}

const lose = () => {
  stream?.close()
  header.tell(false)
  clearTimeout(retry)
  retry = setTimeout(load, 5e3)
}

const follow = () => {
  stream?.close()
  if (document.hidden) return
  stream = new EventSource('api/v1/' + (page.site ? pathOf(page.site) + '/live' : 'live'))
  stream.onerror = lose
  stream.addEventListener('counters', event => {
    const data = JSON.parse(event.data)
    if (data.sites) receiveAll(data.sites)
    else receive([data])
    page.update()
  })
}

// Loads everything again: at the start, after the connection was lost, and when the page is visible again.
const load = async () => {
  clearTimeout(retry)
  try {
    receiveAll((await ask('sites')).sites)
  } catch {
    return lose()
  }
  header.tell(true)
  if (page) {
    page.update()
    refresh()
  } else show()
  follow()
}

// ---- Around every page.

const header = (() => {
  const state = make('span', { class: 'state', role: 'status' })
  const bar = make('header')
  let isLive
  const tell = live => {
    isLive = live
    document.body.classList.toggle('lost', !live)
    if (!bar.isConnected) label()
    put(state, live ? say('live') : asOf ? say('lost', time(asOf, exactTime, page?.zone)) : say('unreached'))
  }
  const signOut = async event => {
    const button = event.target
    const answer = await fetch('sign-out', { method: 'POST', redirect: 'manual' }).catch(() => {})
    // If nobody can sign in, nobody can sign out.
    if ([404, 405].includes(answer?.status)) button.hidden = true
    else if (answer) location.reload()
  }
  const label = () => {
    const [other, name] = language == 'vi' ? ['en', 'English'] : ['vi', 'Tiếng Việt']
    const change = make('button', { lang: other, onclick: () => turnTo(other) }, name)
    // A link to #app would be read as the page of a site.
    const skip = make('a', { class: 'skip', href: location.hash || '#', onclick: event => {
      event.preventDefault()
      app.focus()
    } }, say('skip'))
    bar.replaceChildren(skip, make('a', { class: 'brand', href: '#' }, 'Footfall'), state, change,
      make('button', { onclick: signOut }, say('signOut')))
    document.body.prepend(bar)
    return change
  }
  const turnTo = tag => {
    speak(tag)
    chosenLanguage(tag)
    label().focus()
    tell(isLive)
    if (page) show()
  }
  return { tell }
})()

// Each warning once, with its sites: warnings about the machine come with every site.
const aboutAll = ['kernel_drops', 'disk', 'clock']

const warningsOf = (snapshots, isOverview) => {
  const found = new Map()
  for (const { site, warnings } of snapshots) {
    for (const { code, detail } of warnings) {
      const key = code + detail
      if (!found.has(key)) found.set(key, { code, detail, sites: [] })
      if (isOverview && !aboutAll.includes(code)) found.get(key).sites.push(site)
    }
  }
  return [...found.values()]
}

const warningLine = ({ code, detail, sites }) => make('p', { class: 'warning' },
  make('strong', {}, words[code] ? say(code) : code), ' ',
  make('span', { lang: 'en' }, detail),
  ...sites.slice(0, 20).flatMap(site => [' ', linkTo(site)]),
  sites.length > 20 ? ' + ' + number(sites.length - 20) : null)

const warningList = isOverview => {
  const element = make('div')
  let was = ''
  const update = snapshots => {
    const found = warningsOf(snapshots, isOverview)
    const is = JSON.stringify(found)
    if (is == was) return
    was = is
    const lines = found.map(warningLine)
    const open = element.querySelector('details')?.open
    element.replaceChildren(...lines.length < 4 ? lines : [make('details', { class: 'panel', open },
      make('summary', { class: 'bad' }, say('warnings', number(lines.length))), ...lines)])
  }
  return { element, update }
}

const linkTo = site => make('a', { href: '#site=' + encodeURIComponent(site) }, site)

// ---- Health.

const reasons = counts => {
  const some = Object.entries(counts).filter(([, count]) => count)
  return some.length ? pairs(some.map(([reason, count]) => [reason, number(count)])) : make('p', {}, number(0))
}

const ago = moment => {
  const seconds = Math.min(0, Math.round(Date.parse(moment) / 1e3 - now()))
  const relative = format(Intl.RelativeTimeFormat, { numeric: 'auto' })
  return seconds > -120 ? relative.format(seconds, 'second') : relative.format(Math.round(seconds / 60), 'minute')
}

const column = (title, content) => make('div', {}, make('h3', {}, title), content)

const healthColumns = ({ version, ingest, durability }) => [
  column(say('received'), pairs([
    [say('datagrams'), number(ingest.datagrams)],
    [say('records'), number(ingest.records)],
    [say('views'), number(ingest.views)],
    [say('pings'), number(ingest.pings)],
    [say('duplicates'), number(ingest.duplicates)],
    [say('bots'), number(ingest.bots)],
    [say('tracked'), number(ingest.tracked_visitors)],
    [say('untrackedVisitors'), number(ingest.untracked_visitors), ingest.untracked_visitors],
    [say('kernelDrops'), number(ingest.kernel_drops), ingest.kernel_drops]
  ])),
  column(say('storage'), pairs([
    [say('checkpoint'), durability.checkpoint_last_success ? ago(durability.checkpoint_last_success) : '–'],
    [say('checkpointFailures'), number(durability.checkpoint_failures), durability.checkpoint_failures],
    [say('journal'), bytes(durability.journal_bytes)],
    [say('unsynced'), bytes(durability.journal_unsynced_bytes)],
    [say('held'), bytes(durability.journal_held_bytes), durability.journal_held_bytes],
    [say('lostHits'), number(durability.lost_hits), durability.lost_hits],
    [say('version'), version]
  ])),
  column(say('rejectedDatagrams'), reasons(ingest.rejected_datagrams)),
  column(say('rejectedBeacons'), reasons(ingest.rejected_beacons))
]

const healthPanel = isOpen => {
  const state = make('span')
  const body = make('div')
  const element = make('details', { class: 'panel', open: isOpen },
    make('summary', {}, make('h2', {}, say('health')), ' ', state), body)
  const refresh = async () => {
    const status = await ask('status')
    state.className = status.degraded.length ? 'bad' : 'note'
    put(state, say(status.degraded.length ? 'degraded' : 'well'))
    body.replaceChildren(
      ...status.degraded.map(sentence => make('p', { class: 'warning', lang: 'en' }, sentence)),
      make('div', { class: 'flow' }, ...healthColumns(status)))
  }
  return { element, refresh }
}

// ---- The overview.

const headline = span => site => site[span][site.total.of]

const columns = [
  ['site', site => site.site],
  ['online', site => site.online.visitors],
  ['today', headline('today')],
  ['yesterday', headline('yesterday')],
  ['month', headline('month')],
  ['total', site => site.total.value]
]

// The order and the filter of the list stay while sites are viewed.
const list = { by: 0, isDown: false, filter: '', scroll: 0 }

const sorted = snapshots => {
  const value = columns[list.by][1]
  const names = new Intl.Collator(locale, { numeric: true })
  const sign = list.isDown ? -1 : 1
  return snapshots.sort((a, b) => {
    const order = list.by ? value(a) - value(b) : 0
    return sign * (order || names.compare(a.site, b.site))
  })
}

const siteRow = (site, sparks) => {
  const kind = site.total.of == 'views' ? make('small', {}, say('views')) : null
  const mark = make('span', { class: 'mark', role: 'img', hidden: true }, '!')
  const cells = columns.slice(1).map(([key]) => make('td', { role: 'cell', class: key, 'data-label': say(key) }))
  const spark = make('td', { role: 'cell', class: 'spark', 'data-site': site.site })
  const element = make('tr', { role: 'row' },
    make('th', { role: 'rowheader', scope: 'row' }, linkTo(site.site), kind, mark), ...cells, spark)
  sparks.observe(spark)
  const was = []
  const update = site => {
    cells.forEach((cell, i) => {
      const value = columns[i + 1][1](site)
      if (was[i] !== value) cell.textContent = number(was[i] = value)
    })
    const own = site.warnings.filter(({ code }) => !aboutAll.includes(code))
    const text = own.map(({ detail }) => detail).join('\n')
    if (text == mark.title) return
    mark.title = text
    mark.hidden = !text
    mark.setAttribute('aria-label', say('warnings', own.length))
  }
  return { element, update }
}

// The last 24 hours of a site, for rows that come into view.
const recent = new Map()

const sparkline = all => {
  const values = all.slice(-25), most = Math.max(...values)
  const height = value => (value / (most || 1) * 22).toFixed(1)
  const bar = (value, i) => value ? 'M' + i * 4 + ' 24v-' + height(value) + 'h3v' + height(value) + 'z' : ''
  return draw('svg', { viewBox: '0 0 ' + values.length * 4 + ' 24', role: 'img', 'aria-label': say('perHour', number(most)) },
    draw('path', { d: values.map(bar).join('') }))
}

const sparklines = () => {
  const waiting = []
  let busy = 0
  const next = async () => {
    const cell = busy < 3 && waiting.pop()
    if (!cell) return
    busy++
    const { site } = cell.dataset
    try {
      if (!(recent.get(site)?.until > now())) {
        const { views } = await ask(pathOf(site) + '/series?metrics=views&step=1h' + between(now() - 86400, now()))
        recent.set(site, { views, until: now() + 600 })
      }
      cell.replaceChildren(sparkline(recent.get(site).views))
    } catch {
      // Only the numbers matter.
    }
    busy--
    next()
  }
  const observer = new IntersectionObserver(entries => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || !target.isConnected) continue
      observer.unobserve(target)
      waiting.push(target)
      next()
    }
  })
  return observer
}

const sitesTable = () => {
  const rows = new Map()
  const sparks = sparklines()
  const head = { role: 'columnheader', scope: 'col' }
  const heads = columns.map(([key], i) => make('th', { ...head, class: key },
    make('button', { onclick: () => sortBy(i) }, say(key))))
  // The roles are explicit because a narrow screen lays the table out as cards.
  const body = make('tbody', { role: 'rowgroup' })
  const element = make('table', { class: 'sites', role: 'table' },
    make('caption', {}, say('sitesTable')),
    make('thead', { role: 'rowgroup' },
      make('tr', { role: 'row' }, ...heads, make('th', { ...head, class: 'spark' }, say('recent')))), body)
  const found = make('output')
  const arrange = () => {
    const shown = sorted([...sites.values()].filter(({ site }) => site.includes(list.filter)))
    const order = shown.map(({ site }) => rows.get(site).element)
    if (order.length != body.children.length || order.some((row, i) => row != body.children[i])) body.replaceChildren(...order)
    heads.forEach((head, i) => head.setAttribute('aria-sort', i != list.by ? 'none' : list.isDown ? 'descending' : 'ascending'))
    put(found, list.filter && say('found', number(shown.length), number(sites.size)))
  }
  const sortBy = i => {
    list.isDown = i == list.by ? !list.isDown : i > 0
    list.by = i
    arrange()
  }
  const cut = () => {
    list.filter = filter.value.trim().toLowerCase()
    arrange()
  }
  const filter = make('input', { type: 'search', value: list.filter, autocapitalize: 'none', oninput: cut })
  const search = make('p', { class: 'search' }, make('label', {}, say('filter'), ' ', filter), ' ', found)
  const update = () => {
    const isSame = rows.size == sites.size && [...sites.keys()].every(site => rows.has(site))
    if (!isSame) {
      rows.clear()
      for (const site of sites.values()) rows.set(site.site, siteRow(site, sparks))
    }
    for (const site of sites.values()) rows.get(site.site).update(site)
    search.hidden = sites.size <= 10
    // No row moves under the pointer or the focus.
    if (!isSame || !body.matches(':hover, :focus-within')) arrange()
  }
  const refresh = () => {
    for (const cell of body.querySelectorAll('.spark')) sparks.observe(cell)
  }
  return { element: [search, element], update, refresh }
}

const overview = () => {
  const warnings = warningList(true)
  const health = healthPanel(sites.size <= 10)
  const sitesPart = sitesTable()
  const heading = make('h1', { tabindex: -1 }, say('sites'))
  const update = () => {
    warnings.update([...sites.values()])
    sitesPart.update()
  }
  const refresh = () => {
    sitesPart.refresh()
    return health.refresh()
  }
  return {
    heading, update, refresh, title: 'Footfall',
    elements: [heading, warnings.element, ...sitesPart.element, health.element]
  }
}
