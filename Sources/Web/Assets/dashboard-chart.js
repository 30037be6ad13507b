// ---- The chart.

const ranges = {
  '1h': [3600, '15m'], '24h': [86400, '15m'], '7d': [604800, '1h'],
  '30d': [2592000, '1d'], '90d': [7776000, '1d'], '1y': [31536000, '1d']
}
const lengths = { '15m': 900, '1h': 3600, '1d': 86400 }

const rfc = seconds => new Date(seconds * 1e3).toISOString().slice(0, 19) + 'Z'
const between = (from, to) => '&from=' + rfc(from) + '&to=' + rfc(to)

// Visitors online while the page was open, by site: finer than any history.
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

// A round step, at least a third of the greatest value.
const roundStep = most => {
  const power = 10 ** Math.floor(Math.log10(Math.max(most / 3, 1)))
  return power * [1, 2, 5, 10].find(factor => factor * power >= most / 3)
}

// The periods that a label may begin, from quarter hours to years of the zone, and the label's format.
const month = row => new Date(row.wall * 1e3).getUTCFullYear() * 12 + new Date(row.wall * 1e3).getUTCMonth()
const tickKinds = [
  // 1 January 1970 was a Thursday.
  ...[900, 3600, 10800, 21600, 43200, 86400, 172800, 604800].map(size =>
    [row => Math.floor((row.wall + 259200) / size), size < 86400 ? clockTime : dayAndMonth]),
  ...[1, 3, 6, 12].map(months => [row => Math.floor(month(row) / months), { month: 'short' }])
]

// Labels where another hour, day, week or month begins: the finest of them that have room.
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

// At midnight the day is shown instead of the hour, in January the year instead of the month.
const tickOptions = ({ wall }, options) => {
  if (options == clockTime && wall % 86400 == 0) return dayAndMonth
  return options.month && !options.day && month({ wall }) % 12 == 0 ? { year: 'numeric' } : options
}

const left = 44, right = 6, above = 8

// The positions of moments and values in a plot of that size; foot is the room below for the time labels.
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

// The d attribute of a path, with numbers to a tenth of a pixel.
const path = parts => parts.map(part => typeof part == 'number' ? part.toFixed(1) + ' ' : part).join('')
const drawn = (kind, parts) => draw('path', { class: kind, d: path(parts) })

// A bar is as wide as its time, less a fraction of it.
const bars = (rows, name, inset, { x, y, base }) => rows.filter(row => row[name]).flatMap(row => {
  const wide = x(row.to) - x(row.from), gap = wide > 3 ? Math.max(1, wide * inset) / 2 : 0
  return ['M', x(row.from) + gap, base, 'V', y(row[name]), 'H', x(row.to) - gap, 'V', base, 'Z']
})

// The runs of rows without a gap.
const runs = (rows, name) => {
  const found = []
  rows.forEach((row, i) => {
    if (row[name] == null) return
    if (!i || rows[i - 1][name] == null) found.push([])
    found.at(-1).push(row)
  })
  return found
}

// The greatest value in each time, as a line, or with the area below it.
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

// One plot, with a cursor over the selected time.
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

// More visitors than this in a day are estimated.
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

  // The points seen while the page was open have only the visitors online.
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
  // The points seen while the page was open are drawn over the quarter hours.
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
