/// Who changed a number by hand, why and when. It is stored with the number for ever.
public struct AuditNote: Equatable, Sendable {
    /// Who did it, at most 64 bytes.
    public let by: String
    /// Why, at most 256 bytes.
    public let note: String
    /// When.
    public let at: Moment

    /// Longest `by`, in bytes.
    public static let byBytesMax = 64
    /// Longest `note`, in bytes.
    public static let noteBytesMax = 256

    /// An audit note. Texts that are too long are cut at a character boundary.
    public init(by: String, note: String, at: Moment) {
        self.by = by.prefix(bytes: Self.byBytesMax)
        self.note = note.prefix(bytes: Self.noteBytesMax)
        self.at = at
    }
}

extension String {
    fileprivate func prefix(bytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = startIndex
        for next in indices.dropFirst() {
            guard utf8.distance(from: startIndex, to: next) <= limit else { break }
            end = next
        }
        return String(self[..<end])
    }
}

extension ByteWriter {
    mutating func auditNote(_ note: AuditNote) {
        text(note.by)
        text(note.note)
        moment(note.at)
    }
}

extension ByteReader {
    mutating func auditNote() throws(MalformedBytes) -> AuditNote {
        AuditNote(
            by: try string(upTo: AuditNote.byBytesMax), note: try string(upTo: AuditNote.noteBytesMax), at: try moment()
        )
    }
}
