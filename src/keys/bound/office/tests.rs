use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;

use super::*;

/// How an archive lies, if it does.
#[derive(Clone, Copy, Default)]
struct Lies {
    flags: u16,
    method: Option<u16>,
    /// What the directory adds to each file's size.
    larger: u32,
    /// What stands between the last file and the directory.
    gap: &'static [u8],
    comment: &'static [u8],
}

fn zip_with(files: &[(&str, &[u8])], lies: Lies) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        let size = content.len() as u32;
        let mut header = Vec::new();
        header.extend([20, 0]);
        header.extend(lies.flags.to_le_bytes());
        header.extend(lies.method.unwrap_or(8).to_le_bytes());
        header.extend([0; 8]);
        header.extend((packed.len() as u32).to_le_bytes());
        header.extend((size + lies.larger).to_le_bytes());
        header.extend((name.len() as u16).to_le_bytes());
        header.extend([0; 2]);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&header);
        directory.extend([0; 10]);
        directory.extend((zip.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        zip.extend(b"PK\x03\x04");
        zip.extend(header);
        zip.extend(name.as_bytes());
        zip.extend(packed);
    }
    zip.extend(lies.gap);
    let start = zip.len() as u32;
    zip.extend(&directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend([(files.len() as u16).to_le_bytes(); 2].concat());
    zip.extend((directory.len() as u32).to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend((lies.comment.len() as u16).to_le_bytes());
    zip.extend(lies.comment);
    zip
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(files, Lies::default())
}

fn of(files: &[(&str, &[u8])]) -> u64 {
    office_tokens(&zip(files))
}

fn of_xml(xml: &str) -> u64 {
    of(&[("word/document.xml", xml.as_bytes())])
}

#[test]
fn a_file_of_word_counts_by_its_text_and_not_by_its_size() {
    let words = "twelve bytes".repeat(10);
    assert_eq!(
        of_xml(&format!("<w:p><w:r><w:t>{words}</w:t></w:r></w:p>")),
        121
    );
    assert_eq!(
        of_xml(&format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><w:t>{words}</w:t>"
        )),
        120
    );
    let numbers: String = (0..500).map(|number| format!("{number} ")).collect();
    let long = format!("<w:t>{}</w:t>", numbers.repeat(50));
    let packed = zip(&[("word/document.xml", long.as_bytes())]);
    assert!(packed.len() < 2_000);
    assert_eq!(office_tokens(&packed), 94_500);
    // Wherever the file says that its text is; pictures have none.
    let other = [
        ("x/media/image1.png", long.as_bytes()),
        ("word/document.xml", b"<a/>".as_slice()),
    ];
    assert_eq!(of(&other), 94_500);
    assert_eq!(
        of(&[
            ("notes.txt", words.as_bytes()),
            ("image1.png", b"\x89PNG\0\0\0")
        ]),
        120
    );
    // Tags that are shown as something.
    assert_eq!(
        of_xml(&format!("<w:p>{}</w:p>", "<w:tab/>".repeat(900))),
        901
    );
    // Space is text in a text, and between tags it is none.
    let space = " \n".repeat(200);
    assert_eq!(
        of_xml(&format!("<w:t>{space}</w:t>{space}<w:r>{space}</w:r>")),
        400
    );
    let quoted = r#"<w:p x=">"><w:t y='"'/></w:p><!-- > <x y=" --><?x > <x y=" ?>"#;
    assert_eq!(of_xml(&format!("{quoted}{words}{quoted}")), 122);
}

#[test]
fn a_sheet_counts_a_string_as_often_as_it_shows_it() {
    let long = format!(
        "<sst><si><t>{}</t></si><si><r><t>a</t></r><r><t>b</t></r></si></sst>",
        "x".repeat(1_000)
    );
    let sheet = |cells: &str| {
        let sheet = format!("<sheetData><row>{cells}</row></sheetData>");
        of(&[
            ("xl/sharedStrings.xml", long.as_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ])
    };
    let none = sheet("");
    assert_eq!(none, 1_003);
    let shared = r#"<c r="A1" t="s"><v>0</v></c>"#;
    // A cell's sign, its number's digits, and the string; and the one place of the table.
    assert_eq!(sheet(shared), none + 1 + 1 + 1_000 + 1);
    assert_eq!(sheet(&shared.repeat(300)), none + 300 * 1_002 + 1);
    assert_eq!(
        sheet(r#"<x:c t = 's'><x:v> 1 </x:v></x:c>"#),
        none + 1 + 3 + 2
    );
    assert_eq!(sheet(r#"<c r="A1" x=">" t="s"><v>0</v></c>"#), none + 1_003);
    assert_eq!(sheet(r#"<c r="A1"><v>0</v></c>"#), none + 3);
    // The places before a cell far away.
    assert_eq!(
        sheet(r#"<c r="AB2000"><v>7</v></c>"#),
        none + 2 + 28 * 2_000
    );
    for odd in [
        r#"<c t="s"><v>&#48;</v></c>"#,
        r#"<c t="s"><v><!-- -->0</v></c>"#,
        r#"<c r="&#65;1"><v>0</v></c>"#,
        r#"<c r="AAAA1"><v>0</v></c>"#,
    ] {
        assert_eq!(sheet(odd), UNKNOWN, "{odd}");
    }
    let two = [("a.xml", long.as_bytes()), ("b.xml", long.as_bytes())];
    assert_eq!(of(&two), UNKNOWN);
}

#[test]
fn a_file_that_readers_may_read_differently_is_larger_than_any_context() {
    let xml: &[(&str, &[u8])] = &[("word/document.xml", &[b'x'; 100])];
    let lies = |lies| office_tokens(&zip_with(xml, lies));
    let honest = Lies::default();
    assert_eq!(lies(honest), 100);
    assert_eq!(lies(Lies { flags: 1, ..honest }), UNKNOWN);
    assert_eq!(
        lies(Lies {
            method: Some(9),
            ..honest
        }),
        UNKNOWN
    );
    assert_eq!(
        lies(Lies {
            method: Some(0),
            ..honest
        }),
        UNKNOWN
    );
    assert_eq!(
        lies(Lies {
            larger: 1,
            ..honest
        }),
        UNKNOWN
    );
    assert_eq!(
        lies(Lies {
            gap: b"PK\x03\x04",
            ..honest
        }),
        UNKNOWN
    );
    assert_eq!(
        lies(Lies {
            comment: b"x",
            ..honest
        }),
        UNKNOWN
    );
    assert_eq!(office_tokens(b""), UNKNOWN);
    assert_eq!(
        office_tokens(&[b"x".as_slice(), &zip(xml)].concat()),
        UNKNOWN
    );
    assert_eq!(of(&[("a", b"x"), ("A", b"y")]), UNKNOWN);
    for size in [0xffff_u16, 2] {
        let mut wrong = zip(xml);
        let at = wrong.len() - 14;
        wrong[at..at + 2].copy_from_slice(&size.to_le_bytes());
        assert_eq!(office_tokens(&wrong), UNKNOWN);
    }
    let bomb = vec![b' '; 9 << 20];
    assert_eq!(of(&[("a", &bomb), ("b", &bomb)]), UNKNOWN);
    for hidden in [
        "<!DOCTYPE a [<!ENTITY b \"ccc\">]><a>&b;</a>",
        "<a><![CDATA[<hidden]]></a>",
        "<?xml version=\"1.0\" encoding='UTF-7'?><a/>",
        "<a>\0</a>",
        "\0<\0a\0>",
    ] {
        assert_eq!(of_xml(hidden), UNKNOWN, "{hidden}");
    }
    assert_eq!(of(&[("a", b"\xff\xfe<\0a\0")]), UNKNOWN);
}

proptest! {
    #[test]
    fn any_bytes_have_a_bound(bytes: Vec<u8>) {
        prop_assert_eq!(office_tokens(&bytes), UNKNOWN);
        let part = of(&[("part", &bytes)]);
        prop_assert!(part == UNKNOWN || part <= 2 * bytes.len() as u64 + 32);
    }

    #[test]
    fn a_changed_file_has_a_bound(index: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let sheet = br#"<c r="A1" t="s"><v>0</v></c>"#;
        let mut file = zip(&[("a.xml", b"<si><t>words</t></si>"), ("b.xml", sheet)]);
        let length = file.len();
        file[index.index(length)] = byte;
        prop_assert!((14..=UNKNOWN).contains(&office_tokens(&file)));
        file.truncate(cut.index(length));
        prop_assert_eq!(office_tokens(&file), UNKNOWN);
    }

    #[test]
    fn no_text_is_left_out(texts in proptest::collection::vec("[a-z \"'=>/]{0,30}", 0..20)) {
        let xml: String = texts.iter().map(|text| format!("<w:t a=\"<>\">{text}</w:t>")).collect();
        let bytes: usize = texts.iter().map(String::len).sum();
        let tokens = of_xml(&format!("<w:p>{xml}</w:p>"));
        prop_assert!(tokens >= bytes as u64);
    }
}
