//! What bytes are: real files of each type, what is left of them when they are cut, and what lies about itself.

use std::sync::Arc;

use fetch::media::kind::{NotMedia, judge};
use model::{ErrorCode, MediaType};

use crate::support::{ALLOWED, Names, Server, fetch, media, response, settings};

/// The files in `tests/media`, and what they are.
pub(crate) const FILES: [(&str, MediaType); 15] = [
    ("photo.jpg", MediaType::Jpeg),
    ("progressive.jpg", MediaType::Jpeg),
    ("picture.png", MediaType::Png),
    ("animated.png", MediaType::Png),
    ("animated.gif", MediaType::Gif),
    ("small.mp4", MediaType::Mp4),
    ("mpeg1.mpg", MediaType::Mpeg),
    ("mpeg2.mpg", MediaType::Mpeg),
    ("video.mpg", MediaType::Mpeg),
    ("tagged.mp3", MediaType::Mp3),
    ("bare.mp3", MediaType::Mp3),
    ("layer2.mp2", MediaType::Mp3),
    ("document.pdf", MediaType::Pdf),
    ("card4.vcf", MediaType::Vcard),
    ("card21.vcf", MediaType::Vcard),
];

#[test]
fn every_type_is_known_by_its_bytes() {
    for (file, kind) in FILES {
        for claimed in [None, Some("application/octet-stream"), Some("text/html"), Some("image/bmp")] {
            assert_eq!(judge(&media(file), claimed), Ok(kind), "{file} as {claimed:?}");
        }
    }
}

#[test]
fn a_card_keeps_the_name_under_which_it_is_served_and_nothing_else_does() {
    for (file, claimed, kind) in [
        ("card4.vcf", "text/x-vcard", MediaType::XVcard),
        ("card21.vcf", "Text/X-vCard; charset=utf-8", MediaType::XVcard),
        ("card21.vcf", "text/vcard", MediaType::Vcard),
        ("card4.vcf", "text/directory", MediaType::Vcard),
        ("photo.jpg", "text/x-vcard", MediaType::Jpeg),
        ("picture.png", "image/jpeg", MediaType::Png),
        ("small.mp4", "video/quicktime", MediaType::Mp4),
    ] {
        assert_eq!(judge(&media(file), Some(claimed)), Ok(kind), "{file} as {claimed}");
    }
}

/// From which length on a file is whole although it was cut, and why: everything that is shown is there.
const WHOLE_FROM: [(&str, usize, &str); 15] = [
    ("photo.jpg", 1_052, "the codes of the last block end there; the mark of the end is not shown"),
    ("progressive.jpg", 918, "without the mark of its end nobody knows whether a scan is missing"),
    ("picture.png", 517, "the data inflate to every row; two sums and `IEND` follow"),
    ("animated.png", 1_184, "`IEND` itself; without it a later picture may be missing"),
    ("animated.gif", 1_017, "the data of the last picture have every pixel; an empty block and the trailer follow"),
    ("small.mp4", 5_235, "the tracks' data are its last box"),
    ("mpeg1.mpg", 0, "a stream"),
    ("mpeg2.mpg", 0, "a stream"),
    ("video.mpg", 0, "a stream"),
    (
        "tagged.mp3",
        2_123,
        "as many frames as its writer promised, who left out the one that holds the count; so the last may be cut",
    ),
    ("bare.mp3", 0, "a stream"),
    ("layer2.mp2", 0, "a stream"),
    ("document.pdf", 1_826, "the number that says where its objects are has its line end; a mark follows"),
    ("card4.vcf", 151, "line ends"),
    ("card21.vcf", 64, "a line end"),
];

/// Every length at which a file is cut and passes all the same.
fn passed(file: &str) -> Vec<usize> {
    let whole = media(file);
    (12..whole.len()).filter(|cut| judge(&whole[..*cut], None).is_ok()).collect()
}

