/// Everything that is wrong with the settings.
public struct SettingsError: Error, CustomStringConvertible {
    /// Never empty.
    let problems: [Problem]

    /// One line per problem: `file:line:column: sentence`.
    public var description: String { problems.map { "\($0.place): \($0.sentence)" }.joined(separator: "\n") }

    /// One mistake.
    struct Problem: Comparable, Sendable {
        let place: Place
        /// What is wrong, and what is allowed.
        let sentence: String

        static func < (a: Problem, b: Problem) -> Bool {
            let first = SettingsPlaces.Position()
            return (a.place.source, a.place.position ?? first) < (b.place.source, b.place.position ?? first)
        }
    }

    /// A point in a file, a whole file or a variable.
    struct Place: Equatable, Sendable, CustomStringConvertible {
        /// The order in which sources are read: the files, then the environment.
        let source: Int
        let name: String
        /// Nil means the whole source.
        var position: SettingsPlaces.Position?

        var description: String { name + (position.map { ":\($0.line):\($0.column)" } ?? "") }
    }
}

/// The sentence for a `name` that is not in `known`; it suggests the nearest name if that looks like a typing error.
func unknown(_ subject: String, _ name: String, among known: [String]) -> String {
    let nearest = known.map { (distance: editDistance($0, name), name: $0) }.min { $0.distance < $1.distance }
    if let nearest, nearest.distance <= 2 { return "unknown \(subject); did you mean \(nearest.name)?" }
    return "unknown \(subject); known: " + known.joined(separator: ", ")
}

/// The edit distance: how many letters to add, remove or replace.
private func editDistance(_ a: String, _ b: String) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, y) in b.enumerated() {
            (diagonal, row[j + 1]) = (row[j + 1], min(row[j] + 1, row[j + 1] + 1, diagonal + (x == y ? 0 : 1)))
        }
    }
    return row[b.count]
}
