import Foundation
import Glibc

/// What `/proc` says about this process, under the metric names that all programs use; nil if it says nothing.
struct ProcessNumbers {
    var cpuSeconds: Double?, startTime: Double?
    var residentBytes: Int?, virtualBytes: Int?, openDescriptors: Int?, maxDescriptors: UInt?

    init() {
        // From the third field on, proc(5). The name before it is in parentheses and may contain anything.
        let stat = Self.text("/proc/self/stat")
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ").dropFirst()
            .map { Double($0) }
        if fields.count > 21, let user = fields[11], let system = fields[12] {
            let ticks = Double(sysconf(CInt(_SC_CLK_TCK)))
            cpuSeconds = (user + system) / ticks
            virtualBytes = fields[20].map { Int($0) }
            residentBytes = fields[21].map { Int($0) * sysconf(CInt(_SC_PAGESIZE)) }
            startTime = fields[19].map { Self.boot + $0 / ticks }
        }
        openDescriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        var limit = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            maxDescriptors = limit.rlim_cur
        }
    }

    /// When the machine started, in seconds of the wall clock. `/proc/stat` says it too, but a service may not read it.
    private static let boot: Double = {
        func seconds(_ clock: clockid_t) -> Double {
            var time = timespec()
            unsafe clock_gettime(clock, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        return seconds(CLOCK_REALTIME) - seconds(CLOCK_BOOTTIME)
    }()

    private static func text(_ path: String) -> String {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
