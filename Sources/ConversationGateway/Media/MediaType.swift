import Conversations
import Foundation

/// What a media file is, as it is named and served.
struct MediaType: Sendable, Hashable {
    var kind: MediaKind
    var contentType: String
    var fileExtension: String

    private init(_ kind: MediaKind, _ contentType: String, _ fileExtension: String) {
        self.kind = kind
        self.contentType = contentType
        self.fileExtension = fileExtension
    }

    /// Only pictures, videos and sounds may be shown by a browser; anything else is for saving.
    var isShown: Bool { [.image, .video, .audio].contains(kind) }

    static let unknown = MediaType(.file, "application/octet-stream", "bin")

    /// By the bytes first, since a declared type is only a claim; by the claim where they say nothing, but never as
    /// something that a browser shows.
    init(firstBytes: Data, contentType: String?) {
        if let type = Self.sniff([UInt8](firstBytes.prefix(64))) {
            self = type
            return
        }
        let claim = contentType?.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
        self = Self.known.first { $0.contentType == claim && !$0.isShown } ?? .unknown
    }

    init?(fileExtension: String) {
        guard let type = (Self.known + [.unknown]).first(where: { $0.fileExtension == fileExtension }) else {
            return nil
        }
        self = type
    }

    private static let known = [
        MediaType(.image, "image/png", "png"), MediaType(.image, "image/jpeg", "jpg"),
        MediaType(.image, "image/gif", "gif"), MediaType(.image, "image/webp", "webp"),
        MediaType(.image, "image/heic", "heic"), MediaType(.image, "image/avif", "avif"),
        MediaType(.image, "image/bmp", "bmp"), MediaType(.image, "image/tiff", "tiff"),
        MediaType(.video, "video/mp4", "mp4"), MediaType(.video, "video/quicktime", "mov"),
        MediaType(.video, "video/webm", "webm"), MediaType(.video, "video/x-msvideo", "avi"),
        MediaType(.audio, "audio/mpeg", "mp3"), MediaType(.audio, "audio/mp4", "m4a"),
        MediaType(.audio, "audio/aac", "aac"), MediaType(.audio, "audio/x-caf", "caf"),
        MediaType(.audio, "audio/amr", "amr"), MediaType(.audio, "audio/wav", "wav"),
        MediaType(.audio, "audio/ogg", "ogg"), MediaType(.audio, "audio/flac", "flac"),
        MediaType(.contact, "text/vcard", "vcf"), MediaType(.document, "application/pdf", "pdf"),
        MediaType(.document, "text/plain", "txt"), MediaType(.document, "text/csv", "csv"),
    ]

    private static func sniff(_ bytes: [UInt8]) -> MediaType? {
        guard MediaKind(firstBytes: bytes) != nil else { return nil }
        func has(_ text: String, at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: text.utf8) }
        if has("ftyp", at: 4) { return isoBrand(String(decoding: bytes.dropFirst(8).prefix(4), as: UTF8.self)) }
        let signatures: [(Bool, String)] = [
            (bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]), "png"), (bytes.starts(with: [0xFF, 0xD8, 0xFF]), "jpg"),
            (has("GIF8"), "gif"), (has("WEBP", at: 8), "webp"), (has("BM"), "bmp"),
            (has("II*\0") || has("MM\0*"), "tiff"), (has("ID3") || bytes.starts(with: [0xFF, 0xFB]), "mp3"),
            (has("OggS"), "ogg"), (has("fLaC"), "flac"), (has("caff"), "caf"), (has("#!AMR"), "amr"),
            (has("WAVE", at: 8), "wav"), (bytes.starts(with: [0xFF, 0xF1]), "aac"),
            (bytes.starts(with: [0x1A, 0x45, 0xDF, 0xA3]), "webm"), (has("AVI ", at: 8), "avi"),
            (has("BEGIN:VCARD"), "vcf"), (has("%PDF-"), "pdf"),
        ]
        return signatures.first { $0.0 }.flatMap { MediaType(fileExtension: $0.1) }
    }

    private static func isoBrand(_ brand: String) -> MediaType? {
        switch brand {
        case "heic", "heix", "hevc", "mif1", "msf1": MediaType(fileExtension: "heic")
        case "avif", "avis": MediaType(fileExtension: "avif")
        case "M4A ", "M4B ": MediaType(fileExtension: "m4a")
        case "qt  ": MediaType(fileExtension: "mov")
        default: MediaType(fileExtension: "mp4")
        }
    }
}
