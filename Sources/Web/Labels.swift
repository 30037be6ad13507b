import Counting

/// What the numbers are called where people see them.
enum Labels {
    /// By language, then by the number's name; `total` and the days are of visits or of views.
    private static let table: [String: [String: String]] = [
        "en": [
            "online": "Online now", "peak": "Most online", "visits": "Total visits", "views": "Total views",
            "today": "Today", "yesterday": "Yesterday", "month": "This month", "visitors": "Visitors today",
        ],
        "vi": [
            "online": "Đang trực tuyến", "peak": "Trực tuyến nhiều nhất", "visits": "Tổng truy cập",
            "views": "Tổng lượt xem", "today": "Hôm nay", "yesterday": "Hôm qua", "month": "Tháng này",
            "visitors": "Khách hôm nay",
        ],
    ]

    /// What a number is called in a language (`vi`, `vi-VN`); in English where the language is not known.
    static func label(of number: PublicNumber, totalOf: SiteSettings.TotalOf, in language: String) -> String {
        let language = language.prefix { $0 != "-" && $0 != "_" }.lowercased()
        let name = number == .total ? (totalOf == .visits ? "visits" : "views") : number.rawValue
        return (table[language] ?? table["en"])?[name] ?? name
    }
}
