//! Complex fields (ECMA-376-1 17.16.18): which text is code, and which runs belong together.

/// Characters of a field's code that are kept, enough for its name.
const CODE: usize = 24;

#[derive(Debug)]
struct Field {
    start: u32,
    paragraph: usize,
    in_code: bool,
    code: String,
}

/// The fields that are open at some place of the document.
#[derive(Debug, Default)]
pub(super) struct Fields {
    open: Vec<Field>,
    codes: usize,
    ended: Vec<Field>,
}

impl Fields {
    /// Takes note of a `w:fldChar`.
    pub(super) fn mark(&mut self, kind: &str, run_start: u32, paragraph: usize) {
        match kind {
            "begin" => {
                self.codes += 1;
                self.open.push(Field {
                    start: run_start,
                    paragraph,
                    in_code: true,
                    code: String::new(),
                });
            }
            "separate" => {
                if let Some(field) = self.open.last_mut().filter(|field| field.in_code) {
                    field.in_code = false;
                    self.codes -= 1;
                }
            }
            "end" => {
                if let Some(field) = self.open.pop() {
                    self.codes -= usize::from(field.in_code);
                    self.ended.push(field);
                }
            }
            _ => {}
        }
    }

    /// Whether the place belongs to a field's code, which is not shown.
    pub(super) fn in_code(&self) -> bool {
        self.codes > 0
    }

    /// Takes note of code.
    pub(super) fn code(&mut self, text: &str) {
        if let Some(field) = self.open.last_mut().filter(|field| field.in_code) {
            let left = CODE.saturating_sub(field.code.len());
            field.code.extend(text.chars().take(left));
        }
    }

    /// The fields that ended in the run which ends at `run_end`, as spans that no marker may split: those in
    /// one paragraph, except links, in whose text a marker is safe.
    pub(super) fn finish_run(&mut self, run_end: u32, paragraph: usize) -> impl Iterator<Item = (u32, u32)> {
        let whole = move |field: &Field| {
            let name = field.code.split_whitespace().next().unwrap_or("");
            field.paragraph == paragraph && !name.eq_ignore_ascii_case("HYPERLINK")
        };
        self.ended
            .drain(..)
            .filter(whole)
            .map(move |field| (field.start, run_end))
    }
}
