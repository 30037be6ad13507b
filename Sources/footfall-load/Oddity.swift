import Counting

/// A datagram that is not a plain datagram of views, but must still be counted exactly: as something else, in part, or
/// under the reason of its refusal.
///
/// Nothing here depends on a setting. `asset` and `untrusted` do, so they are not here.
enum Oddity: CaseIterable {
    // Refused as a whole.
    case headerAlone, oversize, version
    // Junk, and refused records.
    case garbage, siteUnknown, siteMissing, event, method, status, recordWithoutPage, tooManyRecords
    // Counted as something other than a visitor's view.
    case bot, ping, viewOfNobody
}

extension Traffic {
    /// The longest datagram that is read, and the most records in it. The daemon's limits are repeated here on purpose.
    private static let bytesMax = 8192, recordsMax = 64

    /// Appends the bytes of an odd datagram for a site, and adds what must be counted to the truth.
    mutating func append(_ oddity: Oddity, of site: Int, to bytes: inout [UInt8]) {
        switch oddity {
        case .headerAlone:
            bytes.append(contentsOf: headers[site])
            truth.reject(.empty)
        case .oversize:
            let start = bytes.count
            bytes.append(contentsOf: headers[site])
            bytes.append(text: "&u=/")
            let length = Self.bytesMax + 1 + random.below(1000)
            bytes.append(contentsOf: repeatElement(0x78, count: length - (bytes.count - start)))
            truth.reject(.oversize)
        case .version:
            bytes.append(text: "f2 s=demo&u=/")
            truth.reject(.version)
        case .garbage:
            bytes.append(text: "what is this? ")
            bytes.append(decimal: random.below(1_000_000))
            truth.reject(.syntax)
        case .siteUnknown:
            bytes.append(text: "f1 s=nobodys-")
            bytes.append(decimal: random.below(1_000_000))
            bytes.append(text: "&v=1&u=/")
            truth.reject(.siteUnknown)
        case .siteMissing:
            bytes.append(text: "f1 v=1&u=/")
            truth.reject(.siteMissing)
        case .event:
            bytes.append(contentsOf: headers[site])
            bytes.append(text: "&n=click&v=1&u=/")
            truth.reject(.syntax, of: site)
        case .method:
            bytes.append(contentsOf: headers[site])
            bytes.append(text: "&m=POST&c=200&v=1&u=/")
            truth.reject(.method, of: site)
        case .status:
            bytes.append(contentsOf: headers[site])
            bytes.append(text: "&m=GET&c=404&v=1&u=/")
            truth.reject(.status, of: site)
        case .recordWithoutPage:
            // The others count.
            bytes.append(contentsOf: headers[site])
            bytes.append(0x26)
            appendView(of: site, to: &bytes)
            bytes.append(text: "\nv=1\n")
            truth.reject(.syntax, of: site)
            appendView(of: site, to: &bytes)
        case .tooManyRecords:
            bytes.append(contentsOf: headers[site])
            bytes.append(0x26)
            appendPing(of: site, to: &bytes)
            for _ in 1..<Self.recordsMax {
                bytes.append(text: "\nn=ping")
                countPing(of: site)
            }
            for _ in 0...random.below(9) {
                bytes.append(text: "\nn=ping")
                truth.reject(.limit, of: site)
            }
        case .bot:
            bytes.append(contentsOf: headers[site])
            bytes.append(text: "&i=192.0.2.1&u=/&a=Mozilla/5.0 (compatible; examplebot/1.0)")
            truth.counters[.records] += 1
            truth.counters[.bots] += 1
            truth.sites[site].bots += 1
        case .ping:
            bytes.append(contentsOf: headers[site])
            bytes.append(0x26)
            appendPing(of: site, to: &bytes)
        case .viewOfNobody:
            bytes.append(contentsOf: headers[site])
            bytes.append(text: "&u=/")
            truth.counters[.records] += 1
            truth.counters[.views] += 1
            truth.sites[site].otherViews += 1
        }
    }

    /// A ping of a visitor, with or without a view before or after it: it begins no visit.
    private mutating func appendPing(of site: Int, to bytes: inout [UInt8]) {
        bytes.append(text: "n=ping&")
        if appendVisitor(random.below(plan.visitors), isEscaped: false, to: &bytes) { bytes.append(contentsOf: agent) }
        countPing(of: site)
    }

    private mutating func countPing(of site: Int) {
        truth.counters[.records] += 1
        truth.counters[.pings] += 1
        truth.sites[site].pings += 1
    }
}
