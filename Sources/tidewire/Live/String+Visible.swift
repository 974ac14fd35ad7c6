extension String {
    /// The text on one line, with what could steer a terminal or hide in a line written out: others' texts can't move the
    /// cursor, colour what follows, or look like lines of ours.
    var visible: String {
        unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\n", "\r", "\t": text += " "
            case _ where Self.isUnsafe(scalar): text += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    /// Control characters, line and paragraph separators, and those that turn the direction of writing.
    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F, 0x2028, 0x2029, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
