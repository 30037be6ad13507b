import Counting

extension Admission {
    /// A site that the input names and nobody serves yet.
    public struct UnknownSite: Equatable, Sendable {
        /// Its name. For a virtual host, the host itself.
        public var name: String
        /// The host with which lines name it.
        public var hosts: [String] = []
    }

    /// The unserved sites that the records of the datagram name, without duplicates. For `footfall count`, which
    /// accepts them all.
    ///
    /// - Complexity: as reading the datagram.
    public mutating func unknownSites(in datagram: Span<UInt8>) -> [UnknownSite] {
        var unknown: [UnknownSite] = []
        if Beacons.isNative(datagram) {
            addUnknown(of: datagram, to: &unknown)
            return unknown
        }
        guard let header = SyslogHeader(datagram) else { return unknown }
        let body = datagram.extracting(header.message..<datagram.count)
        if let tag = siteTag(datagram.extracting(header.tag)) {
            if sites.find(tag: tag) == nil {
                Self.add(String(decoding: [UInt8](copying: tag), as: UTF8.self), to: &unknown)
            }
        } else if let name = header.site {
            addUnknown(datagram.extracting(name), to: &unknown)
        } else if Beacons.isNative(body) {
            addUnknown(of: body, to: &unknown)
        } else if let line = LogFormat.fields(of: body) {
            if let name = line[.site] {
                addUnknown(body.extracting(name), to: &unknown)
            } else if short.setVirtualHost(line[.host] ?? line[.serverName], nil, in: body), isVirtualHost(short.bytes)
            {
                let bytes = short.bytes
                // A request for a page that does not exist may also name a host that does not exist.
                if sites.find(host: bytes.span) == nil, isPage(line, in: body) {
                    let host = String(decoding: bytes, as: UTF8.self)
                    unknown.append(UnknownSite(name: host, hosts: [host]))
                }
            } else if !logSite.isEmpty {
                let name = logSite
                addUnknown(name.span, to: &unknown)
            }
        }
        return unknown
    }

    /// True for a name with a letter in it: neither a dash nor an address.
    private func isVirtualHost(_ host: [UInt8]) -> Bool {
        isSiteName(host.span) && host.contains { isLower($0) }
    }

    private mutating func isPage(_ line: HitFields, in body: Span<UInt8>) -> Bool {
        do throws(BeaconRejection) { try checkRequest(line, in: body) } catch { return false }
        return true
    }

    private mutating func addUnknown(of beacons: Span<UInt8>, to unknown: inout [UnknownSite]) {
        var records = Beacons(beacons)
        guard (try? records.begin()) != nil else { return }
        while true {
            let line = records.next()
            if case .end = line { return }
            if case .record = line, let place = records.beacon[.site] {
                addUnknown(beacons.extracting(place), to: &unknown)
            }
        }
    }

    private mutating func addUnknown(_ name: Span<UInt8>, to unknown: inout [UnknownSite]) {
        guard sites.find(name) == nil, short.setShort(name, .form, limit: 64), isSiteName(short.span),
            sites.find(short.span) == nil
        else { return }
        Self.add(String(decoding: short.bytes, as: UTF8.self), to: &unknown)
    }

    private static func add(_ name: String, to unknown: inout [UnknownSite]) {
        if isSiteName(Array(name.utf8).span), !unknown.contains(where: { $0.name == name }) {
            unknown.append(UnknownSite(name: name))
        }
    }
}
