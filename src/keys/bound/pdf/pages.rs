//! A PDF's pages, and the text that they show.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::Unknown;
use super::content::{ShownContent, threes_of_bytes};
use super::objects::{Objects, PdfObject};
use super::syntax::{Dict, Value};
use crate::keys::bound::inflate::Inflater;

/// Forms within forms.
const MOST_NESTED: usize = 16;

/// Names that content invokes, and looking them up for each page.
const MOST_NAMES: usize = 50_000;
const MOST_LOOKUPS: usize = 500_000;

/// The numbers of all pages: the leaves of the page tree, and whatever else says that it is one, which readers take
/// where the tree is broken. What the tree says of their count is not believed.
///
/// # Errors
/// When there is no tree, or a part of it is missing or hangs in it twice.
pub(super) fn pages(objects: &Objects<'_>) -> Result<HashSet<u32>, Unknown> {
    let (mut pages, mut seen) = (HashSet::new(), HashSet::new());
    let mut waiting = Vec::new();
    for (number, object) in objects.all() {
        if object.get("Type").is_some() {
            pages.insert(number);
        }
        match object.get("Pages") {
            Some(Value::Ref(root)) => waiting.extend(seen.insert(*root).then_some(*root)),
            Some(_) => return Err(Unknown),
            None => {}
        }
    }
    while let Some(number) = waiting.pop() {
        let mut below = HashSet::new();
        for version in objects.versions(number)? {
            match version.dict().ok_or(Unknown)?.get(b"Kids".as_slice()) {
                Some(kids) => below.extend(kids_of(objects, kids)?),
                None => drop(pages.insert(number)),
            }
        }
        for kid in below {
            if !seen.insert(kid) {
                return Err(Unknown);
            }
            waiting.push(kid);
        }
    }
    if seen.is_empty() {
        return Err(Unknown);
    }
    Ok(pages)
}

/// A node's children, none of them twice.
fn kids_of(objects: &Objects<'_>, kids: &Value) -> Result<HashSet<u32>, Unknown> {
    let kids = references(objects, kids)?;
    let distinct: HashSet<u32> = kids.iter().copied().collect();
    if distinct.len() < kids.len() {
        return Err(Unknown);
    }
    Ok(distinct)
}

/// The references in an array, which may be an object of its own.
fn references(objects: &Objects<'_>, array: &Value) -> Result<Vec<u32>, Unknown> {
    let array = match array {
        Value::Ref(number) => match objects.versions(*number)? {
            [object] => &object.value,
            _ => return Err(Unknown),
        },
        direct => direct,
    };
    let Value::Array(items) = array else {
        return Err(Unknown);
    };
    let references = items.iter().map(|item| match item {
        Value::Ref(number) => Ok(*number),
        _ => Err(Unknown),
    });
    references.collect()
}

/// Adds up what pages show.
pub(super) struct Text<'o, 'a> {
    objects: &'o Objects<'a>,
    inflater: &'o mut Inflater,
    forms: Vec<u32>,
    /// What has been read, by the stream's number.
    contents: HashMap<u32, Rc<ShownContent>>,
    names: usize,
    /// Bytes that a form shows with all that it invokes.
    of_forms: HashMap<u32, u64>,
    lookups: usize,
}

/// Where a page's or a form's content looks names up.
type Resources<'o> = Vec<&'o Dict>;

impl<'o, 'a> Text<'o, 'a> {
    pub(super) fn new(objects: &'o Objects<'a>, inflater: &'o mut Inflater) -> Self {
        let forms = objects.all().filter(|(_, object)| object.is_form());
        let forms: HashSet<u32> = forms.map(|(number, _)| number).collect();
        Self {
            objects,
            inflater,
            forms: forms.into_iter().collect(),
            contents: HashMap::new(),
            names: 0,
            of_forms: HashMap::new(),
            lookups: 0,
        }
    }

    /// Bytes of text on these pages, and once more in each form, which a field or a note may show.
    ///
    /// # Errors
    /// When a stream that may be shown cannot be read.
    pub(super) fn bytes(&mut self, pages: &HashSet<u32>) -> Result<u64, Unknown> {
        let mut bytes = 0_u64;
        for page in pages {
            bytes = bytes.saturating_add(self.of_page(*page)?);
        }
        for form in self.forms.clone() {
            bytes = bytes.saturating_add(self.of_form(form, 0)?);
        }
        let mut threes = 1;
        for map in self.objects.text_maps() {
            for map in self.objects.data(map, self.inflater)? {
                threes = threes_of_bytes(&map)?.max(threes);
            }
        }
        Ok(bytes.saturating_mul(threes))
    }

