import Conversations
import Crypto
import Foundation

/// Media files under their SHA-256, in one directory. A file is complete under its name, or not there.
final class MediaStore: Sendable {
    private let directory: URL
    private let byteLimit: Int

    init(directory: URL, byteLimit: Int) throws(GatewayError) {
        self.directory = directory
        self.byteLimit = byteLimit
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            // What an earlier process was receiving when it ended.
            for name in try FileManager.default.contentsOfDirectory(atPath: directory.path)
            where name.hasSuffix(MediaUpload.suffix) {
                try FileManager.default.removeItem(at: directory.appendingPathComponent(name))
            }
        } catch {
            throw GatewayError(
                .directoryNotWritable, "cannot make the directory \(directory.path): \(error.localizedDescription)",
                cause: error)
        }
    }

    func beginUpload(contentType: String?) throws(APIError) -> MediaUpload {
        try MediaUpload(directory: directory, byteLimit: byteLimit, contentType: contentType)
    }

    /// Keeps what was uploaded; the same bytes a second time are the same file.
    func finish(_ upload: MediaUpload, links: MediaLinks) throws(APIError) -> UploadedMedia {
        let (digest, type, count) = try upload.seal()
        let name = "\(digest).\(type.fileExtension)"
        do {
            let target = directory.appendingPathComponent(name)
            if !FileManager.default.fileExists(atPath: target.path) {
                try FileManager.default.moveItem(at: upload.file, to: target)
            }
        } catch {
            guard FileManager.default.fileExists(atPath: directory.appendingPathComponent(name).path) else {
                throw APIError(writing: error)
            }
        }
        return UploadedMedia(
            url: links.url(of: name), kind: type.kind, contentType: type.contentType, byteCount: count, digest: digest)
    }

    /// The file of that name; nil for names that no upload makes, so none leads out of the directory.
    func file(named name: String) -> (url: URL, type: MediaType)? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 64, parts[0].utf8.allSatisfy(\.isLowercaseHexDigit),
            let type = MediaType(fileExtension: String(parts[1]))
        else { return nil }
        let url = directory.appendingPathComponent(name)
        return FileManager.default.fileExists(atPath: url.path) ? (url, type) : nil
    }
}

/// Media on its way in: hashed as it comes, in a file of its own that goes away with it.
final class MediaUpload {
    fileprivate static let suffix = ".part"
    let file: URL
    private let handle: FileHandle
    private let byteLimit: Int
    private let contentType: String?
    private var hash = SHA256()
    private var count = 0
    private var start = Data()

    fileprivate init(directory: URL, byteLimit: Int, contentType: String?) throws(APIError) {
        self.byteLimit = byteLimit
        self.contentType = contentType
        file = directory.appendingPathComponent("upload-\(UUID().uuidString)\(Self.suffix)")
        do {
            try Data().write(to: file)
            handle = try FileHandle(forWritingTo: file)
        } catch {
            throw APIError(writing: error)
        }
    }

    deinit {
        try? handle.close()
        try? FileManager.default.removeItem(at: file)
    }

    func append(_ data: Data) throws(APIError) {
        count += data.count
        guard count <= byteLimit else { throw .tooLarge(limit: byteLimit) }
        if start.count < 512 { start.append(data.prefix(512 - start.count)) }
        hash.update(data: data)
        do {
            try handle.write(contentsOf: data)
        } catch {
            throw APIError(writing: error)
        }
    }

    fileprivate func seal() throws(APIError) -> (digest: String, type: MediaType, count: Int) {
        guard count > 0 else { throw .invalid("body", "must not be empty") }
        do {
            try handle.synchronize()
        } catch {
            throw APIError(writing: error)
        }
        let digest = hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return (digest, MediaType(firstBytes: start, contentType: contentType), count)
    }
}

extension APIError {
    static func tooLarge(limit: Int) -> APIError {
        APIError(
            .invalidRequest, "The body is larger than \(limit) bytes.", status: 413, serverCode: "PAYLOAD_TOO_LARGE")
    }

    /// An error of the file system while writing.
    fileprivate init(writing error: any Error) {
        self = Self.isForRoom(error) ? .diskFull : APIError(storage: error)
    }

    /// Whether there is no room: on the disk, within the quota, or within the limit of a file's size.
    private static func isForRoom(_ error: any Error) -> Bool {
        if (error as? CocoaError)?.code == .fileWriteOutOfSpace { return true }
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
        return underlying?.domain == NSPOSIXErrorDomain
            && [ENOSPC, EDQUOT, EFBIG].contains(Int32(underlying?.code ?? 0))
    }
}

extension UInt8 {
    fileprivate var isLowercaseHexDigit: Bool { (0x30...0x39).contains(self) || (0x61...0x66).contains(self) }
}
