import Foundation
import Testing

/// `tidewire gateway`, up and ready, and its two doors.
struct GatewayProduct: Sendable {
    let product: Product
    let api: HTTP
    let phones: HTTP

    /// - Parameter shell: Commands that a shell runs first, in the same process.
    init(_ place: Workplace, _ settings: [String: String] = [:], shell: String? = nil) async throws {
        let all = ["gateway.rate_limits": ""].merging(settings) { $1 }
        let arguments = place.arguments("gateway", all, ["--local-webhooks"])
        if let shell {
            let command = shell + "; exec \"$@\""
            product = try Product(
                ["-c", command, "sh", Product.binary.path] + arguments, binary: URL(filePath: "/bin/sh"))
        } else {
            product = try Product(arguments)
        }
        let line = await product.output.next(holding: "The gateway serves ")
        let url = line?.split(separator: " ").first { $0.hasPrefix("http://") }.map(String.init)
        let base = try #require(url, "it did not start: \(product.errors.all)")
        let keys = try place.keys()
        api = HTTP(base: base, token: keys["api_key"])
        phones = HTTP(base: base, token: keys["simulation_token"])
    }
}
