//! Bodies as peers write them.

use super::*;

fn parts(content_type: &str, body: &str) -> Vec<(String, String)> {
    let text = |entity: &Entity<'_>| String::from_utf8(entity.decoded()).unwrap();
    Entity::of_http(Some(content_type), body.as_bytes())
        .leaves()
        .iter()
        .map(|part| (part.id().to_owned(), text(part)))
        .collect()
}

#[test]
fn parts_are_what_lies_between_boundaries() {
    for (what, content_type, body, expected) in [
        (
            "as it should be",
            "multipart/related; boundary=b",
            "--b\r\n\r\none\r\n--b\r\nContent-ID: <2>\r\n\r\ntwo\r\n--b--\r\n",
            &[("", "one"), ("2", "two")][..],
        ),
        (
            "lines without carriage returns",
            "multipart/related; boundary=b",
            "--b\nContent-ID: 1\n\none\n--b--\n",
            &[("1", "one")],
        ),
        (
            "words before and after",
            "multipart/mixed;boundary=\"b\"",
            "preface\r\n--b\r\n\r\none\r\n--b--\r\nepilogue",
            &[("", "one")],
        ),
        (
            "an end that is missing",
            "multipart/related; boundary=b",
            "--b\r\n\r\none\r\n--b\r\n\r\ntwo",
            &[("", "one"), ("", "two")],
        ),
        (
            "blanks after the boundary",
            "multipart/related; boundary=b",
            "--b \t\r\n\r\none\r\n--b-- \r\n",
            &[("", "one")],
        ),
        (
            "a boundary within a line",
            "multipart/related; boundary=b",
            "--b\r\n\r\none --b\r\n--bb\r\n--b--",
            &[("", "one --b\r\n--bb")],
        ),
        ("a boundary that is not told", "multipart/related", "\r\n--b\r\n\r\none\r\n--b--", &[("", "one")]),
        ("an empty part", "multipart/related; boundary=b", "--b\r\n\r\n\r\n--b--", &[("", "")]),
        ("a part of headers alone", "multipart/related; boundary=b", "--b\r\nContent-ID: <1>\r\n--b--", &[("1", "")]),
        ("a part without the blank line", "multipart/related; boundary=b", "--b\r\n<a/>\r\n--b--", &[("", "<a/>")]),
        (
            "a folded header",
            "multipart/related; boundary=b",
            "--b\r\nContent-ID:\r\n <1>\r\n\r\none\r\n--b--",
            &[("1", "one")],
        ),
        (
            "base64",
            "multipart/related; boundary=b",
            "--b\r\nContent-Transfer-Encoding: BASE64\r\n\r\nb2\r\n5l\r\n--b--",
            &[("", "one")],
        ),
        (
            "base64 that is none",
            "multipart/related; boundary=b",
            "--b\r\nContent-Transfer-Encoding: base64\r\n\r\n<a/>\r\n--b--",
            &[("", "<a/>")],
        ),
        (
            "quoted-printable",
            "multipart/related; boundary=b",
            "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9=\r\n=3D=\r\n--b--",
            &[("", "é==")],
        ),
        ("no multipart", "text/plain", "--b\r\n\r\none", &[("", "--b\r\n\r\none")]),
    ] {
        let expected: Vec<_> = expected.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
        assert_eq!(parts(content_type, body), expected, "{what}");
    }
}

#[test]
fn an_inner_boundary_that_begins_as_the_outer_one_is_another() {
    let body = "--m\r\n\r\nroot\r\n--m\r\nContent-Type: multipart/mixed; \
        boundary=m-in\r\n\r\n--m-in\r\n\r\none\r\n--m-in\r\n\r\ntwo\r\n--m-in--\r\n--m--";
    let texts: Vec<_> = parts("multipart/related; boundary=m", body).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["root", "one", "two"]);
}

#[test]
fn parameters_are_read_with_and_without_quotes() {
    for (value, name, expected) in [
        ("multipart/related; boundary=b; type=text/xml", "type", Some("text/xml")),
        ("multipart/related;BOUNDARY=\"a;b=c\" ; type=\"text/xml\"", "boundary", Some("a;b=c")),
        ("multipart/related; boundary=\"a\\\"b\"; start = \"<x>\"", "start", Some("<x>")),
        ("multipart/related; boundary=\"a\\\"b\"", "boundary", Some("a\"b")),
        ("multipart/related; boundary=\"open", "boundary", Some("open")),
        ("multipart/related; flag; boundary=b", "boundary", Some("b")),
        ("multipart/related", "boundary", None),
        ("multipart/related;", "boundary", None),
        ("multipart/related; boundary", "boundary", None),
    ] {
        assert_eq!(parameter(value, name).as_deref(), expected, "{value}");
    }
}

#[test]
fn lines_of_base64_are_as_long_as_they_may_be() {
    let octets: Vec<u8> = (0..=255).collect();
    let mut out = Vec::new();
    to_base64(&octets, &mut out);
    let lines: Vec<_> = std::str::from_utf8(&out).unwrap().split_terminator("\r\n").map(str::len).collect();
    assert_eq!(lines, [76, 76, 76, 76, 40]);
    assert_eq!(from_base64(&out), Some(octets));
}
