import Foundation
import Testing

extension Hardship {
    /// What `make bench` measures and is exact on any machine. The ceilings are the figures of today and a little more; who
    /// makes one of them better lowers it.
    @Suite("Instructions of the hot path")
    struct InstructionTests {
        @Test("no step of a beacon costs more instructions than it did")
        func ceilings() throws {
            let bench = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
                path: "Bench")
            let run = try shell(
                "python3 '\(bench.path)/bench.py' exact --ceilings '\(bench.path)/ceilings.json'")
            #expect(run.status == 0, "\(run.output)\(run.errors)")
        }
    }
}
