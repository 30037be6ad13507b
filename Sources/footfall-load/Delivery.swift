import Glibc
import Ingest
import Platform

/// Sends traffic from one connected socket, at a rate or as fast as possible.
///
/// A datagram counts as sent when the kernel has accepted it. If the kernel refuses it, it is sent again. But the
/// refusal of an unbound port (ECONNREFUSED) is reported with the *next* datagram: the kernel had accepted the lost
/// one. So while a daemon is killed and restarted, another process must hold its socket, as systemd does. Otherwise the
/// numbers cannot agree. `refusals` shows how often this happened.
struct Delivery {
    /// When to stop: whichever comes first.
    var datagramsMax = Int.max
    var nanosecondsMax = Int64.max
    /// Datagrams a second; 0 for as fast as possible.
    var rate = 0

    private(set) var datagrams = 0
    private(set) var nanoseconds: Int64 = 0
    /// Errors of the socket. After each, the same datagram was sent again.
    private(set) var refusals = 0
    /// Datagrams that the kernel accepted in each second since the start. The last second is not a whole one.
    private(set) var bySecond: [Int] = []

    var milliseconds: Int64 { max(1, nanoseconds / 1_000_000) }

    var speed: Int { perSecond(datagrams) }

    func perSecond(_ count: Int) -> Int { Int(Double(count) * 1e9 / Double(max(1, nanoseconds))) }

    /// The kernel does not send at all.
    struct Failure: Error, CustomStringConvertible {
        let error: CInt
        var description: String { "cannot send: error \(error)" }
    }

    mutating func send(_ traffic: inout Traffic, to descriptor: CInt) throws(Failure) {
        var batch = Batch()
        let begun = Clocks.steadyNanoseconds
        while datagrams < datagramsMax {
            nanoseconds = Clocks.steadyNanoseconds - begun
            guard nanoseconds < nanosecondsMax else { break }
            let due = rate == 0 ? Int.max : Int(Double(nanoseconds) / 1e9 * Double(rate)) + 1 - datagrams
            let count = min(due, Batch.datagramsMax, datagramsMax - datagrams)
            guard count > 0 else {
                usleep(200)
                continue
            }
            batch.removeAll()
            for _ in 0..<count { traffic.append(to: &batch) }
            try send(batch, to: descriptor)
            datagrams += count
            let second = Int(nanoseconds / 1_000_000_000)
            while bySecond.count <= second { bySecond.append(0) }
            bySecond[second] += count
        }
        nanoseconds = Clocks.steadyNanoseconds - begun
    }

    private mutating func send(_ batch: borrowing Batch, to descriptor: CInt) throws(Failure) {
        var done = 0
        while done < batch.count {
            let status = batch.send(from: done, to: descriptor)
            if status > 0 { done += status }
            guard done < batch.count else { break }
            // A call that ends early has met an error, but the kernel does not say which.
            refusals += 1
            switch CInt(-min(status, 0)) {
            case 0, ECONNREFUSED, EINTR: break
            case EAGAIN, ENOBUFS, ENOMEM: usleep(100)
            case let error: throw Failure(error: error)
            }
        }
    }
}
