import AsyncHTTPClient
import Conversations
import NIOCore
import NIOHTTP1
import Synchronization

/// One request and its answer, within a time and a size.
struct Exchange: Sendable {
    enum Outcome: Sendable {
        case answered(Answer)
        case failed(Failure)
    }

    /// Why there is no answer.
    struct Failure: Sendable {
        enum Reason: Sendable {
            case timeout
            case cancelled
            case connection(String)
        }

        var reason: Reason
        /// Whether the request may have reached the server.
        var mayHaveArrived: Bool
    }

    /// Connections shared by all clients of the process that bring none; they last as long as the process.
    ///
    /// Unlike `HTTPClient.shared` it follows no redirects, and gives up at the first connection that fails, since
    /// whoever calls decides about repeating. Idle connections are closed before most servers close them: a request on
    /// a connection that is just being closed may or may not arrive. Source for 5 s: uvicorn, `--timeout-keep-alive`.
    static let sharedClient: HTTPClient = {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        configuration.connectionPool.idleTimeout = .seconds(4)
        return HTTPClient(configuration: configuration)
    }()

    let httpClient: HTTPClient
    let clock: any Clock<Duration>
    let timeout: Duration
    let bodyLimit: Int

    private enum Step: Sendable {
        case ended(Result<Answer, any Error>)
        case timedOut
        case interrupted
    }

    func perform(_ request: HTTPClientRequest, body: ByteBuffer?) async -> Outcome {
        let departure = Departure()
        var request = request
        if let body {
            let upload = Upload(bytes: body, departure: departure, check: LastLook.check)
            request.body = .stream(upload, length: .known(Int64(body.readableBytes)))
        }
        return await withTaskGroup(of: Step.self) { [request] group in
            group.addTask { .ended(await answer(to: request)) }
            group.addTask { (try? await clock.sleep(for: timeout)) == nil ? .interrupted : .timedOut }
            var isTimedOut = false
            for await step in group {
                switch step {
                case .interrupted: break
                case .timedOut:
                    isTimedOut = true
                    group.cancelAll()
                case .ended(.success(let answer)):
                    group.cancelAll()
                    return .answered(answer)
                case .ended(.failure(let error)):
                    let reason: Failure.Reason =
                        isTimedOut ? .timeout : Task.isCancelled ? .cancelled : .connection("\(error)")
                    group.cancelAll()
                    return .failed(Failure(reason: reason, mayHaveArrived: body == nil || departure.hasBegun))
                }
            }
            return .failed(Failure(reason: .cancelled, mayHaveArrived: true))
        }
    }

    private func answer(to request: HTTPClientRequest) async -> Result<Answer, any Error> {
        do {
            let response = try await httpClient.execute(request, deadline: .distantFuture)
            if response.history.count > 1, let head = response.history.first?.responseHead {
                return .success(Answer(status: Int(head.status.code), headers: head.headers, body: nil))
            }
            var answer = Answer(status: Int(response.status.code), headers: response.headers, body: nil)
            do {
                answer.body = try await response.body.collect(upTo: bodyLimit)
            } catch is NIOTooManyBytesError {
                answer.bodyProblem = .tooLarge
            } catch {
                answer.bodyProblem = .brokeOff
            }
            return .success(answer)
        } catch {
            return .failure(error)
        }
    }
}

/// Notes when a connection begins to take a request's body.
///
/// A request with a body has no effect without it, so until then nothing can have happened; from then on it may.
private final class Departure: Sendable {
    private let begun = Atomic(false)

    var hasBegun: Bool { begun.load(ordering: .acquiring) }

    func begin() { begun.store(true, ordering: .releasing) }
}

/// A request's body in one piece, which notes its departure, after a last look whether it may leave.
private struct Upload: AsyncSequence, Sendable {
    let bytes: ByteBuffer
    let departure: Departure
    let check: (@Sendable () async throws -> Void)?

    struct Iterator: AsyncIteratorProtocol {
        var rest: ByteBuffer?
        let departure: Departure
        let check: (@Sendable () async throws -> Void)?

        mutating func next() async throws -> ByteBuffer? {
            if rest != nil {
                try await check?()
                departure.begin()
            }
            defer { rest = nil }
            return rest
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(rest: bytes, departure: departure, check: check) }
}
