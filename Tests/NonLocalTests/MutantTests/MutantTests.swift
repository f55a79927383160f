import Foundation
import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

private let environment = ProcessInfo.processInfo.environment

/// Changes kernels by `Scripts/mutants`, one mutant after the other: the checks of the kernel have to notice each.
///
/// A mutant may write where it should not, or never end: the journal says which one was at work when the process
/// died, and the script starts another.
@Suite(.enabled(if: environment["NONLOCAL_MUTANTS_JOURNAL"] != nil, "Scripts/mutants runs it"), .serialized)
struct MutantTests {
    private let mutants: [Mutant]
    private let journal: MutantJournal
    private let device: Device

    init() throws {
        let only = environment["NONLOCAL_MUTANTS_SOURCE"]
        let listed = try environment["NONLOCAL_MUTANTS_LIST"].map {
            Set(try String(contentsOfFile: $0, encoding: .utf8).split(separator: "\n").map(String.init))
        }
        mutants = Mutant.all(seed: UInt64(environment["NONLOCAL_MUTANTS_SEED"] ?? "") ?? 1)
            .filter { only == nil || $0.source.fileName == only }
            .filter { listed?.contains($0.description) != false }
        journal = try MutantJournal(environment["NONLOCAL_MUTANTS_JOURNAL"] ?? "")
        device = try DeviceSelector.automatic.device()
    }

    /// By a wrong result, or by something written beside a buffer.
    @Test(.enabled(if: GuardLayer.isThere)) func areNoticed() throws {
        let count = Int(environment["NONLOCAL_MUTANTS"] ?? "") ?? 200
        let guards = try GuardLayer()
        var judged = journal.judged
        for (index, mutant) in mutants.enumerated() where judged < count {
            guard !journal.knows(index) else { continue }
            if journal.count(of: "started", index) >= 2 {
                try journal.note(index, "killed", mutant, "the process died, twice")
                judged += 1
                continue
            }
            try journal.note(index, "started", mutant, "")
            let verdict = try judge(mutant, guards) {
                try? journal.note(index, "killed", mutant, "it does not end: \($0)")
            }
            try journal.note(index, verdict.state, mutant, verdict.detail)
            if verdict.state != "invalid" { judged += 1 }
        }
        try journal.note(-1, "done", nil, "\(judged) judged of \(mutants.count) that there are")
    }

    private func judge(
        _ mutant: Mutant, _ guards: GuardLayer, noteEndless: @escaping (String) -> Void
    ) throws -> (state: String, detail: String) {
        let session = try OpenCLSession(device, overriding: [mutant.source: mutant.text])
        for check in try MutantCheck.all(for: mutant.source, OpenCLSession(device)) {
            let passed: Bool
            _ = guards.damagedBuffers()
            let watchdog = Watchdog(cpuSeconds: 40) { noteEndless(check.name) }
            defer { watchdog.cancel() }
            do {
                passed = try check.passes(session)
            } catch let error as OpenCLError where error.name == "CL_BUILD_PROGRAM_FAILURE" {
                return ("invalid", "does not compile")
            } catch {
                passed = false
            }
            watchdog.cancel()
            let damaged = guards.damagedBuffers()
            guard !passed || damaged > 0 else { continue }
            // What an earlier mutant overwrote in this process must not be held against this one.
            guard try check.passes(OpenCLSession(device)), guards.damagedBuffers() == 0 else { exit(4) }
            return ("killed", (passed ? "writes beside a buffer in " : "") + check.name)
        }
        return ("survived", "")
    }

    /// Those that are left, by Oclgrind: an access beside an array, a race.
    @Test(.enabled(if: environment["NONLOCAL_OCLGRIND_ERRORS"] != nil)) func areNoticedByOclgrind() throws {
        let log = environment["NONLOCAL_OCLGRIND_ERRORS"] ?? ""
        func faults() -> Int {
            (try? String(contentsOfFile: log, encoding: .utf8).components(separatedBy: "Kernel:").count) ?? 1
        }
        for (index, mutant) in mutants.enumerated() where journal.last(of: index) == "survived" {
            // One that Oclgrind can't run is not noticed.
            var state = "open"
            if journal.count(of: "checked", index) < 2 {
                try journal.note(index, "checked", mutant, "")
                for check in try MutantCheck.ofKernel(mutant.source, OpenCLSession(device)) {
                    func isClean(_ session: OpenCLSession) -> Bool {
                        let before = faults()
                        return (try? check.passes(session)) == true && faults() == before
                    }
                    let session = try OpenCLSession(device, overriding: [mutant.source: mutant.text])
                    // What the kernel as it is does not get past either tells nothing of the mutant.
                    guard !isClean(session), try isClean(OpenCLSession(device)) else { continue }
                    state = "killed"
                    try journal.note(index, state, mutant, "Oclgrind, in \(check.name)")
                    break
                }
            }
            if state == "open" { try journal.note(index, state, mutant, "") }
        }
        try journal.note(-2, "done", nil, "")
    }
}

/// What became of each mutant, a line each, kept when the process dies.
final class MutantJournal {
    private let path: String
    private var states: [Int: [String]] = [:]

    init(_ path: String) throws {
        self.path = path
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return }
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count > 1, let index = Int(fields[0]) else { continue }
            states[index, default: []].append(String(fields[1]))
        }
    }

    var judged: Int {
        states.values.count { !Set($0).isDisjoint(with: ["killed", "survived"]) }
    }

    func knows(_ index: Int) -> Bool {
        !Set(states[index] ?? []).isDisjoint(with: ["killed", "survived", "invalid"])
    }

    func count(of state: String, _ index: Int) -> Int { (states[index] ?? []).count { $0 == state } }

    /// What is known of it, but for what has begun.
    func last(of index: Int) -> String? { states[index]?.last { !["started", "checked"].contains($0) } }

    func note(_ index: Int, _ state: String, _ mutant: Mutant?, _ detail: String) throws {
        let line = "\(index)\t\(state)\t\(mutant?.description ?? "")\t\(detail)\n"
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        defer { close(file) }
        guard file >= 0, write(file, line, line.utf8.count) == line.utf8.count else {
            throw NonLocalError(.file, "can't write '\(path)'")
        }
    }
}

/// Ends the process if something takes too long: a kernel without end can't be stopped otherwise.
final class Watchdog: @unchecked Sendable {
    private let lock = NSLock()
    private var isCancelled = false

    /// - Parameters:
    ///   - seconds: of the clock.
    ///   - cpuSeconds: of the processor, which don't pass while other programs have it.
    ///   - note: is called before the process ends.
    init(seconds: Int = 600, cpuSeconds: Int = .max, _ note: @escaping () -> Void) {
        nonisolated(unsafe) let note = note
        let start = clock()
        Thread.detachNewThread { [self] in
            for _ in 0..<10 * seconds where (clock() - start) / Int(CLOCKS_PER_SEC) < cpuSeconds {
                usleep(100_000)
                if lock.withLock({ isCancelled }) { return }
            }
            note()
            _exit(3)
        }
    }

    func cancel() { lock.withLock { isCancelled = true } }
}
