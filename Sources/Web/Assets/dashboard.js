// The dashboard: every site at a glance, and a page for each of them. It takes the place of the table that the server wrote as
// soon as it has numbers, and follows them over one connection. Whatever the server says becomes text, never markup.

// ---- Words: English and Vietnamese, with {} for what is filled in.

const words = {
  skip: ['Skip to the numbers', 'Tới phần số liệu'],
  signOut: ['Sign out', 'Đăng xuất'],
  live: ['Live', 'Trực tiếp'],
  lost: ['Connection lost, numbers as of {}. Trying again.', 'Mất kết nối, số liệu lúc {}. Đang thử lại.'],
  sites: ['Sites', 'Các trang web'],
  allSites: ['All sites', 'Tất cả trang web'],
  noSite: ['No site is called {}', 'Không có trang web nào tên {}'],
  zone: ['Times are those of {}', 'Giờ theo múi giờ {}'],
  sitesTable: [
    'Visitors online, and visits; views where a site counts those',
    'Khách trực tuyến và lượt truy cập; lượt xem với trang đếm lượt xem'
  ],
  site: ['Site', 'Trang web'],
  online: ['Online', 'Trực tuyến'],
  today: ['Today', 'Hôm nay'],
  yesterday: ['Yesterday', 'Hôm qua'],
  month: ['This month', 'Tháng này'],
  total: ['Total', 'Tổng'],
  recent: ['24 hours', '24 giờ'],
  perHour: ['Views an hour, {} at most', 'Lượt xem mỗi giờ, nhiều nhất {}'],
  filter: ['Filter by name', 'Lọc theo tên'],
  found: ['{} of {}', '{} / {}'],
  onlineNow: ['Online now', 'Đang trực tuyến'],
  within: ['in the last {}', 'trong {} qua'],
  untracked: ['At least: some visitors are not tracked', 'Ít nhất: có khách không theo dõi được'],
  peakToday: ['Peak today', 'Cao nhất hôm nay'],
  peak: ['Peak ever', 'Kỷ lục trực tuyến'],
  visits: ['Visits', 'Lượt truy cập'],
  views: ['Views', 'Lượt xem'],
  visitors: ['Visitors', 'Khách'],
  visitorDays: ['Visitor-days', 'Ngày-khách'],
  visits_today: ['Visits today', 'Truy cập hôm nay'],
  visits_yesterday: ['Visits yesterday', 'Truy cập hôm qua'],
  visits_month: ['Visits this month', 'Truy cập tháng này'],
  visits_total: ['Total visits', 'Tổng truy cập'],
  views_today: ['Views today', 'Lượt xem hôm nay'],
  views_yesterday: ['Views yesterday', 'Lượt xem hôm qua'],
  views_month: ['Views this month', 'Lượt xem tháng này'],
  views_total: ['Total views', 'Tổng lượt xem'],
  since: ['Since', 'Từ'],
  start: ['Taken over', 'Kế thừa'],
  estimated: [
    '≈ Estimated: a day’s visitors above {}, with a standard error of {}.',
    '≈ Ước lượng: số khách trong ngày trên {}, sai số chuẩn {}.'
  ],
  history: ['History', 'Diễn biến'],
  range: ['Range', 'Khoảng thời gian'],
  asTable: ['Show as table', 'Xem dạng bảng'],
  chart: ['Online, views and visits, {}', 'Trực tuyến, lượt xem và lượt truy cập, {}'],
  keys: ['A chart; the arrow keys move through it.', 'Biểu đồ; dùng phím mũi tên để xem từng điểm.'],
  time: ['Time', 'Thời gian'],
  peakOnline: ['Peak online', 'Trực tuyến cao nhất'],
  gap: ['not recorded', 'không ghi nhận'],
  soFar: ['so far', 'đến giờ'],
  ofDay: ['Pages and referrers', 'Trang xem và nguồn giới thiệu'],
  day: ['Day', 'Ngày'],
  otherDay: ['Another day', 'Ngày khác'],
  pages: ['Pages', 'Trang được xem'],
  page: ['Page', 'Trang'],
  entries: ['Entries', 'Lượt vào'],
  referrers: ['Referrers', 'Nguồn giới thiệu'],
  referrer: ['Referrer', 'Nguồn'],
  direct: ['(direct)', '(trực tiếp)'],
  internal: ['(internal)', '(nội bộ)'],
  other: ['(other)', '(khác)'],
  nothing: ['Nothing was recorded.', 'Không có gì được ghi nhận.'],
  swept: ['≈ What was seldom seen is counted under (other).', '≈ Mục ít gặp được tính vào (khác).'],
  windows: ['Recent', 'Gần đây'],
  inTheLast: ['In the last', 'Trong'],
  notCounted: ['Not counted', 'Không được tính'],
  bots: ['Bots', 'Bot'],
  botsToday: ['Bots today', 'Bot hôm nay'],
  botsTotal: ['Bots in total', 'Tổng số bot'],
  rejectedTotal: ['Rejected in total', 'Tổng số bị từ chối'],
  warnings: ['Warnings: {}', 'Cảnh báo: {}'],
  proxy_collapse: ['Everybody has one address', 'Mọi khách cùng một địa chỉ'],
  own_address: ['Visitors come from this machine', 'Khách đến từ chính máy này'],
  two_doors: ['Views are counted twice', 'Lượt xem bị đếm hai lần'],
  silence: ['No visits arrive', 'Không có lượt truy cập nào đến'],
  kernel_drops: ['Datagrams were dropped', 'Gói tin bị mất'],
  disk: ['The disk needs care', 'Ổ đĩa cần được xử lý'],
  clock: ['The clock jumped', 'Đồng hồ bị nhảy'],
  health: ['Health', 'Tình trạng hệ thống'],
  well: ['in order', 'bình thường'],
  degraded: ['degraded', 'có sự cố'],
  intake: ['Intake', 'Tiếp nhận'],
  datagrams: ['Datagrams', 'Gói tin'],
  records: ['Beacons', 'Tín hiệu'],
  pings: ['Pings', 'Ping'],
  duplicates: ['Duplicates', 'Trùng lặp'],
  kernelDrops: ['Dropped by the kernel', 'Nhân hệ điều hành bỏ'],
  tracked: ['Visitors tracked', 'Khách đang theo dõi'],
  untrackedVisitors: ['Visitors not tracked', 'Khách không theo dõi được'],
  storage: ['Storage', 'Lưu trữ'],
  checkpoint: ['Last checkpoint', 'Điểm lưu gần nhất'],
  checkpointFailures: ['Checkpoints failed', 'Điểm lưu thất bại'],
  journal: ['Journal', 'Nhật ký'],
  unsynced: ['Not yet on the disk', 'Chưa ghi xuống đĩa'],
  held: ['Held in memory', 'Giữ trong bộ nhớ'],
  lostHits: ['Hits lost', 'Lượt bị mất'],
  version: ['Version', 'Phiên bản'],
  rejectedDatagrams: ['Rejected datagrams', 'Gói tin bị từ chối'],
  rejectedBeacons: ['Rejected beacons', 'Tín hiệu bị từ chối']
}

