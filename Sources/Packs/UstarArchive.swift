import Foundation

/// An uncompressed tar archive of plain files whose bytes depend on the files alone.
///
/// Entries are sorted by path; owner, group, mode and time are fixed. Source: POSIX.1-2017, `pax`, "ustar Interchange
/// Format".
struct UstarArchive {
    private static let blockSize = 512

    var files: [String: Data]

    init(files: [String: Data]) {
        self.files = files
    }

    var data: Data {
        var data = Data()
        for (path, content) in files.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            data.append(Self.header(path: path, size: content.count))
            data.append(content)
            data.append(Data(count: Self.padding(after: content.count)))
        }
        data.append(Data(count: 2 * Self.blockSize))
        return data
    }

    init(data: Data) throws(PackError) {
        files = [:]
        let bytes = [UInt8](data)
        var position = 0
        while position + Self.blockSize <= bytes.count {
            let header = bytes[position..<position + Self.blockSize]
            if header.allSatisfy({ $0 == 0 }) { return }
            guard Self.checksum(of: header) == Self.octal(header.dropFirst(148).prefix(8)),
                let size = Self.octal(header.dropFirst(124).prefix(12))
            else { throw PackError(.corrupted, "the archive's header at byte \(position) is damaged") }
            let path = Self.path(in: header)
            guard header[position + 156] == UInt8(ascii: "0") else {
                throw PackError(.corrupted, "\(path) in the archive is not a plain file")
            }
            let start = position + Self.blockSize
            guard size <= bytes.count - start else {
                throw PackError(.corrupted, "the archive ends within \(path)")
            }
            guard files.updateValue(Data(bytes[start..<start + size]), forKey: path) == nil else {
                throw PackError(.corrupted, "the archive holds \(path) twice")
            }
            position = start + size + Self.padding(after: size)
        }
        throw PackError(.corrupted, "the archive has no end")
    }

    private static func path(in header: ArraySlice<UInt8>) -> String {
        let prefix = text(header.dropFirst(345).prefix(155))
        let name = text(header.prefix(100))
        return prefix.isEmpty ? name : prefix + "/" + name
    }

    /// Whether `path` fits a header's name and prefix fields.
    static func canHold(_ path: String) -> Bool { split(path) != nil }

    private static func header(path: String, size: Int) -> Data {
        var header = [UInt8](repeating: 0, count: blockSize)
        func put(_ text: String, at offset: Int) {
            header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
        }
        let (prefix, name) = split(path) ?? ("", String(path.suffix(100)))
        put(name, at: 0)
        put("0000644\0", at: 100)
        put("0000000\0", at: 108)
        put("0000000\0", at: 116)
        put(octal(size, digits: 11) + "\0", at: 124)
        put(octal(0, digits: 11) + "\0", at: 136)
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar\0" + "00", at: 257)
        put(prefix, at: 345)
        put(octal(checksum(of: header[...]), digits: 6) + "\0 ", at: 148)
        return Data(header)
    }

    /// Sum of the header's bytes with the checksum field taken as spaces.
    private static func checksum(of header: ArraySlice<UInt8>) -> Int {
        let field = (header.startIndex + 148)..<(header.startIndex + 156)
        return header.indices.reduce(0) { $0 + (field.contains($1) ? 0x20 : Int(header[$1])) }
    }

    private static func split(_ path: String) -> (prefix: String, name: String)? {
        if path.utf8.count <= 100 { return ("", path) }
        for index in path.indices where path[index] == "/" {
            let prefix = String(path[..<index])
            let name = String(path[path.index(after: index)...])
            if prefix.utf8.count <= 155, name.utf8.count <= 100 { return (prefix, name) }
        }
        return nil
    }

    private static func padding(after size: Int) -> Int { (blockSize - size % blockSize) % blockSize }

    private static func octal(_ value: Int, digits: Int) -> String {
        let text = String(value, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// Nil for anything but octal digits: a sign would make a size that traps.
    private static func octal(_ field: some Sequence<UInt8>) -> Int? {
        let digits = text(field)
        return digits.utf8.allSatisfy { (0x30...0x37).contains($0) } ? Int(digits, radix: 8) : nil
    }

    private static func text(_ field: some Sequence<UInt8>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }
}
