import Counting

/// The formats of access logs. They are detected line by line.
///
/// Each format has its own file. It finds the fields by the shape of the line and returns `HitFields`. None of them
/// traps, allocates, or reads a byte more than a fixed number of times. A new format needs only a file and entries
/// here.
public enum LogFormat: String, CaseIterable, Sendable {
    /// Native beacons: in a syslog message, or separated by TAB.
    case f1
    /// Apache's and nginx's formats, common or combined, with or without the virtual host.
    case combined
    case haproxy
    case json

    /// The format that a line looks like. `line` has at least three bytes.
    @inline(__always)
    static func detect(_ line: Span<UInt8>) -> LogFormat {
        if line[0] == .openBrace { return .json }
        if TabbedLog.separator(line) != nil { return .f1 }
        let space = line.first(of: .space, from: 0)
        return space &+ 1 < line.count && line[space &+ 1] == .openBracket ? .haproxy : .combined
    }

    /// The fields of a line in this format; nil if it has another shape.
    @inline(__always)
    private func read(_ line: Span<UInt8>) -> HitFields? {
        switch self {
        case .f1: TabbedLog.read(line)
        case .combined: CombinedLog.read(line)
        case .haproxy: HAProxyLog.read(line)
        case .json: JSONLog.read(line)
        }
    }

    /// The fields of `line`, which has no line end; nil if its format is unknown, or if it has 65,536 bytes or more.
    @inline(__always)
    static func fields(of line: Span<UInt8>, isTruncated: Bool = false) -> HitFields? {
        guard line.count > 2, line.count < 1 << 16, var fields = detect(line).read(line) else { return nil }
        fields.mayOmitSite = true
        if isTruncated, !fields.isCut {
            // The format cannot tell, so the last field counts as cut.
            fields.isCut = true
            fields.isURLCut = fields.isURLCut || fields[.url]?.upperBound == line.count
            fields.isAgentCut = fields.isAgentCut || fields[.agent]?.upperBound == line.count
            if fields[.status]?.upperBound == line.count { fields.remove(.status) }
        }
        // The missing part may hold an agent. In HAProxy's format the agent would come earlier.
        if fields.isCut, fields.escaping != .hash, fields[.agent] == nil {
            fields.isAgentCut = true
            fields.hasAgent = false
        }
        return fields
    }
}