let language, locale

const say = (key, ...values) =>
  values.reduce((text, value) => text.replace('{}', () => value), words[key][language == 'vi' ? 1 : 0])

const speak = tag => {
  language = tag
  locale = navigator.languages.find(preferred => preferred.startsWith(tag)) ?? tag
  document.documentElement.lang = tag
}

// Some browsers forbid storage, and throw at its very name.
const chosenLanguage = tag => {
  try {
    if (tag) sessionStorage.setItem('footfall-language', tag)
    return sessionStorage.getItem('footfall-language')
  } catch {
    return tag
  }
}

// ---- Numbers and times as the language writes them.

const formats = new Map()

// Making a format takes far longer than using it.
const format = (kind, options) => {
  const key = kind.name + locale + JSON.stringify(options)
  if (!formats.has(key)) formats.set(key, new kind(locale, options))
  return formats.get(key)
}

const number = value => value == null ? '–' : format(Intl.NumberFormat).format(value)
const short = value => value < 1e4 ? number(value) : format(Intl.NumberFormat, { notation: 'compact' }).format(value)
const measured = (value, unit, unitDisplay = 'long') =>
  format(Intl.NumberFormat, { style: 'unit', unit, unitDisplay, maximumFractionDigits: 1 }).format(value)

const bytes = value => {
  const size = value < 1e3 ? 0 : value < 1e6 ? 1 : value < 1e9 ? 2 : 3
  return measured(value / 1e3 ** size, ['byte', 'kilobyte', 'megabyte', 'gigabyte'][size], 'short')
}

