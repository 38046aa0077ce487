//! What bytes are: real files of each type, what is left of them when they are cut, and what lies about itself.

use std::sync::Arc;

use model::{ErrorCode, MediaType};
use pipeline::fetch::kind::{NotMedia, judge};

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

/// How many of the last bytes a file can lose and be whole all the same: line ends, a tag.
const TO_SPARE: [(&str, usize); 3] = [("card4.vcf", 2), ("card21.vcf", 1), ("tagged.mp3", 128)];

#[test]
fn a_file_that_was_cut_is_not_whole() {
    for (file, kind) in FILES {
        let whole = media(file);
        let to_spare = TO_SPARE.iter().find(|(name, _)| *name == file).map_or(0, |(_, spare)| *spare);
        let cuts = 12..whole.len() - to_spare;
        let passed: Vec<usize> = cuts.clone().filter(|cut| judge(&whole[..*cut], None).is_ok()).collect();
        // A stream that is cut between its frames or packets is a shorter stream; bare video says nowhere how long the last of its rows is.
        let bound = match file {
            "video.mpg" => cuts.len() / 3,
            // Writers differ on whether the frame with the count is counted.
            "tagged.mp3" => 1,
            "mpeg1.mpg" | "mpeg2.mpg" | "bare.mp3" | "layer2.mp2" => cuts.len() / 50,
            _ => 0,
        };
        assert!(passed.len() <= bound, "{file}, {} bytes: whole when cut at {passed:?}", whole.len());
        for cut in cuts.filter(|cut| !passed.contains(cut)) {
            let told = judge(&whole[..cut], None);
            assert!(matches!(told, Err(NotMedia::Broken(of, _)) if of == kind), "{file} cut at {cut}: {told:?}");
        }
    }
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
        change("card4.vcf", "ü".as_bytes(), b"\xFC"),
        change("card4.vcf", b"Ana", b"A\0a"),
        [media("card4.vcf"), b"<html>".to_vec()].concat(),
        b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(),
        b"GIF89a=1;alert(1)/*".to_vec(),
        b"\xFF\xD8\xFF\xD9".to_vec(),
        b"\xFF\xD8\xFF\xE0\0\0".to_vec(),
        b"%PDF-1.4\n%%EOF".to_vec(),
        b"\0\0\x01\xBA!\0\x01\0\x01\x80\0\x01\0\0\x01\xB9".to_vec(),
        b"\xFF\xFBhello".to_vec(),
    ] {
        let told = judge(&bytes, None);
        assert!(matches!(told, Err(NotMedia::Broken(..))), "{:?}: {told:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(20)]));
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
        let told = fetch(settings(&[server.port()]), &names, &format!("http://media.example.com:{}/{name}", server.port())).await;
        assert_eq!(told.unwrap_err().code(), ErrorCode::MediaTypeNotSupported, "{name}: {bytes:?}");
    }
    for (file, kind) in FILES {
        let server = Server::of_bytes(ALLOWED, response(200, &[("Content-Type", "text/html")], &media(file))).await;
        let fetched = fetch(settings(&[server.port()]), &names, &format!("http://media.example.com:{}/page.html", server.port())).await.unwrap();
        assert_eq!((fetched.kind, &fetched.bytes[..]), (kind, &media(file)[..]), "{file}");
    }
    let server = Server::of_bytes(ALLOWED, response(200, &[("Content-Type", "image/jpeg")], b"")).await;
    let told = fetch(settings(&[server.port()]), &names, &format!("http://media.example.com:{}/", server.port())).await;
    assert_eq!(told.unwrap_err().code(), ErrorCode::MediaUploadFailed, "nothing is no picture");
}
