import ArgumentParser
import CKernel
import Glibc
import Ingest

/// Sends datagrams of several records each from one plain socket, at a rate or as fast as it can.
struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Send beacons, then print what was sent.")

    @Option(help: "Address of the daemon.")
    var host = "127.0.0.1"
    @Option(help: "Port of the daemon.")
    var port: UInt16 = 7373
    @Option(help: "The site's name.")
    var site = "demo"
    @Option(help: "Datagrams to send.")
    var datagrams = 100_000
    @Option(help: "Records in a datagram.")
    var records = 12
    @Option(help: "Distinct visitors.")
    var visitors = 100_000
    @Option(help: "Datagrams a second; 0 as fast as it goes.")
    var rate = 0

    func validate() throws {
        guard (1...64).contains(records), datagrams > 0, visitors > 0, rate >= 0 else {
            throw ValidationError("--records takes 1…64, --datagrams and --visitors at least 1")
        }
    }

    func run() throws {
        let descriptor: CInt
        do {
            descriptor = try SocketAddress(host: host, port: port).connected()
        } catch {
            throw ValidationError("\(error)")
        }
        defer { close(descriptor) }
        // Made before the clock starts: the sender should not be what is measured.
        let pool = (0..<min(datagrams, max(1, visitors / records))).map(datagram)
        let begun = Clocks.steady
        var sent = 0
        var batch = 0
        while sent < datagrams {
            let count = min(32, datagrams - sent)
            send(descriptor, (0..<count).map { pool[(sent + $0) % pool.count] })
            sent += count
            batch += 1
            // Keep to the rate over each millisecond or so, without drifting.
            while rate > 0, Clocks.steady - begun < Int64(sent) * 1000 / Int64(rate) { usleep(200) }
        }
        let milliseconds = max(1, Clocks.steady - begun)
        print(
            "{\"datagrams\":\(sent),\"records\":\(sent * records),\"milliseconds\":\(milliseconds),"
                + "\"records_per_second\":\(sent * records * 1000 / Int(milliseconds))}")
    }

    private func datagram(_ number: Int) -> [UInt8] {
        let lines = (0..<records).map { i in
            let visitor = (number * records + i) % visitors
            return
                "u=/tin-tuc/\(visitor % 1000)&i=10.\(visitor >> 16 & 255).\(visitor >> 8 & 255).\(visitor & 255)&a=Mozilla/5.0"
        }
        return Array("f1 s=\(site)\n\(lines.joined(separator: "\n"))".utf8)
    }

    private func send(_ descriptor: CInt, _ datagrams: [[UInt8]]) {
        let bytes = datagrams.flatMap { $0 }
        unsafe bytes.withUnsafeBufferPointer { buffer in
            var pointers: [UnsafePointer<UInt8>?] = unsafe []
            var offset = 0
            for datagram in datagrams {
                unsafe pointers.append(buffer.baseAddress.map { unsafe $0 + offset })
                offset += datagram.count
            }
            let lengths = datagrams.map { UInt32($0.count) }
            var done = 0
            while done < datagrams.count {
                let status = unsafe pointers[done...].withUnsafeBufferPointer { pointers in
                    unsafe lengths[done...].withUnsafeBufferPointer { lengths in
                        unsafe ck_send(
                            descriptor, pointers.baseAddress, lengths.baseAddress, UInt32(pointers.count))
                    }
                }
                // A full queue of our own, or nobody listening: try again is all a sender can do.
                done += max(0, Int(status))
            }
        }
    }
}
