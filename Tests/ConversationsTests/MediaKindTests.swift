import Conversations
import CustomDump
import Testing

@Suite struct MediaKindTests {
    @Test(
        arguments: [
            ("https://storage.googleapis.com/inbound-file-store/abc123_IMG_5414.png", .image),
            ("https://cdn.example.com/a/IMG.HEIC?token=x.mp4", .image),
            ("https://cdn.example.com/a.b/clip.mov", .video),
            ("https://cdn.example.com/voice.caf#t=1", .audio), ("https://cdn.example.com/card.vcf", .contact),
            ("https://cdn.example.com/order.pdf", .document), ("photo.jpeg", .image), ("/media/0af3.webp", .image),
            ("https://cdn.example.com/with space.png", .image), ("https://cdn.example.com/%E2%9D%A4.gif", .image),
            ("https://cdn.example.com/file", nil), ("https://cdn.example.com/file.bin", nil),
            ("https://example.png", nil),
            ("https://example.com/?name=a.png", nil), ("https://cdn.example.com/a.png/raw", nil), ("", nil), (".", nil),
        ] as [(String, MediaKind?)])
    func `the extension of a URL's path tells the kind`(url: String, kind: MediaKind?) {
        expectNoDifference(MediaKind(url: url), kind)
    }

    @Test(
        arguments: [
            ("image/png", .image), ("IMAGE/JPEG", .image), (" image/heic ; q=1", .image), ("video/mp4", .video),
            ("audio/amr", .audio), ("text/vcard; charset=utf-8", .contact), ("text/x-vcard", .contact),
            ("application/pdf", .document), ("text/plain", .document), ("text/csv", .document),
            ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", .document),
            ("application/octet-stream", nil), ("text/html", nil), ("", nil), ("image", nil),
        ] as [(String, MediaKind?)])
    func `a content type tells the kind`(type: String, kind: MediaKind?) {
        expectNoDifference(MediaKind(contentType: type), kind)
    }

    @Test(
        arguments: [
            ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A], .image), ([0xFF, 0xD8, 0xFF, 0xE0], .image),
            (Array("GIF89a".utf8), .image), (Array("RIFF\0\0\0\0WEBPVP8 ".utf8), .image),
            (Array("BM\u{36}\0\0\0\0\0\0\0".utf8), .image), (Array("BMW is a car".utf8), nil), (Array("BM".utf8), nil),
            (Array("II*\0".utf8), .image), (Array("\0\0\0\u{18}ftypheic".utf8), .image),
            (Array("\0\0\0\u{18}ftypavif".utf8), .image), (Array("\0\0\0\u{18}ftypmp42".utf8), .video),
            (Array("\0\0\0\u{18}ftypqt  ".utf8), .video), (Array("\0\0\0\u{18}ftypM4A ".utf8), .audio),
            (Array("ID3\u{4}".utf8), .audio), ([0xFF, 0xFB, 0x90], .audio), ([0xFF, 0xF3, 0x40], .audio),
            ([0xFF, 0xF9, 0x50], .audio), (Array("OggS".utf8), .audio), (Array("fLaC".utf8), .audio),
            (Array("RIFF\0\0\0\0WAVE".utf8), .audio), (Array("caff".utf8), .audio), (Array("#!AMR\n".utf8), .audio),
            (Array("RIFF\0\0\0\0AVI ".utf8), .video), ([0x1A, 0x45, 0xDF, 0xA3], .video),
            (Array("BEGIN:VCARD\r\n".utf8), .contact), (Array("%PDF-1.7".utf8), .document),
            (Array("hello".utf8), nil), ([], nil), ([0xFF], nil),
        ] as [([UInt8], MediaKind?)])
    func `a file's first bytes tell the kind`(bytes: [UInt8], kind: MediaKind?) {
        expectNoDifference(MediaKind(firstBytes: bytes), kind)
    }
}
