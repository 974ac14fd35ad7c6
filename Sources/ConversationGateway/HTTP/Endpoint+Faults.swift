import Conversations
import HTTPTypes
import Hummingbird
import Synchronization

extension Endpoint {
    static let faults = [
        Endpoint(.get, "/sim/faults", "listFaults", access: .simulation) { call throws(APIError) in
            try call.json(["data": call.gateway.faults.withLock { $0.faults }])
        },
        Endpoint(.post, "/sim/faults", "addFault", access: .simulation) { call throws(APIError) in
            let fault = try await call.body(Fault.self)
            try fault.check()
            return try call.json(call.gateway.faults.withLock { $0.add(fault) })
        },
        Endpoint(.delete, "/sim/faults", "removeFaults", access: .simulation) { call throws(APIError) in
            call.gateway.faults.withLock { $0.removeAll() }
            return try call.json(["success": true])
        },
        Endpoint(.delete, "/sim/faults/{fault_id}", "removeFault", access: .simulation) { call throws(APIError) in
            let id = call.part("fault_id")
            guard call.gateway.faults.withLock({ $0.remove(id) }) else { throw .notFound("Fault") }
            return try call.json(["success": true])
        },
    ]
}

extension Endpoint {
    /// Handles a call, within the limits and with the faults that are in force.
    func answer(_ call: Call) async throws(APIError) -> Response {
        guard access == .apiKey else { return try await handle(call) }
        let now = call.gateway.now()
        try call.gateway.rates.withLock { counter throws(APIError) in try counter.admit(name, at: now) }
        guard let fault = call.gateway.faults.withLock({ $0.strike(.operation(name)) }) else {
            return try await handle(call)
        }
        switch fault.kind {
        case .status:
            throw fault.error
        case .statusAfterEffect:
            _ = try await handle(call)
            throw fault.error
        case .delay:
            try? await call.gateway.clock.sleep(for: .seconds(fault.seconds ?? 0))
            return try await handle(call)
        case .disconnect:
            return await call.hangUp()
        case .loseAnswer:
            _ = try await handle(call)
            return await call.hangUp()
        case .duplicate, .reorder, .wrongSignature, .tamperedBody, .skew, .drop:
            return try await handle(call)
        }
    }
}

extension Call {
    /// Closes the connection under the caller; the answer reaches nobody.
    fileprivate func hangUp() async -> Response {
        try? await context.channel.close()
        return Response(status: .serviceUnavailable)
    }
}