const units = { m: 'minute', h: 'hour', d: 'day', y: 'year' }
// A span by its name: 30d is 30 days.
const span = (name, display) => measured(parseInt(name), units[name.at(-1)], display)
const windowOf = ({ online }) =>
  online.window_seconds % 60 ? measured(online.window_seconds, 'second') : measured(online.window_seconds / 60, 'minute')

const clockTime = { hour: '2-digit', minute: '2-digit' }
const exactTime = { ...clockTime, second: '2-digit', timeZoneName: 'short' }
const dayAndMonth = { day: 'numeric', month: 'short' }
const wholeDay = { ...dayAndMonth, weekday: 'short', year: 'numeric' }

// Unix seconds, or what the server writes, in a zone.
const time = (moment, options, timeZone) =>
  format(Intl.DateTimeFormat, { ...options, timeZone, hourCycle: 'h23' })
    .format(typeof moment == 'string' ? Date.parse(moment) : moment * 1e3)

// The site's zone, or UTC in a browser that does not know it.
const zoneOf = site => {
  try {
    time(0, {}, site.timezone)
    return site.timezone
  } catch {
    return 'UTC'
  }
}

// What a clock on the wall shows, as if its zone were UTC: days and hours of the zone can be divided off it.
const wall = (seconds, timeZone) => {
  const key = 'wall ' + timeZone
  if (!formats.has(key)) {
    const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' }
    formats.set(key, new Intl.DateTimeFormat('en-US', { ...fields, hourCycle: 'h23', timeZone }))
  }
  const part = Object.fromEntries(formats.get(key).formatToParts(seconds * 1e3).map(({ type, value }) => [type, +value]))
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute) / 1e3
}

// ---- Elements.

// Listeners are named on…; what is null or false is left out; text is text.
const fill = (element, traits, children) => {
  for (const [name, value] of Object.entries(traits)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (value != null && value !== false) element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.filter(child => child != null))
  return element
}

const make = (tag, traits = {}, ...children) => fill(document.createElement(tag), traits, children)
const draw = (tag, traits, ...children) => fill(document.createElementNS('http://www.w3.org/2000/svg', tag), traits, children)

// Untouched where nothing changed: what a reader has marked stays marked.
const put = (element, text) => {
  if (element.textContent !== text) element.textContent = text
}

const table = (caption, heads, rows) => make('table', {},
  make('caption', {}, caption),
  make('thead', {}, make('tr', {}, ...heads.map(head => make('th', { scope: 'col' }, head)))),
  make('tbody', {}, ...rows))

// A name and its value a line.
const pairs = lines => make('dl', { class: 'pairs' },
  ...lines.map(([name, value, isBad]) =>
    make('div', { class: isBad ? 'bad' : null }, make('dt', {}, name), make('dd', {}, value))))

// One of several, by the browser's own means: the arrow keys work.
const choice = (name, legend, options, chosen, choose) => make('fieldset', { class: 'choice' },
  make('legend', {}, legend),
  ...options.map(([value, label]) => make('label', {},
    make('input', { type: 'radio', name, value, checked: value == chosen, onchange: () => choose(value) }),
    make('span', {}, label))))

// What is too wide or too long is scrolled, by the keyboard too.
const region = (label, content) => make('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': label }, content)

// ---- The server.

const app = document.getElementById('app')
const sites = new Map()
// Its clock less ours, in milliseconds.
let lead = 0
let asOf, page, stream, retry

const now = () => (Date.now() + lead) / 1e3
const pathOf = site => 'sites/' + encodeURIComponent(site)

// Throws what the server says is wrong; without words where it says nothing at all.
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

