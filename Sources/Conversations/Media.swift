import Foundation

/// What an attachment is, as far as rules tell attachments apart.
public enum MediaKind: String, Sendable, Hashable, Codable, CaseIterable {
    case image, video, audio, contact, document, file

    /// Judges by the extension of the URL's path; nil where that says nothing.
    public init?(url: String) {
        let path = URLComponents(string: url)?.path ?? url
        guard let name = path.split(separator: "/").last, let dot = name.lastIndex(of: ".") else { return nil }
        self.init(fileExtension: String(name[name.index(after: dot)...]))
    }

    public init?(fileExtension: String) {
        switch fileExtension.lowercased() {
        case "jpg", "jpeg", "png", "gif", "webp", "heic", "heif", "bmp", "tif", "tiff", "avif": self = .image
        case "mp4", "mov", "m4v", "3gp", "webm", "avi", "mkv": self = .video
        case "mp3", "m4a", "aac", "caf", "amr", "wav", "ogg", "opus", "flac": self = .audio
        case "vcf", "vcard": self = .contact
        case "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "csv", "pages", "numbers": self = .document
        default: return nil
        }
    }

    /// Judges by a `Content-Type`; nil for types that say nothing, such as `application/octet-stream`.
    public init?(contentType: String) {
        let type = contentType.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
        switch type {
        case "text/vcard", "text/x-vcard", "text/directory": self = .contact
        case "application/pdf", "application/msword", "text/plain", "text/csv": self = .document
        default:
            if type.hasPrefix("image/") {
                self = .image
            } else if type.hasPrefix("video/") {
                self = .video
            } else if type.hasPrefix("audio/") {
                self = .audio
            } else if type.hasPrefix("application/vnd.") {
                self = .document
            } else {
                return nil
            }
        }
    }

    /// Judges by a file's first bytes (16 are enough); nil where they are of no known format.
    public init?(firstBytes bytes: some Collection<UInt8>) {
        let bytes = Array(bytes.prefix(16))
        func has(_ text: String, at offset: Int = 0) -> Bool {
            bytes.dropFirst(offset).starts(with: text.utf8)
        }
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) || bytes.starts(with: [0xFF, 0xD8, 0xFF]) || has("GIF8")
            || (has("RIFF") && has("WEBP", at: 8)) || Self.isBitmap(bytes) || has("II*\0") || has("MM\0*")
        {
            self = .image
        } else if has("ftyp", at: 4) {
            self = Self.kind(ofISOBrand: String(decoding: bytes.dropFirst(8).prefix(4), as: UTF8.self))
        } else if has("ID3") || has("OggS") || has("fLaC") || has("caff") || has("#!AMR") || has("WAVE", at: 8)
            || Self.isAudioFrame(bytes)
        {
            self = .audio
        } else if bytes.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) || has("AVI ", at: 8) {
            self = .video
        } else if has("BEGIN:VCARD") {
            self = .contact
        } else if has("%PDF-") {
            self = .document
        } else {
            return nil
        }
    }

    /// "BM" begins many a text; of a bitmap, bytes 6 to 9 are zero as well.
    /// Source: Microsoft, BITMAPFILEHEADER, `bfReserved1` and `bfReserved2`.
    private static func isBitmap(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [0x42, 0x4D]) && bytes.count >= 10 && bytes[6..<10].allSatisfy { $0 == 0 }
    }

    /// An MP3 frame (layer III, MPEG 1 or 2) or an ADTS frame (AAC). Source: ISO/IEC 11172-3 and 13818-7, frame header.
    private static func isAudioFrame(_ bytes: [UInt8]) -> Bool {
        bytes.count > 1 && bytes[0] == 0xFF && [0xFB, 0xFA, 0xF3, 0xF2, 0xF1, 0xF9].contains(bytes[1])
    }

    /// ISO base media files say what they are by their brand. Source: MP4 Registration Authority, brands.
    private static func kind(ofISOBrand brand: String) -> MediaKind {
        switch brand {
        case "heic", "heix", "hevc", "mif1", "msf1", "avif", "avis": .image
        case "M4A ", "M4B ": .audio
        default: .video
        }
    }
}
