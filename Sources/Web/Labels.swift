import Counting

/// What the numbers are called, and how they are written, where people see them.
enum Labels {
    /// The words of one language, and what stands between the digits of its numbers.
    private struct Language {
        /// By the number's name; `total` and the days are of visits or of views.
        let words: [String: String]
        /// Between groups of three digits, as in CLDR 48.
        let separator: String
        /// The first number with a separator: Spanish writes 9999 and 10.000.
        let groupedFrom: UInt64

        init(separator: String, groupedFrom: UInt64 = 1000, _ words: [String: String]) {
            self.words = words
            self.separator = separator
            self.groupedFrom = groupedFrom
        }
    }

    private static let languages: [String: Language] = [
        "en": Language(
            separator: ",",
            [
                "online": "Online now", "peak": "Most online", "visits": "Total visits", "views": "Total views",
                "today": "Today", "yesterday": "Yesterday", "month": "This month", "visitors": "Visitors today",
            ]),
        "vi": Language(
            separator: ".",
            [
                "online": "Đang trực tuyến", "peak": "Trực tuyến nhiều nhất", "visits": "Tổng truy cập",
                "views": "Tổng lượt xem", "today": "Hôm nay", "yesterday": "Hôm qua", "month": "Tháng này",
                "visitors": "Khách hôm nay",
            ]),
        "fr": Language(
            separator: "\u{202f}",
            [
                "online": "En ligne", "peak": "Record en ligne", "visits": "Total des visites",
                "views": "Total des pages vues", "today": "Aujourd’hui", "yesterday": "Hier", "month": "Ce mois-ci",
                "visitors": "Visiteurs aujourd’hui",
            ]),
        "de": Language(
            separator: ".",
            [
                "online": "Gerade online", "peak": "Online-Rekord", "visits": "Besuche gesamt",
                "views": "Seitenaufrufe gesamt", "today": "Heute", "yesterday": "Gestern", "month": "Diesen Monat",
                "visitors": "Besucher heute",
            ]),
        "es": Language(
            separator: ".", groupedFrom: 10_000,
            [
                "online": "En línea ahora", "peak": "Máximo en línea", "visits": "Total de visitas",
                "views": "Total de páginas vistas", "today": "Hoy", "yesterday": "Ayer", "month": "Este mes",
                "visitors": "Visitantes hoy",
            ]),
        "pt": Language(
            separator: ".",
            [
                "online": "Online agora", "peak": "Recorde online", "visits": "Total de visitas",
                "views": "Total de visualizações", "today": "Hoje", "yesterday": "Ontem", "month": "Este mês",
                "visitors": "Visitantes hoje",
            ]),
        "ru": Language(
            separator: "\u{a0}",
            [
                "online": "Сейчас на сайте", "peak": "Рекорд онлайн", "visits": "Всего посещений",
                "views": "Всего просмотров", "today": "Сегодня", "yesterday": "Вчера", "month": "В этом месяце",
                "visitors": "Посетителей сегодня",
            ]),
        "zh": Language(
            separator: ",",
            [
                "online": "当前在线", "peak": "最高在线", "visits": "总访问量", "views": "总浏览量",
                "today": "今日", "yesterday": "昨日", "month": "本月", "visitors": "今日访客",
            ]),
        "zh-hant": Language(
            separator: ",",
            [
                "online": "線上人數", "peak": "最高線上人數", "visits": "總造訪人次", "views": "總瀏覽次數",
                "today": "今日", "yesterday": "昨日", "month": "本月", "visitors": "今日訪客",
            ]),
        "ja": Language(
            separator: ",",
            [
                "online": "現在の閲覧者", "peak": "最大同時閲覧者", "visits": "累計アクセス", "views": "累計閲覧数",
                "today": "本日", "yesterday": "昨日", "month": "今月", "visitors": "本日の訪問者",
            ]),
        "ko": Language(
            separator: ",",
            [
                "online": "현재 접속자", "peak": "최대 접속자", "visits": "전체 방문", "views": "전체 조회",
                "today": "오늘", "yesterday": "어제", "month": "이번 달", "visitors": "오늘 방문자",
            ]),
        "th": Language(
            separator: ",",
            [
                "online": "ขณะนี้ออนไลน์", "peak": "ออนไลน์สูงสุด", "visits": "เข้าชมทั้งหมด", "views": "เปิดหน้าเว็บทั้งหมด",
                "today": "วันนี้", "yesterday": "เมื่อวาน", "month": "เดือนนี้", "visitors": "ผู้เข้าชมวันนี้",
            ]),
        "id": Language(
            separator: ".",
            [
                "online": "Pengunjung online", "peak": "Online terbanyak", "visits": "Total kunjungan",
                "views": "Total tampilan halaman", "today": "Hari ini", "yesterday": "Kemarin", "month": "Bulan ini",
                "visitors": "Pengunjung hari ini",
            ]),
        "lo": Language(
            separator: ".",
            [
                "online": "ກຳລັງອອນລາຍ", "peak": "ອອນລາຍສູງສຸດ", "visits": "ເຂົ້າຊົມທັງໝົດ", "views": "ເປີດເບິ່ງທັງໝົດ",
                "today": "ມື້ນີ້", "yesterday": "ມື້ວານນີ້", "month": "ເດືອນນີ້", "visitors": "ຜູ້ເຂົ້າຊົມມື້ນີ້",
            ]),
        "km": Language(
            separator: ",",
            [
                "online": "កំពុងអនឡាញ", "peak": "អនឡាញច្រើនបំផុត", "visits": "ចូលមើលសរុប", "views": "បើកមើលសរុប",
                "today": "ថ្ងៃនេះ", "yesterday": "ម្សិលមិញ", "month": "ខែនេះ", "visitors": "អ្នកចូលមើលថ្ងៃនេះ",
            ]),
    ]

    /// What a number is called in a language (`vi`, `vi-VN`, `zh_TW`); in English where the language is not known.
    static func label(of number: PublicNumber, totalOf: SiteSettings.TotalOf, in language: String) -> String {
        let name = number == .total ? (totalOf == .visits ? "visits" : "views") : number.rawValue
        return known(language)?.words[name] ?? name
    }

    /// A number as the language writes it: 57.998 in Vietnamese, 57,998 in English.
    static func text(_ number: Int64, in language: String) -> String {
        let digits = String(number.magnitude)
        var text = number < 0 ? "-" : ""
        guard let language = known(language), number.magnitude >= language.groupedFrom else { return text + digits }
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place).isMultiple(of: 3) { text += language.separator }
            text.append(digit)
        }
        return text
    }

    /// The language of a tag; of Chinese, the script or the place decides between the two.
    private static func known(_ tag: String) -> Language? {
        let parts = tag.lowercased().split { $0 == "-" || $0 == "_" }
        if parts.first == "zh", !parts.contains("hans"), parts.contains(where: { traditional.contains($0) }) {
            return languages["zh-hant"]
        }
        return languages[String(parts.first ?? "en")] ?? languages["en"]
    }

    private static let traditional: Set<Substring> = ["hant", "tw", "hk", "mo"]
}
