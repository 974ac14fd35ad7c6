import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Crash notes in a small file that is mapped into memory: the kernel keeps what a killed process wrote to it.
///
/// Source: mmap(2), `MAP_SHARED`: updates are carried through to the file, whoever's process ends.
@safe public final class MappedCrashNotes: CrashNotes {
    private static let slotCount = 1024
    /// The last slot holds no note, but the number of the fatal signal that the process caused itself.
    private static let signalSlot = slotCount - 1

    public let leftBehind: [CrashNote]
    public let endedByFault: Bool
    // Written through below: a slot is written only by whoever took its number from `free`. Never unmapped before deinit.
    private nonisolated(unsafe) let slots: UnsafeMutablePointer<Int64>
    private let free: Mutex<[Int]>

    /// Opens the file at `path`, or makes it.
    ///
    /// - Throws: ``EngineError``, `unavailable` if it can't be opened, made or mapped.
    public init(path: String) throws(EngineError) {
        let size = Self.slotCount * MemoryLayout<Int64>.size
        let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.error("opened", path) }
        defer { close(file) }
        // Extends with zeros what is shorter, and leaves alone what has the size already.
        guard ftruncate(file, size) == 0 else { throw Self.error("extended", path) }
        let memory = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { throw Self.error("mapped", path) }
        let slots = unsafe memory.bindMemory(to: Int64.self, capacity: Self.slotCount)
        unsafe self.slots = slots
        endedByFault = unsafe slots[Self.signalSlot] != 0
        leftBehind = (0..<Self.signalSlot).compactMap { index in
            let number = unsafe slots[index]
            return number > 0 ? CrashNote(number: number) : nil
        }
        free = Mutex(Array((0..<Self.signalSlot).reversed()))
    }

    /// Has the file tell the next process if this one ends by a fault of its own. For the life of the process: these
    /// notes must not be let go after it.
    public func noteFaults() { unsafe FatalSignals.mark(at: slots + Self.signalSlot) }

    deinit { unsafe munmap(slots, Self.slotCount * MemoryLayout<Int64>.size) }

    public func clear() {
        for index in 0..<Self.slotCount { unsafe slots[index] = 0 }
    }

    public func enter(_ note: CrashNote) -> Int? {
        guard let slot = free.withLock({ $0.popLast() }) else { return nil }
        unsafe slots[slot] = note.number
        return slot
    }

    public func leave(_ slot: Int) {
        unsafe slots[slot] = 0
        free.withLock { $0.append(slot) }
    }

    private static func error(_ what: String, _ path: String) -> EngineError {
        let reason = unsafe String(cString: strerror(errno))
        return EngineError(.unavailable, "\(path) can't be \(what): \(reason)")
    }
}
