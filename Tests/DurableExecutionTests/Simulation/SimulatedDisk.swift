import Foundation
import GRDB
import TestSupport

@testable import DurableExecution

/// What outlives the processes of a simulation: the store's second implementation, which can lie, or SQLite itself.
final class SimulatedDisk: Sendable {
    private enum Kind {
        case memory(MemoryStore)
        case sqlite(SQLiteStore)
        case file(TemporaryFolder)
    }

    private let kind: Kind

    init(_ disk: Scenery.Disk, fault: MemoryStore.Fault?) throws {
        kind =
            switch disk {
            case .memory: .memory(MemoryStore(fault: fault))
            case .sqlite: .sqlite(try SQLiteStore.inMemory())
            case .file: .file(try TemporaryFolder(named: "state"))
            }
    }

    /// Whether the store works on threads of its own.
    var isOutside: Bool { if case .memory = kind { false } else { true } }

    /// The store as a process that starts opens it.
    func open() throws -> any DurableStore {
        switch kind {
        case .memory(let store): store
        case .sqlite(let store): store
        case .file(let folder): try SQLiteStore(path: folder.path("engine.sqlite"))
        }
    }

    /// The process dies: what was not synced is lost.
    func crash() { if case .memory(let store) = kind { store.crash() } }

    /// Leaves no room for what is new, or as much as anybody wants.
    static func fill(_ store: any DurableStore, _ isFull: Bool) throws {
        guard let store = store as? SQLiteStore else { return }
        try store.database.unsafeReentrantWrite { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(isFull ? pages : 1_000_000)")
        }
    }
}
