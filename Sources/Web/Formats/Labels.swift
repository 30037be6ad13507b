import Counting
import Foundation

/// The labels of numbers, and their digits, as people see them.
enum Labels {
    /// One language of `Assets/labels.json`: the labels of the numbers, and how they are written.
    private struct Language: Decodable {
        /// The separator between groups of three digits, as in CLDR 48.
        let separator: String
        /// The smallest number with a separator: Spanish writes 9999 and 10.000.
        let groupedFrom: UInt64
        let online, peak, visits, views, today, yesterday, month, visitors: String

        /// The label of a number; nil for one with several values.
        func label(of number: PublicNumber, totalOf: SiteSettings.TotalOf) -> String? {
            switch number {
            case .online: online
            case .peak: peak
            case .total: totalOf == .visits ? visits : views
            case .visits: visits
            case .views: views
            case .today: today
            case .yesterday: yesterday
            case .month: month
            case .visitors: visitors
            case .windows, .bots, .rejected, .top, .series: nil
            }
        }
    }

    private static let languages: [String: Language] = {
        do {
            return try JSONDecoder().decode([String: Language].self, from: Data(Assets.labels))
        } catch {
            preconditionFailure("labels.json: \(error)")
        }
    }()

    /// The label of a number in a language (`vi`, `vi-VN`, `zh_TW`); in English if the language is unknown.
    static func label(of number: PublicNumber, totalOf: SiteSettings.TotalOf, in language: String) -> String {
        known(language)?.label(of: number, totalOf: totalOf) ?? number.rawValue
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

    /// The language of a tag. For Chinese, the script or the place decides which of the two.
    private static func known(_ tag: String) -> Language? {
        let parts = tag.lowercased().split { $0 == "-" || $0 == "_" }
        if parts.first == "zh", !parts.contains("hans"), parts.contains(where: { traditional.contains($0) }) {
            return languages["zh-hant"]
        }
        return languages[String(parts.first ?? "en")] ?? languages["en"]
    }

    private static let traditional: Set<Substring> = ["hant", "tw", "hk", "mo"]
}
