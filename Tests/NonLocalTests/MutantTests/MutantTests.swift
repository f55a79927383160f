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
    @Test func areNoticed() throws {
        let count = Int(environment["NONLOCAL_MUTANTS"] ?? "") ?? 200
        let seed = UInt64(environment["NONLOCAL_MUTANTS_SEED"] ?? "") ?? 1
        let only = environment["NONLOCAL_MUTANTS_SOURCE"]
        let journal = try MutantJournal(environment["NONLOCAL_MUTANTS_JOURNAL"] ?? "")
        let device = try DeviceSelector.automatic.device()
        let mutants = Mutant.all(seed: seed).filter { only == nil || $0.source.fileName == only }
        var judged = journal.judged
        for (index, mutant) in mutants.enumerated() where judged < count {
            guard !journal.knows(index) else { continue }
            if journal.starts(of: index) >= 2 {
                try journal.note(index, "killed", mutant, "the process died, twice")
                judged += 1
                continue
            }
            try journal.note(index, "started", mutant, "")
            let watchdog = Watchdog(seconds: 120) {
                try? journal.note(index, "killed", mutant, "it had not ended after two minutes")
            }
            let verdict = try judge(mutant, device)
            watchdog.cancel()
            try journal.note(index, verdict.state, mutant, verdict.detail)
            if verdict.state != "invalid" { judged += 1 }
        }
        try journal.note(-1, "done", nil, "\(judged) judged of \(mutants.count) that there are")
    }

    private func judge(_ mutant: Mutant, _ device: Device) throws -> (state: String, detail: String) {
        let session = try OpenCLSession(device, overriding: [mutant.source: mutant.text])
        for check in try MutantCheck.all(for: mutant.source, OpenCLSession(device)) {
            let passed: Bool
            do {
                passed = try check.passes(session)
            } catch let error as OpenCLError where error.name == "CL_BUILD_PROGRAM_FAILURE" {
                return ("invalid", "does not compile")
            } catch {
                passed = false
            }
            guard !passed else { continue }
            // What an earlier mutant overwrote in this process must not be held against this one.
            guard try check.passes(OpenCLSession(device)) else { exit(4) }
            return ("killed", check.name)
        }
        return ("survived", "")
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

    func starts(of index: Int) -> Int { (states[index] ?? []).count { $0 == "started" } }

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

    init(seconds: Int, _ note: @escaping () -> Void) {
        nonisolated(unsafe) let note = note
        Thread.detachNewThread { [self] in
            for _ in 0..<seconds {
                sleep(1)
                if lock.withLock({ isCancelled }) { return }
            }
            note()
            _exit(3)
        }
    }

    func cancel() { lock.withLock { isCancelled = true } }
}