// The server shows the form. Not over and over, should it let us see the page but not the numbers.
const signInAgain = () => {
  const { type } = performance.getEntriesByType('navigation')[0]
  if (type != 'reload' || performance.now() > 5e3) location.reload()
}

// What fails now is asked again half a minute later.
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

// Everything anew: at the start, after the connection was lost, and when the page is looked at again.
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
    put(state, live ? say('live') : say('lost', asOf ? time(asOf, exactTime, page?.zone) : '–'))
  }
  const signOut = async event => {
    const button = event.target
    const answer = await fetch('sign-out', { method: 'POST', redirect: 'manual' }).catch(() => {})
    // Where nobody signs in, nobody signs out.
    if ([404, 405].includes(answer?.status)) button.hidden = true
    else if (answer) location.reload()
  }
  const label = () => {
    const [other, name] = language == 'vi' ? ['en', 'English'] : ['vi', 'Tiếng Việt']
    const change = make('button', { lang: other, onclick: () => turnTo(other) }, name)
    // A link to #app would be taken for the page of a site.
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

// Each warning once, with the sites it is about: those about the machine come with every site.
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
  column(say('intake'), pairs([
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

// How the list is ordered and cut stays while sites are looked at.
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

// The last 24 hours of a site, for rows that come into sight.
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
      // The numbers are what matters.
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
  // The roles are said because a narrow screen lays the table out as cards.
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
    // Nothing moves under a hand or a focus.
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

// ---- The chart.

const ranges = {
  '1h': [3600, '15m'], '24h': [86400, '15m'], '7d': [604800, '1h'],
  '30d': [2592000, '1d'], '90d': [7776000, '1d'], '1y': [31536000, '1d']
}
const lengths = { '15m': 900, '1h': 3600, '1d': 86400 }

const rfc = seconds => new Date(seconds * 1e3).toISOString().slice(0, 19) + 'Z'
const between = (from, to) => '&from=' + rfc(from) + '&to=' + rfc(to)

// What was online while the page was open, by site: finer than any history.
const seen = new Map()

const remember = ({ site, online }) => {
  const points = seen.get(site) ?? []
  const from = Math.floor(now())
  seen.set(site, points)
  if (!(from - points.at(-1)?.from < 5)) points.push({ from, to: from })
  points.at(-1).online = online.visitors
  while (points[0].from < from - 4500) points.shift()
}

const rowsOf = series => series.t.map((from, i) => ({
  from,
  to: series.t[i + 1] ?? from + lengths[series.step],
  wall: wall(from, zoneOf(series)),
  online: series.online[i],
  views: series.views[i],
  visits: series.visits[i],
  visitors: series.visitors?.[i]
}))

// A round step that makes three or four of the greatest.
const roundStep = most => {
  const power = 10 ** Math.floor(Math.log10(Math.max(most / 3, 1)))
  return power * [1, 2, 5, 10].find(factor => factor * power >= most / 3)
}

// What a label may mark the beginning of, from quarter hours to years of the zone, and how it is then written.
const month = row => new Date(row.wall * 1e3).getUTCFullYear() * 12 + new Date(row.wall * 1e3).getUTCMonth()
const tickKinds = [
  // The first of January 1970 was a Thursday.
  ...[900, 3600, 10800, 21600, 43200, 86400, 172800, 604800].map(size =>
    [row => Math.floor((row.wall + 259200) / size), size < 86400 ? clockTime : dayAndMonth]),
  ...[1, 3, 6, 12].map(months => [row => Math.floor(month(row) / months), { month: 'short' }])
]

// Where another hour, day, week or month begins: the finest of them whose labels have room.
const ticks = (rows, zone, room) => {
  for (const [part, options] of tickKinds) {
    const begins = rows.filter((row, i) => i && part(row) != part(rows[i - 1]))
    if (begins.length * 40 > room) continue
    const labels = begins.map(row => time(row.from, tickOptions(row, options), zone))
    const widest = Math.max(...labels.map(label => label.length))
    if (labels.length * (widest * 6.5 + 12) <= room) return begins.map((row, i) => [row.from, labels[i]])
  }
  return []
}

// At midnight the day is worth more than the hour, in January the year.
const tickOptions = ({ wall }, options) => {
  if (options == clockTime && wall % 86400 == 0) return dayAndMonth
  return options.month && !options.day && month({ wall }) % 12 == 0 ? { year: 'numeric' } : options
}

const left = 44, right = 6, above = 8

// Where moments and values lie in a plot of that size; foot is the room below for what its times are called.
const placed = (rows, values, width, height, foot) => {
  const start = rows[0].from, end = rows.at(-1).to, wide = width - left - right, base = height - foot
  const most = Math.max(1, ...values), step = roundStep(most), top = Math.ceil(most / step) * step
  return {
    width, height, base, step, top,
    x: moment => left + (moment - start) / (end - start) * wide,
    y: value => base - value / top * (base - above),
    momentAt: x => start + (x - left) / wide * (end - start)
  }
}

// The d of a path: its numbers to a tenth of a pixel.
const path = parts => parts.map(part => typeof part == 'number' ? part.toFixed(1) + ' ' : part).join('')
const drawn = (kind, parts) => draw('path', { class: kind, d: path(parts) })

// A bar is as wide as its time, less a part of it.
const bars = (rows, name, inset, { x, y, base }) => rows.filter(row => row[name]).flatMap(row => {
  const wide = x(row.to) - x(row.from), gap = wide > 3 ? Math.max(1, wide * inset) / 2 : 0
  return ['M', x(row.from) + gap, base, 'V', y(row[name]), 'H', x(row.to) - gap, 'V', base, 'Z']
})

// Stretches without a gap.
const runs = (rows, name) => {
  const found = []
  rows.forEach((row, i) => {
    if (row[name] == null) return
    if (!i || rows[i - 1][name] == null) found.push([])
    found.at(-1).push(row)
  })
  return found
}

// What was greatest in each time, as a line, or with what lies below it.
const stairs = (rows, name, isArea, { x, y, base }) => runs(rows, name).flatMap(run => [
  'M', x(run[0].from), isArea ? base : y(run[0][name]),
  ...run.flatMap(row => ['V', y(row[name]), 'H', x(row.to)]),
  ...isArea ? ['V', base, 'Z'] : []
])

const line = (points, { x, y }) => points.flatMap(({ from, online }, i) =>
  [i && from - points[i - 1].from < 60 ? 'L' : 'M', x(from), y(online)])

const shades = (rows, name, { x, base }) => rows.filter(row => row[name] == null)
  .flatMap(({ from, to }) => ['M', x(from), above, 'H', x(to), 'V', base, 'H', x(from), 'Z'])

const grid = ({ x, y, width, height, base, step, top }, labels, isLabelled) => {
  const parts = []
  for (let value = 0; value <= top; value += step) {
    parts.push(draw('line', { x1: left, x2: width - right, y1: y(value), y2: y(value) }),
      draw('text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, short(value)))
  }
  for (const [moment, label] of labels) {
    parts.push(draw('line', { x1: x(moment), x2: x(moment), y1: base, y2: base + 4 }))
    const middle = { x: Math.min(x(moment), width - 22), y: height - 4, 'text-anchor': 'middle' }
    if (isLabelled) parts.push(draw('text', middle, label))
  }
  return draw('g', {}, ...parts)
}

// One plot, with a cursor over the time that is read.
const plot = (place, ...parts) => {
  const { x, base, width, height, momentAt } = place
  const cursor = draw('rect', { class: 'cursor', y: above, height: base - above, visibility: 'hidden' })
  const svg = draw('svg', { width, height, 'aria-hidden': 'true' }, ...parts, cursor)
  const point = row => {
    cursor.setAttribute('visibility', row ? 'visible' : 'hidden')
    if (!row) return
    cursor.setAttribute('x', x(row.from))
    cursor.setAttribute('width', Math.max(2, x(row.to) - x(row.from)))
  }
  return { svg, point, momentAt }
}

const onlinePlot = (rows, points, labels, width) => {
  const place = placed(rows, [...rows, ...points].map(({ online }) => online ?? 0), width, 132, 8)
  return plot(place,
    drawn('gap', shades(rows, 'online', place)), grid(place, labels, false),
    drawn('area', stairs(rows, 'online', true, place)), drawn('stairs', stairs(rows, 'online', false, place)),
    drawn('curve', line(points, place)))
}

const countsPlot = (rows, labels, width) => {
  const place = placed(rows, rows.flatMap(({ views, visits }) => [views ?? 0, visits ?? 0]), width, 176, 24)
  return plot(place,
    drawn('gap', shades(rows, 'views', place)), grid(place, labels, true),
    drawn('views', bars(rows, 'views', .2, place)), drawn('visits', bars(rows, 'visits', .5, place)))
}

const momentText = ({ from, to }, step, zone) => {
  if (step == '1d') return time(from, wholeDay, zone)
  if (from == to) return time(from, { timeStyle: 'medium' }, zone)
  const options = { ...dayAndMonth, ...clockTime, timeZone: zone, hourCycle: 'h23' }
  return format(Intl.DateTimeFormat, options).formatRange(from * 1e3, to * 1e3)
}

// More visitors than that in a day are estimated.
const estimatedFrom = 1536, standardError = .0081
const visitorsText = value => (value > estimatedFrom ? '≈\u00a0' : '') + number(value)

const chartColumns = [['online', 'peakOnline'], ['views', 'views'], ['visits', 'visits'], ['visitors', 'visitors']]

const legend = (...names) => make('p', { class: 'legend' },
  ...names.map(([kind, text]) => make('span', { class: 'key-' + kind }, text)))

const chartPart = (site, range, remembered) => {
  let series, shown, rows = [], plots = [], stops = [], at = null, isTable = false, turn = 0, width
  const zone = () => zoneOf(series)
  const output = make('output')
  const stage = make('div', { class: 'stage' })
  const trouble = make('p', { class: 'warning', role: 'alert', hidden: true })

  // What was seen while the page was open has nothing but who was online.
  const cell = (row, name) => row[name] === undefined ? '' : (name == 'visitors' ? visitorsText : number)(row[name])
  const valueNames = () => chartColumns.filter(([name]) => series[name])
  const describe = row => {
    const parts = row.from == row.to ? [say('online') + ' ' + number(row.online)]
      : row.views == null ? [say('gap')] : valueNames().map(([name, label]) => say(label) + ' ' + cell(row, name))
    return [momentText(row, series.step, zone()) + (row.to > now() ? ' (' + say('soFar') + ')' : ''), ...parts].join(' · ')
  }
  const summary = () => {
    const sum = name => rows.reduce((total, row) => total + (row[name] ?? 0), 0)
    const most = Math.max(...rows.map(row => row.online ?? 0))
    return [span(shown), say('peakOnline') + ' ' + number(most), say('views') + ' ' + number(sum('views')),
      say('visits') + ' ' + number(sum('visits'))].join(' · ')
  }
  // What was seen while the page was open is drawn over the quarter hours.
  const curve = () => shown != '1h' ? []
    : (seen.get(site) ?? []).filter(({ from }) => from >= rows[0].from && from <= rows.at(-1).to)
  const point = () => {
    const row = stops.find(({ from }) => from == at)
    for (const plot of plots) plot.point(row)
    put(output, row ? describe(row) : summary())
  }
  const moveTo = row => {
    at = row?.from ?? null
    point()
  }
  const move = event => {
    const moment = plots[0].momentAt(event.clientX - plots[0].svg.getBoundingClientRect().left)
    moveTo(stops.findLast(({ from }) => from <= moment) ?? stops[0])
  }
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }
  const press = event => {
    if (event.key == 'Escape') return moveTo()
    const by = steps[event.key]
    if (!by) return
    event.preventDefault()
    const last = stops.length - 1, i = stops.findIndex(({ from }) => from == at)
    moveTo(stops[Math.min(last, Math.max(0, i < 0 ? last : i + by))])
  }
  const canvas = make('div', {
    class: 'canvas', tabindex: 0, role: 'application', onkeydown: press, onpointermove: move, onpointerdown: move,
    onpointerleave: () => canvas.matches(':focus-visible') || moveTo()
  })
  const drawing = () => {
    const labels = ticks(rows, zone(), width - left)
    plots = [onlinePlot(rows, curve(), labels, width), countsPlot(rows, labels, width)]
    const gap = rows.some(({ views }) => views == null) ? [['gap', say('gap')]] : []
    canvas.setAttribute('aria-label', say('chart', span(shown)) + '. ' + say('keys'))
    canvas.replaceChildren(legend(['online', say('peakOnline')], ...gap), plots[0].svg,
      legend(['views', say('views')], ['visits', say('visits')]), plots[1].svg)
    if (!canvas.isConnected) stage.replaceChildren(canvas)
    point()
  }
  const asTable = () => {
    const names = valueNames()
    const lines = [...stops].reverse().map(row => make('tr', {},
      make('th', { scope: 'row' }, momentText(row, series.step, zone())),
      ...names.map(([name]) => make('td', {}, cell(row, name)))))
    const content = table(say('chart', span(shown)), [say('time'), ...names.map(([, label]) => say(label))], lines)
    const old = stage.querySelector('.scroll')
    if (old) old.replaceChildren(content)
    else stage.replaceChildren(region(say('history'), content))
    put(output, summary())
  }
  const redraw = () => {
    if (!rows.length) put(output, say('nothing'))
    width = stage.clientWidth
    if (!rows.length || !width) return
    stops = [...rows, ...curve()].sort((a, b) => a.from - b.from)
    if (isTable) asTable()
    else drawing()
  }
  const refresh = async () => {
    const mine = ++turn, wanted = range
    const [seconds, step] = ranges[wanted]
    const metrics = 'online,views,visits' + (step == '1d' ? ',visitors' : '')
    const from = now() - seconds + (step == '1d' ? 86400 : 0)
    try {
      const answer = await ask(pathOf(site) + '/series?metrics=' + metrics + '&step=' + step + between(from, now()))
      if (mine != turn) return
      series = answer
      shown = wanted
      rows = rowsOf(series)
      stage.removeAttribute('aria-busy')
      trouble.hidden = true
      redraw()
    } catch (error) {
      if (mine != turn) return
      stage.removeAttribute('aria-busy')
      trouble.hidden = !error.message
      put(trouble, error.message)
    }
  }
  const choose = value => {
    range = value
    at = null
    stage.setAttribute('aria-busy', 'true')
    remembered(range)
    refresh()
  }
  const toggle = make('button', { 'aria-pressed': 'false', onclick: () => {
    isTable = !isTable
    toggle.setAttribute('aria-pressed', isTable)
    redraw()
  } }, say('asTable'))
  new ResizeObserver(() => stage.clientWidth == width || redraw()).observe(stage)
  const element = make('section', { class: 'history', 'aria-labelledby': 'history' },
    make('h2', { id: 'history' }, say('history')),
    make('div', { class: 'tools' },
      choice('range', say('range'), Object.keys(ranges).map(name => [name, span(name, 'short')]), range, choose), toggle),
    trouble, output, stage)
  const update = () => {
    if (shown == '1h' && !isTable) redraw()
  }
  return { element, refresh, update }
}

// ---- The page of a site.

// Elements that follow the site's snapshot, each by its own reading of it.
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

// The server says of today alone whether its visitors were estimated; of closed days their number tells.
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

// Paths and referrers may hold anything, in either direction of writing.
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

// ---- What is shown, by the part of the address behind the #.

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
  // Back on the list the reader is where they left it.
  const link = from && !page.site && [...app.querySelectorAll('th a')].find(({ textContent }) => textContent == from)
  const focus = link || page.heading
  focus.focus({ preventScroll: true })
  scrollTo(0, link ? list.scroll : 0)
}

app.tabIndex = -1
speak(chosenLanguage() ?? (navigator.language.startsWith('vi') ? 'vi' : 'en'))
addEventListener('hashchange', go)
// A page in the background gives its connection back: a browser has only six for all of its tabs.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) load()
  else stream?.close()
})
setInterval(() => {
  if (!document.hidden && page) refresh()
}, 3e4)
setInterval(() => {
  // Silence on a live connection says that nothing changed.
  if (page?.site && stream?.readyState == EventSource.OPEN) page.update()
}, 1e4)
load()
