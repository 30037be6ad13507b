// The dashboard: every site at a glance, and a page for each of them. As soon as it has numbers, it replaces the table
// from the server. It follows the numbers over one connection. Text from the server is shown as text, never as markup.

// ---- Words: English and Vietnamese. {} marks what is filled in.

const words = {
  skip: ['Skip to the numbers', 'Tới phần số liệu'],
  signOut: ['Sign out', 'Đăng xuất'],
  live: ['Live', 'Trực tiếp'],
  lost: ['Connection lost, numbers as of {}. Trying again.', 'Mất kết nối, số liệu lúc {}. Đang thử lại.'],
  unreached: ['No connection yet. Trying again.', 'Chưa kết nối được. Đang thử lại.'],
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
  swept: ['≈ Rare rows are counted under (other).', '≈ Mục ít gặp được tính vào (khác).'],
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
  received: ['Received', 'Tiếp nhận'],
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
  held: ['Buffered in memory', 'Giữ trong bộ nhớ'],
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

// Some browsers forbid storage, and throw as soon as it is named.
const chosenLanguage = tag => {
  try {
    if (tag) sessionStorage.setItem('footfall-language', tag)
    return sessionStorage.getItem('footfall-language')
  } catch {
    return tag
  }
}

// ---- Numbers and times in the format of the language.

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

// A moment in a zone: Unix seconds, or the server's format.
const time = (moment, options, timeZone) =>
  format(Intl.DateTimeFormat, { ...options, timeZone, hourCycle: 'h23' })
    .format(typeof moment == 'string' ? Date.parse(moment) : moment * 1e3)

// The site's zone, or UTC if the browser does not know it.
const zoneOf = site => {
  try {
    time(0, {}, site.timezone)
    return site.timezone
  } catch {
    return 'UTC'
  }
}

// The time on a wall clock, as if its zone were UTC: division gives the days and hours of the zone.
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

// Traits named on… are listeners. Null and false are left out. Text stays text, never markup.
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

// Does nothing if the text is the same, so that a reader's selection stays.
const put = (element, text) => {
  if (element.textContent !== text) element.textContent = text
}

const table = (caption, heads, rows) => make('table', {},
  make('caption', {}, caption),
  make('thead', {}, make('tr', {}, ...heads.map(head => make('th', { scope: 'col' }, head)))),
  make('tbody', {}, ...rows))

// One name and its value per line.
const pairs = lines => make('dl', { class: 'pairs' },
  ...lines.map(([name, value, isBad]) =>
    make('div', { class: isBad ? 'bad' : null }, make('dt', {}, name), make('dd', {}, value))))

// One of several options, with the browser's own controls: the arrow keys work.
const choice = (name, legend, options, chosen, choose) => make('fieldset', { class: 'choice' },
  make('legend', {}, legend),
  ...options.map(([value, label]) => make('label', {},
    make('input', { type: 'radio', name, value, checked: value == chosen, onchange: () => choose(value) }),
    make('span', {}, label))))

// Content that is too wide or too long scrolls, by keyboard too.
const region = (label, content) => make('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': label }, content)