    fn of_page(&mut self, page: u32) -> Result<u64, Unknown> {
        let mut shown = Vec::new();
        for version in self.objects.versions(page)? {
            match version.get("Contents") {
                Some(Value::Ref(number)) if self.is_stream(*number)? => shown.push(*number),
                Some(array) => shown.extend(references(self.objects, array)?),
                None => {}
            }
        }
        let resources = self.resources(page)?;
        let mut bytes = 0_u64;
        for stream in shown {
            if !self.is_stream(stream)? {
                return Err(Unknown);
            }
            bytes = bytes.saturating_add(self.of_stream(stream, &resources, 0)?);
        }
        Ok(bytes)
    }

    fn is_stream(&self, number: u32) -> Result<bool, Unknown> {
        Ok(self
            .objects
            .versions(number)?
            .iter()
            .all(PdfObject::is_stream))
    }

    /// A form's own text, and that of the forms that it invokes; one that invokes itself is nested too deep.
    fn of_form(&mut self, form: u32, depth: usize) -> Result<u64, Unknown> {
        if let Some(bytes) = self.of_forms.get(&form) {
            return Ok(*bytes);
        }
        if depth > MOST_NESTED {
            return Err(Unknown);
        }
        let resources = self.resources(form)?;
        let bytes = self.of_stream(form, &resources, depth)?;
        self.of_forms.insert(form, bytes);
        Ok(bytes)
    }

    fn of_stream(
        &mut self,
        stream: u32,
        resources: &Resources<'o>,
        depth: usize,
    ) -> Result<u64, Unknown> {
        let content = self.content(stream)?;
        self.look_up(content.invoked.len() + 1)?;
        let mut bytes = content.text;
        for (name, times) in &content.invoked {
            let each = self.of_name(name, resources, depth + 1)?;
            bytes = bytes.saturating_add(each.saturating_mul(*times));
        }
        if content.invoked_unnamed > 0 {
            let each = self.of_any_form(depth + 1)?;
            bytes = bytes.saturating_add(each.saturating_mul(content.invoked_unnamed));
        }
        Ok(bytes)
    }

    /// What a name stands for; where that is not said beside the content, it may be any form.
    fn of_name(
        &mut self,
        name: &[u8],
        resources: &Resources<'o>,
        depth: usize,
    ) -> Result<u64, Unknown> {
        let mut most = None;
        for dict in resources {
            let Some(value) = dict.get(name) else {
                continue;
            };
            let Value::Ref(number) = value else {
                return Err(Unknown);
            };
            let is_form = self
                .objects
                .versions(*number)?
                .iter()
                .any(PdfObject::is_form);
            let bytes = match is_form {
                true => self.of_form(*number, depth)?,
                false => 0,
            };
            most = most.max(Some(bytes));
        }
        match most {
            Some(bytes) => Ok(bytes),
            None => self.of_any_form(depth),
        }
    }

    fn of_any_form(&mut self, depth: usize) -> Result<u64, Unknown> {
        self.look_up(self.forms.len())?;
        let mut most = 0;
        for form in self.forms.clone() {
            most = self.of_form(form, depth)?.max(most);
        }
        Ok(most)
    }

    fn look_up(&mut self, names: usize) -> Result<(), Unknown> {
        self.lookups += names;
        match self.lookups > MOST_LOOKUPS {
            true => Err(Unknown),
            false => Ok(()),
        }
    }

    /// What a stream shows; of several versions, what they show together.
    fn content(&mut self, stream: u32) -> Result<Rc<ShownContent>, Unknown> {
        if let Some(content) = self.contents.get(&stream) {
            return Ok(Rc::clone(content));
        }
        let mut content = ShownContent::default();
        for data in self.objects.data(stream, self.inflater)? {
            content.add(&data, MOST_NAMES - self.names)?;
        }
        self.names += content.invoked.len();
        let content = Rc::new(content);
        self.contents.insert(stream, Rc::clone(&content));
        Ok(content)
    }

    /// The dictionaries of forms and pictures in each version of a page or form.
    fn resources(&self, number: u32) -> Result<Resources<'o>, Unknown> {
        let mut resources = Vec::new();
        for version in self.objects.versions(number)? {
            match version.get("Resources") {
                Some(Value::Dict(dict)) => resources.push(dict.as_ref()),
                Some(Value::Ref(number)) => {
                    let versions = self.objects.versions(*number)?.iter();
                    resources.extend(versions.filter_map(PdfObject::dict));
                }
                _ => {}
            }
        }
        let named = resources.into_iter().filter_map(|resources| {
            match resources.get(b"XObject".as_slice()) {
                Some(Value::Dict(dict)) => Some(dict.as_ref()),
                _ => None,
            }
        });
        Ok(named.collect())
    }
}
