import Foundation
import NonLocal

/// Progress on stderr: a bar that is drawn over and over on a terminal, a line now and then elsewhere, nothing in the
/// first second.
final class ProgressDisplay: Sendable {
    private enum Style: Sendable {
        case bar
        case lines
        case none
    }

    private let style: Style
    private let lock = NSLock()
    private nonisolated(unsafe) var nextAt: Double
    private nonisolated(unsafe) var isShown = false

    private static let patience = 1.0
    private static let secondsBetweenBars = 0.1
    private static let secondsBetweenLines = 10.0

    init(isQuiet: Bool) {
        style = isQuiet ? .none : isatty(STDERR_FILENO) == 1 ? .bar : .lines
        nextAt = style == .bar ? Self.patience : Self.secondsBetweenLines
    }

    /// Shows how far the work is, unless that was shown a moment ago.
    func show(_ progress: RunProgress) {
        lock.withLock {
            guard style != .none, progress.seconds >= nextAt else { return }
            switch style {
            case .bar:
                nextAt = progress.seconds + Self.secondsBetweenBars
                isShown = true
                Console.progress("\r" + Self.bar(progress, columns: Self.columns) + Self.eraseToEnd)
            case .lines:
                nextAt = progress.seconds + Self.secondsBetweenLines
                Console.note(Self.words(progress))
            case .none: break
            }
        }
    }

    /// Takes the bar away.
    func clear() {
        lock.withLock {
            if isShown { Console.progress("\r" + Self.eraseToEnd) }
            isShown = false
        }
    }

    /// `[####------]  42 %  181 GFLOP/s  0:14 left`, as much of it as the width allows.
    static func bar(_ progress: RunProgress, columns: Int) -> String {
        let words = words(progress)
        // A character too many would begin a new line each time.
        let room = columns - 1 - words.count - 3
        guard room >= 4 else { return String(words.prefix(max(columns - 1, 0))) }
        let size = min(room, 40)
        let filled = Int(progress.fraction * Double(size))
        return "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: size - filled)
            + "] "
            + words
    }

    static func words(_ progress: RunProgress) -> String {
        var parts = [String(format: "%3.0f %%", (progress.fraction * 100).rounded(.down))]
        if progress.seconds > 0, progress.operations > 0 {
            parts.append("\((progress.operations / progress.seconds / 1e9).fixed(0)) GFLOP/s")
        }
        if let left = progress.secondsLeft { parts.append("\(duration(left)) left") }
        return parts.joined(separator: "  ")
    }

    private static func duration(_ seconds: Double) -> String {
        let whole = Int(min(seconds.rounded(.up), 359_999))
        return whole < 3600
            ? String(format: "%d:%02d", whole / 60, whole % 60)
            : String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
    }

    private static let eraseToEnd = "\u{1B}[K"

    private static var columns: Int {
        var size = winsize()
        return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}
