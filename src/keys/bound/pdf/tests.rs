use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use super::*;

const UNKNOWN: u64 = MOST_PAGES * PAGE;

/// A file that is made object by object; object 1 is the catalog, whose pages are object 2.
#[derive(Clone)]
struct Pdf(Vec<u8>);

impl Pdf {
    fn new() -> Self {
        let pdf = Self(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec());
        // Large enough for what the tests deflate.
        pdf.raw(&b"%...............\n".repeat(300))
            .object(1, "<</Type/Catalog/Pages 2 0 R>>")
    }

    /// With pages that have these entries, from object 3 on.
    fn with_pages(entries: &[&str]) -> Self {
        let kids = refs(3..entries.len() + 3);
        let mut pdf = Self::new().object(2, &format!("<</Type/Pages/Kids[{kids}]/Count 1>>"));
        for (index, entries) in entries.iter().enumerate() {
            pdf = pdf.object(3 + index, &format!("<</Type/Page/Parent 2 0 R{entries}>>"));
        }
        pdf
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    fn object(self, number: usize, body: &str) -> Self {
        self.raw(format!("{number} 0 obj\n{body}\nendobj\n").as_bytes())
    }

    fn stream(self, number: usize, entries: &str, data: &[u8]) -> Self {
        let length = data.len();
        self.raw(format!("{number} 0 obj\n<<{entries}/Length {length}>>\nstream\r\n").as_bytes())
            .raw(data)
            .raw(b"\nendstream\nendobj\n")
    }

    fn flate(self, number: usize, entries: &str, data: &[u8]) -> Self {
        self.stream(
            number,
            &format!("/Filter/FlateDecode{entries}"),
            &zlib(data),
        )
    }

    /// An object stream of these objects.
    fn packed(self, number: usize, objects: &[(usize, String)]) -> Self {
        let (mut header, mut body) = (String::new(), String::new());
        for (number, object) in objects {
            write!(header, "{number} {} ", body.len()).unwrap();
            write!(body, "{object} ").unwrap();
        }
        let (count, first) = (objects.len(), header.len());
        let entries = format!("/Type/ObjStm/N {count}/First {first}");
        self.flate(number, &entries, (header + body.as_str()).as_bytes())
    }

    fn tokens(&self) -> u64 {
        pdf_tokens(&self.0)
    }
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn ascii85(data: &[u8]) -> Vec<u8> {
    let mut letters = Vec::new();
    for group in data.chunks(4) {
        let mut bytes = [0; 4];
        bytes[..group.len()].copy_from_slice(group);
        let number = u32::from_be_bytes(bytes);
        let digits =
            [52_200_625, 614_125, 7_225, 85, 1].map(|place| (number / place % 85) as u8 + b'!');
        letters.extend(&digits[..=group.len()]);
        letters.push(b'\n');
    }
    [letters.as_slice(), b"~>"].concat()
}

fn refs(numbers: impl IntoIterator<Item = usize>) -> String {
    numbers
        .into_iter()
        .map(|number| format!("{number} 0 R "))
        .collect()
}

/// Content that shows this many bytes.
fn shows(bytes: usize) -> Vec<u8> {
    format!("BT /F1 12 Tf ({}) Tj ET", "x".repeat(bytes)).into_bytes()
}

/// A tree over a hundred pages, all in one object stream.
fn hundred_packed(kids: &str, page: &str) -> Pdf {
    let mut objects = vec![(2, format!("<</Type/Pages/Count 1/Kids[{kids}]>>"))];
    objects.extend((3..103).map(|number| (number, page.to_owned())));
    Pdf::new().packed(200, &objects)
}

#[test]
fn each_page_counts_wherever_its_object_stands() {
    let one = Pdf::with_pages(&["/MediaBox[0 0 612 792]/Contents 9 0 R"]);
    assert_eq!(one.flate(9, "", &shows(900)).tokens(), 3_000);
    assert_eq!(Pdf::with_pages(&[""; 7]).tokens(), 21_000);
    // A count that is too small is the file's own word; types and keys may be written in escapes, or not at all.
    for page in [
        "<</Type/Page>>",
        "<</T#79pe/P#61ge>>",
        "<<>>",
        "<</Type 4 0 R>>",
    ] {
        let packed = hundred_packed(&refs(3..103), page);
        assert!(packed.0.len() < 16_000);
        assert_eq!(packed.tokens(), 300_000, "{page}");
    }
    // Without a place in the tree, too: readers find them where the tree is broken.
    assert_eq!(hundred_packed("", "<</Type/Page>>").tokens(), 300_000);
}

#[test]
fn a_tree_counts_to_its_leaves_and_an_update_with_what_it_updates() {
    let nested = Pdf::new()
        .object(2, "<</Kids 8 0 R>>")
        .object(8, "[3 0 R 4 0 R]")
        .object(3, "<</Kids[5 0 R 6 0 R]>>")
        .object(4, "<</Type/Page>>")
        .object(5, "<<>>")
        .object(6, "<</Type/Page/Annots[9 0 R]>>");
    assert_eq!(nested.tokens(), 9_000);
    // Fields and tables of names have children as well, which are no pages.
    let named = nested.clone().object(9, "<</FT/Tx/Kids[10 0 R 11 0 R]>>");
    assert_eq!(named.tokens(), 9_000);
    let updated = nested
        .object(2, "<</Kids[3 0 R 4 0 R 7 0 R]>>")
        .object(7, "<</Type/Page>>")
        .raw(
            b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Root 1 0 R/Size 9>>\nstartxref\n9\n%%EOF",
        );
    assert_eq!(updated.tokens(), 12_000);
}

#[test]
fn pages_that_cannot_be_counted_are_the_most_that_bedrock_takes() {
    let one = || Pdf::with_pages(&["/Contents 9 0 R"]);
    let tree = |kids: &str| Pdf::new().object(2, kids).object(3, "<</Type/Page>>");
    let table = [
        ("nothing", Pdf(Vec::new())),
        ("garbage", Pdf(b"%PDF-1.4 garbage".to_vec())),
        ("no tree", Pdf(Vec::new()).object(3, "<</Type/Page>>")),
        ("a page twice", tree("<</Kids[3 0 R 3 0 R]>>")),
        (
            "a branch twice",
            tree("<</Kids[4 0 R 5 0 R]>>")
                .object(4, "<</Kids[3 0 R]>>")
                .object(5, "<</Kids[3 0 R]>>"),
        ),
        ("a circle", tree("<</Kids[2 0 R]>>")),
        ("a page that is missing", tree("<</Kids[3 0 R 77 0 R]>>")),
        (
            "a page in the tree's place",
            tree("<</Kids[<</Type/Page>>]>>"),
        ),
        ("two lists", tree("<</Kids[3 0 R]/K#69ds[3 0 R 4 0 R]>>")),
        (
            "encrypted",
            Pdf::with_pages(&[""]).raw(b"trailer <</Encrypt 9 0 R>>"),
        ),
        (
            "encrypted, in escapes",
            Pdf::with_pages(&[""]).raw(b"trailer%\n<</#45ncrypt<<>>>>"),
        ),
        (
            "encrypted, in a stream",
            Pdf::with_pages(&[""]).flate(9, "/Type/XRef/Encrypt 8 0 R", b""),
        ),
        ("another filter", one().stream(9, "/Filter/LZWDecode", b"x")),
        (
            "two filters",
            one().stream(9, "/Filter[/FlateDecode/FlateDecode]", &zlib(&zlib(b"x"))),
        ),
        (
            "a filter's short key",
            one().stream(9, "/F/ASCIIHexDecode", b"00"),
        ),
        (
            "a predictor",
            one().flate(9, "/DecodeParms<</Predictor 12>>", b"x"),
        ),
        ("content that is missing", one()),
        (
            "content that is cut",
            one().stream(9, "/Filter/FlateDecode", &zlib(&shows(900))[..30]),
        ),
        (
            "content longer than its data",
            one().raw(b"9 0 obj<</Length 99>>stream\n(x) Tj\nendstream 10 0 obj 1 endobj"),
        ),
        (
            "an object in a string",
            one().object(9, "(10 0 obj <<>> endobj)"),
        ),
        (
            "an object behind a comment",
            one().raw(b"9 0 %\nobj <<>> endobj"),
        ),
        ("a string without end", one().object(9, "(")),
        ("nested", one().object(9, &"[".repeat(100_000))),
        ("a bomb", one().flate(9, "", &vec![b' '; 17 << 20])),
        (
            "many small bombs",
            (10..30).fold(one().flate(9, "", b""), |pdf, number| {
                pdf.flate(number, "/First 0/N 0", &vec![b' '; 1 << 20])
            }),
        ),
        (
            "one value under two numbers",
            Pdf::new().flate(9, "/N 2/First 8", b"2 0 3 0 <</Kids[3 0 R]>>"),
        ),
        (
            "more values than are said",
            Pdf::new().flate(9, "/N 1/First 8", b"2 0 3 9 <<>>     <<>>"),
        ),
        (
            "a replacement text that stands elsewhere",
            Pdf::with_pages(&["/Resources<</Properties<</P<</ActualText 9 0 R>>>>>>"]),
        ),
        (
            "a replacement text",
            one()
                .flate(9, "", b"")
                .object(10, &format!("<</ActualText({})>>", "x".repeat(999))),
        ),
        ("601 pages", Pdf::with_pages(&[""; 601])),
    ];
    for (what, pdf) in table {
        assert_eq!(pdf.tokens(), UNKNOWN, "{what}");
    }
    assert_eq!(Pdf::with_pages(&[""; 600]).tokens(), UNKNOWN);
    let large = one().stream(9, "", &[b' '; 90_000]);
    assert_eq!(large.tokens(), large.0.len() as u64 / 8);
}

#[test]
fn text_counts_as_often_as_it_is_shown() {
    let form = "/Type/XObject/Subtype/Form";
    let with = |name: &str| format!("/Contents 9 0 R/Resources<</XObject<</{name} 10 0 R>>>>");
    let one = |entries: &str| Pdf::with_pages(&[entries]);
    let text = shows(100_000);
    let of_one = 100_000 + PAGE_PICTURE;
    let thousand = b"/Fm Do ".repeat(1_000);
    let of_thousand = 100_000 * 1_001 + PAGE_PICTURE;
    let ascii = "/Filter[/ASCII85Decode/FlateDecode]";
    let table = [
        ("once", one("/Contents 9 0 R").flate(9, "", &text), of_one),
        ("not deflated", one("/Contents[9 0 R]").stream(9, "", &text), of_one),
        ("in letters", one("/Contents 9 0 R").stream(9, ascii, &ascii85(&zlib(&text))), of_one),
        ("as a picture", one("/Contents 9 0 R").flate(9, "/Subtype/Image", &text), of_one),
        ("on each page", Pdf::with_pages(&["/Contents 9 0 R"; 5]).flate(9, "", &text), 5 * of_one),
        ("five times", one("/Contents 8 0 R").object(8, &format!("[{}]", refs([9; 5]))).flate(9, "", &text), 500_000 + PAGE_PICTURE),
        ("by a form", one(&with("Fm")).flate(9, "", &thousand).flate(10, form, &text), of_thousand),
        ("by a form of another name", one(&with("X")).flate(9, "", &thousand).flate(10, form, &text), of_thousand),
        ("by escapes", one(&with("F#6d")).flate(9, "", &thousand).flate(10, form, &text), of_thousand),
        ("behind a string", one(&with("Fm")).flate(9, "", &[b"BI ID ( EI ", thousand.as_slice()].concat()).flate(10, form, &text), of_thousand + 7_011),
        ("by a form in a form", one(&with("Fm")).flate(9, "", &thousand)
            .flate(10, &format!("{form}/Resources 12 0 R"), b"/Fm Do /Fm Do")
            .flate(11, form, &text).object(12, "<</XObject<</Fm 11 0 R>>>>"), 100_000 * 2_003 + PAGE_PICTURE),
        ("by a picture", one(&with("Fm")).flate(9, "", &thousand).flate(10, "/Subtype/Image", &text), 3_000),
        ("by a form in itself", one(&with("Fm")).flate(9, "", &thousand).flate(10, form, b"/Fm Do"), UNKNOWN),
        ("in hexadecimal", one("/Contents 9 0 R").flate(9, "", format!("<{}> Tj", "41".repeat(100_000)).as_bytes()), of_one),
        ("through two streams", one("/Contents[8 0 R 9 0 R]").flate(8, "", b"(").flate(9, "", &[b'x'; 100_000].into_iter().chain(*b") Tj").collect::<Vec<_>>()), of_one + 5),
        ("as another text", one("/Contents 9 0 R/Resources<</Font<</F1<</ToUnicode 7 0 R>>>>>>").flate(9, "", &text)
            .flate(7, "", format!("beginbfchar <01> <{}> endbfchar", "4e00".repeat(40)).as_bytes()), 4_000_000 + PAGE_PICTURE),
        ("as itself", one("/Contents 9 0 R").flate(9, "", &text).object(8, "<</Type/Font/ToUnicode 7 0 R>>")
            .flate(7, "", b"/Registry (Adobe-Identity-UCS) beginbfrange <01> <02> <4e00> <03> <04> <006600660069> endbfrange"), of_one),
    ];
    for (what, pdf, tokens) in table {
        assert_eq!(pdf.tokens(), tokens, "{what}");
    }
}

proptest! {
    #[test]
    fn any_bytes_have_a_bound(bytes: Vec<u8>) {
        prop_assert_eq!(pdf_tokens(&bytes), UNKNOWN);
        let object = [b"1 0 obj".as_slice(), &bytes].concat();
        prop_assert_eq!(pdf_tokens(&object), UNKNOWN);
    }

    #[test]
    fn a_changed_file_has_a_bound(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9), cut: prop::sample::Index) {
        let form = "/Subtype/Form/Resources<</XObject<</Fm 11 0 R>>>>";
        let mut pdf = Pdf::with_pages(&["/Contents 9 0 R/Resources<</XObject<</Fm 10 0 R>>>>", "/Contents[9 0 R]"])
            .stream(9, "", b"(words) Tj /Fm Do <41> Tj")
            .flate(10, form, &shows(10))
            .packed(12, &[(13, "<</Type/Page>>".to_owned()), (14, "[13 0 R]".to_owned())]);
        for (index, byte) in changes {
            let length = pdf.0.len();
            pdf.0[index.index(length)] = byte;
        }
        prop_assert!((3_000..=UNKNOWN).contains(&pdf.tokens()));
        pdf.0.truncate(cut.index(pdf.0.len()));
        prop_assert!((3_000..=UNKNOWN).contains(&pdf.tokens()));
    }

    #[test]
    fn no_page_and_no_text_is_left_out(pages in 1..40_usize, text in 0..9_000_usize, packed: bool) {
        let page = "<</Type/Page/Contents 200 0 R>>".to_owned();
        let objects: Vec<_> = (3..pages + 3).map(|number| (number, page.clone())).collect();
        let pdf = Pdf::new().object(2, &format!("<</Kids[{}]>>", refs(3..pages + 3)));
        let pdf = match packed {
            true => pdf.packed(300, &objects),
            false => objects.iter().fold(pdf, |pdf, (number, page)| pdf.object(*number, page)),
        };
        let tokens = pdf.flate(200, "", &shows(text)).tokens();
        let (pages, text) = (pages as u64, text as u64);
        prop_assert_eq!(tokens, (3_000 * pages).max((1_600 + text) * pages));
    }
}