/// The rule: a file that was cut passes only where its substance is there, which is every pixel, every track, every
/// card, and the table of a document's objects. Streams have no end of their own, so they pass as shorter streams; one
/// that says how long it is passes from there on.
#[test]
fn a_file_that_was_cut_in_its_substance_is_not_whole() {
    let mut wrong = Vec::new();
    for (file, kind) in FILES {
        let whole = media(file);
        let passed = passed(file);
        for cut in (12..whole.len()).filter(|cut| !passed.contains(cut)) {
            let told = judge(&whole[..cut], None);
            assert!(matches!(told, Err(NotMedia::Broken(of, _)) if of == kind), "{file} cut at {cut}: {told:?}");
        }
        let (_, from, why) = WHOLE_FROM.iter().find(|(name, ..)| *name == file).unwrap();
        match file {
            // Between two pictures of an animation nothing says for certain that there is another: what stands there
            // holds no pixel.
            "animated.gif" => assert!(passed.len() < 17 && passed.ends_with(&[1_017, 1_018]), "{passed:?}"),
            "mpeg1.mpg" | "mpeg2.mpg" | "bare.mp3" | "layer2.mp2" => {}
            // The last row of its last picture says nowhere how long it is.
            "video.mpg" => assert!(passed.len() <= whole.len() / 3, "{passed:?}"),
            _ if passed == (*from..whole.len()).collect::<Vec<_>>() => {}
            _ => wrong.push(format!("{file} is whole when cut at {passed:?}, and not from {from} on ({why})")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_damaged_file_is_not_whole() {
    let change = |file: &str, from: &[u8], to: &[u8]| {
        let bytes = media(file);
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        [&bytes[..at], to, &bytes[at + from.len()..]].concat()
    };
    for bytes in [
        change("picture.png", b"IDAT", b"IDAU"),
        change("picture.png", b"IEND", b"IENE"),
        change("small.mp4", b"moov", b"free"),
        change("small.mp4", b"mdat", b"free"),
        change("document.pdf", b"startxref", b"startxxxx"),
        change("document.pdf", b"startxref\n1", b"startxref\n9"),
        change("card4.vcf", b"VERSION", b"VERSIO_"),
        change("card4.vcf", b"END:VCARD", b"END:VCAR"),
        change("card4.vcf", b"Ana", b"A\0a"),
        [media("card4.vcf"), b"<html>".to_vec()].concat(),
        b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(),
        b"GIF89a=1;alert(1)/*".to_vec(),
        b"\xFF\xD8\xFF\xD9".to_vec(),
        b"\xFF\xD8\xFF\xE0\0\0".to_vec(),
        change("picture.png", b"IHDR", b"IHDS"),
        change("animated.png", b"\0\0\x01\xE1IDAT", b"\0\0\x01\xE1idAT"),
        b"%PDF-1.4\n%%EOF".to_vec(),
        b"\0\0\x01\xBA!\0\x01\0\x01\x80\0\x01\0\0\x01\xB9".to_vec(),
        b"\xFF\xFBhello".to_vec(),
    ] {
        let told = judge(&bytes, None);
        assert!(
            matches!(told, Err(NotMedia::Broken(..))),
            "{:?}: {told:?}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(20)])
        );
    }
}

#[test]
fn what_stands_behind_the_end_of_a_file_is_left_to_its_readers() {
    for file in ["photo.jpg", "picture.png", "animated.gif", "card4.vcf"] {
        let tail = if file == "card4.vcf" { media("card21.vcf") } else { b"PK\x03\x04 an archive".to_vec() };
        assert!(judge(&[media(file), tail].concat(), None).is_ok(), "{file}");
    }
    assert!(judge(&[media("document.pdf"), b"\n\n".to_vec()].concat(), None).is_ok());
    assert!(judge(&[b"\xEF\xBB\xBF\r\n".to_vec(), media("card4.vcf")].concat(), None).is_ok());
}

/// The beginnings of what is none of the nine types, with names that say otherwise.
const LIARS: [(&str, &str, &[u8]); 16] = [
    ("cat.jpg", "image/jpeg", b"<!DOCTYPE html><html><body>hello</body></html>"),
    ("cat.png", "image/png", b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>"),
    ("cat.gif", "image/gif", b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
    ("cat.pdf", "application/pdf", b"PK\x03\x04\x14\0\0\0\x08\0 a.txt"),
    ("cat.mp4", "video/mp4", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0"),
    ("cat.mpg", "video/mpeg", b"\x7FELF\x02\x01\x01\0"),
    ("cat.mp3", "audio/mpeg", b"RIFF\x24\0\0\0WAVEfmt "),
    ("cat.mp3", "audio/mpeg", b"ID3\x03\0\0\0\0\0\x02\0\0fLaC\0\0\0\x22"),
    ("cat.mp3", "audio/mpeg", b"\xFF\xF1\x50\x80\x02\x1F\xFC"),
    ("cat.vcf", "text/vcard", b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"),
    ("cat.jpg", "image/jpeg", b"RIFF\x24\0\0\0WEBPVP8 "),
    ("cat.jpg", "image/jpeg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
    ("cat.mp4", "video/mp4", b"\0\0\0\x14ftypqt  \0\0\0\0qt  "),
    ("cat.mp4", "video/mp4", b"\x1A\x45\xDF\xA3\x01\0\0\0webm"),
    ("cat.pdf", "application/pdf", b"hello %PDF-1.4 %%EOF"),
    ("cat.jpg", "image/jpeg", b"#!/bin/sh\n"),
];

#[tokio::test]
async fn a_name_and_a_header_that_lie_are_not_believed() {
    let names = Arc::new(Names::new([("media.example.com", &[&[ALLOWED]])]));
    for (name, claimed, bytes) in LIARS {
        let server = Server::of_bytes(ALLOWED, response(200, &[("Content-Type", claimed)], bytes)).await;
        let told =
            fetch(settings(&[server.port()]), &names, &format!("http://media.example.com:{}/{name}", server.port()))
                .await;
        assert_eq!(told.unwrap_err().code(), ErrorCode::MediaTypeNotSupported, "{name}: {bytes:?}");
    }
    for (file, kind) in FILES {
        let server = Server::of_bytes(ALLOWED, response(200, &[("Content-Type", "text/html")], &media(file))).await;
        let fetched =
            fetch(settings(&[server.port()]), &names, &format!("http://media.example.com:{}/page.html", server.port()))
                .await
                .unwrap();
        assert_eq!((fetched.kind, &fetched.bytes[..]), (kind, &media(file)[..]), "{file}");
    }
    let server = Server::of_bytes(ALLOWED, response(200, &[("Content-Type", "image/jpeg")], b"")).await;
    let told = fetch(settings(&[server.port()]), &names, &format!("http://media.example.com:{}/", server.port())).await;
    assert_eq!(told.unwrap_err().code(), ErrorCode::MediaUploadFailed, "nothing is no picture");
}
